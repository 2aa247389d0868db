//! Sessions from end to end: side by side, at the door's closing, and with rubbish in between.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::door::Door;
use super::wire::Wire;
use crate::support::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_tells_open_sessions_and_ends_them() {
    let door = Door::open().await;
    let mut idle = door.connect().await;
    idle.hears("220 *").await;
    let mut signed_in = door.sign_in().await;
    let mut in_exchange = door.connect_secure().await;
    in_exchange.asks("AUTH LOGIN", "334 *").await;
    let ended = tokio::spawn(door.app.stop());
    for wire in [&mut idle, &mut signed_in, &mut in_exchange] {
        wire.hears("421 4.3.2 Shutting down*").await;
        wire.is_closed().await.unwrap();
    }
    ended.await.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_does_not_wait_for_handshakes_that_never_end() {
    let door = Door::open_with(&[("drain_timeout", "300s")]).await;
    let _silent = Wire::connect(door.implicit()).await;
    door.sign_in().await.asks("QUIT", "221 *").await;
    let ended = tokio::time::timeout(PATIENCE, door.app.stop()).await;
    ended.expect("an end long before the drain time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_session_hears_of_database_trouble_as_temporary_and_goes_on() {
    let door = Door::open().await;
    let mut wire = door.sign_in().await;
    door.app.app.db.close().await;
    wire.asks("NOOP", "451 4.3.0 *").await;
    wire.asks("MAIL FROM:<alice@acme.example>", "451 4.3.0 *").await;
    wire.asks("QUIT", "221 *").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_during_database_trouble_is_told_to_come_back_and_never_that_the_password_is_wrong() {
    let door = Door::open().await;
    let mut wire = door.connect_secure().await;
    door.app.app.db.close().await;
    let plain = door.plain();
    for _ in 0..4 {
        wire.asks(&format!("AUTH PLAIN {plain}"), "454 4.7.0 Temporary authentication failure (ref ?????)")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_of_any_kind_leaves_the_door_open_for_the_next_client() {
    let door = Door::open_with(&[("smtp_new_connections_per_minute", "100000")]).await;
    let mut random = TestRunner::deterministic();
    for round in 0..200_usize {
        let rubbish = proptest::collection::vec(any::<u8>(), 1 + round * 40).new_tree(&mut random);
        let mut bytes = rubbish.expect("rubbish").current();
        bytes.push(0);
        let mut wire = door.connect().await;
        if round % 2 == 0 {
            wire.hears("220 *").await;
        }
        wire.sends(&bytes).await;
        if round % 3 == 0 {
            while wire.line().await.is_some() {}
        }
    }
    door.sign_in().await.asks("QUIT", "221 *").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_sign_in_side_by_side() {
    let door = std::sync::Arc::new(Door::open().await);
    door.sign_in().await.asks("QUIT", "221 *").await;
    let sessions = (0..50).map(|_| {
        let door = door.clone();
        tokio::spawn(async move { door.sign_in().await.asks("QUIT", "221 *").await })
    });
    for session in sessions.collect::<Vec<_>>() {
        tokio::time::timeout(Duration::from_secs(60), session).await.expect("in time").expect("signed in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_handshakes_commands_and_replies_are_counted() {
    let door = Door::open().await;
    let mut wire = door.sign_in().await;
    let metrics = door.app.visitor().page("/metrics").await;
    for counted in [
        "gatepost_smtp_accepted_total{result=\"admitted\"} ",
        "gatepost_smtp_tls_handshakes_total{result=\"done\"} ",
        "gatepost_smtp_commands_total{verb=\"AUTH\"} ",
        "gatepost_smtp_replies_total{code=\"235\"} ",
    ] {
        let count = metrics.lines().find_map(|line| line.strip_prefix(counted)).unwrap_or_default();
        assert!(count.parse::<f64>().is_ok_and(|count| count >= 1.0), "{counted} in\n{metrics}");
    }
    // The other doors of this process set it too.
    assert!(metrics.contains("gatepost_smtp_connections "), "{metrics}");
    wire.asks("QUIT", "221 *").await;
}
