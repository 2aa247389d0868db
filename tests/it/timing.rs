//! What does not exist takes as long as what is wrong: a username at the SMTP door, an e-mail address at the dashboard.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use crate::support::{ALICE, TestApp, Visitor};

/// Of each kind, in pairs.
const PAIRS: u16 = 200;
/// How far apart the medians may be.
const TOLERANCE: f64 = 0.05;
/// A busy machine may spoil a measurement, not four in a row.
const MEASUREMENTS: u8 = 4;

const WRONG: &str = "sk_00000000000000000000000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_username_takes_as_long_as_a_wrong_password() {
    let app = TestApp::with_config(|config| config.smtp_new_connections_per_minute = 100_000).await;
    let shop = app.issue("Shop").await;
    assert_alike(&app, async |client, is_unknown, number| {
        let unknown = format!("smtp_{number:016}");
        let mut connection = app.smtp_from(client).await;
        let began = Instant::now();
        let reply = connection.log_in(if is_unknown { &unknown } else { &shop.username }, WRONG).await;
        let took = began.elapsed();
        assert_eq!(reply.code, 535, "{reply:?}");
        took
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_e_mail_address_takes_as_long_as_a_wrong_password() {
    let app = TestApp::start().await;
    app.alice().await;
    assert_alike(&app, async |client, is_unknown, number| {
        let unknown = format!("mallory{number}@acme.example");
        let visitor = Visitor::from(client, &app.url);
        let began = Instant::now();
        let answer = visitor.log_in(if is_unknown { &unknown } else { ALICE.0 }, WRONG).await;
        let took = began.elapsed();
        assert_eq!(answer.status, 422, "{}", answer.body);
        took
    })
    .await;
}

/// Fails when the medians stay apart. `measure`: from this address, with an unknown name or a wrong password, which pair.
async fn assert_alike(app: &TestApp, measure: impl AsyncFn(IpAddr, bool, u16) -> Duration) {
    let mut measured = Vec::new();
    for round in 0..MEASUREMENTS {
        let difference = difference_of_medians(app, round, &measure).await;
        measured.push(format!("{:+.1} %", difference * 100.0));
        if difference.abs() <= TOLERANCE {
            return;
        }
    }
    panic!("an unknown name against a wrong password, medians of {PAIRS}: {measured:?}");
}

/// How much longer an unknown name takes, as a part of what a wrong password takes.
async fn difference_of_medians(
    app: &TestApp,
    round: u8,
    measure: &impl AsyncFn(IpAddr, bool, u16) -> Duration,
) -> f64 {
    let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let [high, low] = number.to_be_bytes();
        // In turns, each from an address of its own, so that nobody is slowed down for guessing.
        let client = Ipv4Addr::new(127, 10 + round, high, low).into();
        let unknown_first = number % 2 == 0;
        for is_unknown in [unknown_first, !unknown_first] {
            let times = if is_unknown { &mut unknown } else { &mut wrong };
            times.push(measure(client, is_unknown, number).await.as_secs_f64());
        }
        // The failures with the real name are forgiven, as they are to one who waits.
        app.clock.advance(Duration::from_secs(60));
    }
    median(&mut unknown) / median(&mut wrong) - 1.0
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
