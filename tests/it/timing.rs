//! What does not exist takes as long as what is wrong: a username at the SMTP door, an e-mail address at the dashboard.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use crate::support::{ALICE, TestApp, Visitor};

/// Measurements of a round: one of each kind in a pair, one right after the other.
const PAIRS: u16 = 200;
/// How much longer one kind may take, as a part of what the other takes.
const TOLERANCE: f64 = 0.05;
/// The busier the machine, the more rounds it takes to tell.
const ROUNDS: u8 = 5;

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

/// Fails when they are apart. `measure`: from this address, with an unknown name or a wrong password, which pair.
///
/// All pairs together decide, as soon as they tell; where they still don't at the end, nobody can tell the kinds apart.
async fn assert_alike(app: &TestApp, measure: impl AsyncFn(IpAddr, bool, u16) -> Duration) {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        for number in 0..PAIRS {
            ratios.push(ratio(round, number, &measure).await);
            // The failures with the real name are forgiven, as they are to one who waits.
            app.clock.advance(Duration::from_secs(60));
        }
        let (least, most) = range_of_median(&mut ratios);
        if -TOLERANCE <= least && most <= TOLERANCE {
            return;
        }
        let apart = least > TOLERANCE || most < -TOLERANCE;
        assert!(!apart, "an unknown name takes {:+.1} % to {:+.1} % longer", least * 100.0, most * 100.0);
    }
}

/// How much longer the unknown name of a pair takes, as a part of what its wrong password takes.
async fn ratio(round: u8, number: u16, measure: &impl AsyncFn(IpAddr, bool, u16) -> Duration) -> f64 {
    let [high, low] = number.to_be_bytes();
    // Each from an address of its own, so that nobody is slowed down for guessing.
    let client = Ipv4Addr::new(127, 10 + round, high, low).into();
    let (mut unknown, mut wrong) = (Duration::ZERO, Duration::ZERO);
    let unknown_first = number.is_multiple_of(2);
    for is_unknown in [unknown_first, !unknown_first] {
        let time = if is_unknown { &mut unknown } else { &mut wrong };
        *time = measure(client, is_unknown, number).await;
    }
    unknown.as_secs_f64() / wrong.as_secs_f64() - 1.0
}

/// Between which of them the median of all such ratios lies, in 997 of 1,000 cases, however they are spread.
fn range_of_median(ratios: &mut [f64]) -> (f64, f64) {
    ratios.sort_by(f64::total_cmp);
    let (middle, step) = (ratios.len() / 2, ratios.len().isqrt() * 3 / 2);
    (ratios[middle - step], ratios[middle + step])
}
