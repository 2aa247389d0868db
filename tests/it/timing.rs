//! An unknown username takes as long as a wrong password.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::support::TestApp;

/// Of each kind, in pairs.
const PAIRS: u16 = 200;
/// How far apart the medians may be.
const TOLERANCE: f64 = 0.05;
/// A busy machine may spoil a measurement, not four in a row.
const MEASUREMENTS: usize = 4;

const WRONG: &str = "sk_00000000000000000000000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_username_takes_as_long_as_a_wrong_password() {
    let app = TestApp::with_config(|config| config.smtp_new_connections_per_minute = 100_000).await;
    let shop = app.issue("Shop").await;
    let mut measured = Vec::new();
    for round in 0..MEASUREMENTS {
        let difference = difference_of_medians(&app, &shop.username, u8::try_from(round).unwrap()).await;
        measured.push(format!("{:+.1} %", difference * 100.0));
        if difference.abs() <= TOLERANCE {
            return;
        }
    }
    panic!("an unknown username against a wrong password, medians of {PAIRS}: {measured:?}");
}

/// How much longer an unknown username takes, as a part of what a wrong password takes.
async fn difference_of_medians(app: &TestApp, username: &str, round: u8) -> f64 {
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let [high, low] = number.to_be_bytes();
        // In turns, each from an address of its own, so that nobody is slowed down for guessing.
        let client = Ipv4Addr::new(127, 10 + round, high, low);
        let nobody = format!("smtp_{number:016}");
        let first_is_unknown = number % 2 == 0;
        for is_unknown in [first_is_unknown, !first_is_unknown] {
            let name = if is_unknown { &nobody } else { username };
            let times = if is_unknown { &mut unknown } else { &mut wrong };
            times.push(time_of_denial(app, client, name).await);
        }
        // The failures with the real username are forgiven, as they are to one who waits.
        app.clock.advance(Duration::from_secs(60));
    }
    median(&mut unknown) / median(&mut wrong) - 1.0
}

/// From AUTH to its answer, in seconds.
async fn time_of_denial(app: &TestApp, client: Ipv4Addr, username: &str) -> f64 {
    let mut connection = app.smtp_from(client.into()).await;
    let began = Instant::now();
    let reply = connection.log_in(username, WRONG).await;
    let took = began.elapsed();
    assert_eq!(reply.code, 535, "{reply:?}");
    took.as_secs_f64()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
