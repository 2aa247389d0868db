//! Connections that are kept, waited for, replaced and closed.

use std::time::Duration;

use gatepost::id::CredentialId;
use gatepost::smtp::relay::{MailOptions, Trouble};
use tokio::time::Instant;

use super::{SENDER, begun, open, relay, relay_with, send};
use crate::support::{Act, NextHop, eventually};

#[tokio::test]
async fn messages_follow_each_other_on_one_connection_up_to_a_hundred() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    for _ in 0..101 {
        assert!(send(&relay).await.expect("an answer").is_yes());
    }
    let connections = hop.connections();
    assert_eq!(connections.iter().map(|heard| heard.messages.len()).collect::<Vec<_>>(), [100, 1]);
    eventually("the old one is closed", async || {
        let old = hop.connections().swap_remove(0);
        (old.over && old.verbs().last() == Some(&"QUIT")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_said_no_five_times_and_never_yes_in_between_is_left() {
    let hop = NextHop::plain().await;
    let relay = relay_with(&hop, |config| config.next_hop_max_connections = 1);
    for noes in [4, 4, 7] {
        for _ in 0..noes {
            hop.once("RCPT", Act::Says("550 5.1.1 nobody"));
            assert_eq!(send(&relay).await.expect("an answer").code, 550);
        }
        assert!(send(&relay).await.expect("an answer").is_yes());
    }
    let connections = hop.connections();
    let taken: Vec<_> = connections.iter().map(|heard| heard.messages.len()).collect();
    assert_eq!(taken, [2, 1]);
    assert_eq!(connections[0].verbs().last(), Some(&"QUIT"));
}

#[tokio::test]
async fn a_message_that_is_given_up_is_reset_and_the_connection_kept() {
    let hop = NextHop::plain().await;
    // The place is free once the connection is kept.
    let relay = relay_with(&hop, |config| config.next_hop_max_connections = 1);
    drop(begun(&relay).await);
    assert!(send(&relay).await.expect("an answer").is_yes());
    assert_eq!(hop.connection().verbs(), ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]);
}

#[tokio::test]
async fn a_reset_that_gets_no_answer_costs_the_connection_and_not_its_place() {
    for act in [Act::HangsUp, Act::Freezes, Act::Says("451 4.0.0 no"), Act::Says("hm")] {
        let hop = NextHop::plain().await;
        hop.once("RSET", act.clone());
        let relay = relay_with(&hop, |config| {
            config.next_hop_max_connections = 1;
            config.next_hop_timeout = Duration::from_secs(2);
        });
        drop(begun(&relay).await);
        assert!(send(&relay).await.expect("an answer").is_yes(), "{act:?}");
        assert_eq!(hop.connections().len(), 2, "{act:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced_unnoticed() {
    for (step, act) in [
        ("end", Act::SaysAndHangsUp("250 2.0.0 taken")),
        ("end", Act::SaysAndHangsUp("250 2.0.0 taken\n421 4.4.2 idle for too long")),
        ("end", Act::Says("250 2.0.0 taken\n250 2.0.0 twice")),
        // Not to be seen before MAIL is said.
        ("MAIL", Act::HangsUp),
        ("MAIL", Act::SaysAndHangsUp("421 4.4.2 idle for too long")),
    ] {
        let hop = NextHop::plain().await;
        hop.once(step, if step == "MAIL" { Act::Says("250 2.1.0 fine") } else { act.clone() });
        hop.once(step, act.clone());
        let relay = relay(&hop);
        for _ in 0..2 {
            let said = send(&relay).await.expect("an answer");
            assert!(said.is_yes(), "{act:?}: {said:?}");
        }
        let connections = hop.connections();
        let taken: Vec<_> = connections.iter().map(|heard| heard.messages.len()).collect();
        assert_eq!(taken, [1, 1], "{act:?}");
    }
}

#[tokio::test]
async fn what_is_offered_is_that_of_a_connection_which_is_still_open() {
    let hop = NextHop::plain().await;
    hop.once("end", Act::SaysAndHangsUp("250 2.0.0 taken"));
    let relay = relay(&hop);
    assert!(send(&relay).await.expect("an answer").is_yes());
    hop.is_left().await;
    hop.offers(&[]);
    assert!(!open(&relay).await.offers().eight_bit);
}

#[tokio::test]
async fn a_fresh_connection_that_gives_no_answer_is_not_replaced() {
    let hop = NextHop::plain().await;
    hop.always("MAIL", Act::HangsUp);
    assert!(send(&relay(&hop)).await.is_err());
    assert_eq!(hop.connections().len(), 1);
}

#[tokio::test]
async fn a_kept_connection_is_replaced_once_and_no_more() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    assert!(send(&relay).await.expect("an answer").is_yes());
    hop.always("MAIL", Act::HangsUp);
    assert!(send(&relay).await.is_err());
    assert_eq!(hop.connections().len(), 2);
}

#[tokio::test]
async fn no_more_connections_are_had_than_allowed_and_the_next_one_waits_for_a_place() {
    let hop = NextHop::plain().await;
    let relay = relay_with(&hop, |config| config.next_hop_max_connections = 2);
    let (first, second) = (begun(&relay).await, begun(&relay).await);
    let waiting = tokio::spawn({
        let relay = relay.clone();
        async move { send(&relay).await.expect("an answer").code }
    });
    let third =
        relay_with(&hop, |_| ()).open(CredentialId::new()).await.expect("another way has places of its own");
    assert!(!waiting.is_finished());
    drop(third);
    drop(first);
    assert_eq!(waiting.await.expect("no panic"), 250);
    drop(second);
    let mine = hop.connections().iter().filter(|heard| heard.verbs().contains(&"MAIL")).count();
    assert_eq!(mine, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_shares_the_places_and_loses_nothing() {
    let hop = NextHop::plain().await;
    let relay = relay_with(&hop, |config| config.next_hop_max_connections = 3);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let relay = relay.clone();
        crowd.spawn(async move { send(&relay).await.expect("an answer").code });
    }
    assert!(crowd.join_all().await.iter().all(|code| *code == 250));
    let taken: usize = hop.connections().iter().map(|heard| heard.messages.len()).sum();
    assert_eq!(taken, 200);
    assert!(hop.open_connections() <= 3);
    relay.close().await;
    hop.is_left().await;
}

#[tokio::test]
async fn a_place_that_does_not_come_free_is_waited_for_no_longer_than_for_a_connection() {
    let hop = NextHop::plain().await;
    let relay = relay_with(&hop, |config| {
        config.next_hop_max_connections = 1;
        config.next_hop_connect_timeout = Duration::from_secs(2);
    });
    let held = open(&relay).await;
    let since = Instant::now();
    assert!(matches!(relay.open(CredentialId::new()).await, Err(Trouble::NoPlace)));
    assert!(since.elapsed() < Duration::from_secs(15), "no longer than for an answer");
    drop(held);
    assert!(open(&relay).await.mail(SENDER, MailOptions::default()).await.is_ok());
}

#[tokio::test]
async fn an_unused_connection_is_closed_after_its_time() {
    let hop = NextHop::plain().await;
    let relay = relay_with(&hop, |config| config.next_hop_idle_timeout = Duration::from_millis(100));
    assert!(send(&relay).await.expect("an answer").is_yes());
    hop.is_left().await;
    assert_eq!(hop.connection().verbs().last(), Some(&"QUIT"));
    assert!(send(&relay).await.expect("an answer").is_yes());
    hop.is_left().await;
    assert_eq!(hop.connections().len(), 2);
}

#[tokio::test]
async fn closing_the_way_says_goodbye_and_lets_what_is_under_way_finish() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    let (busy, idle) = (begun(&relay).await, begun(&relay).await);
    assert!(idle.data(&[b"Subject: idle\r\n\r\n"]).await.expect("an answer").is_yes());
    relay.close().await;
    assert_eq!(hop.connections()[1].verbs().last(), Some(&"QUIT"));
    assert!(busy.data(&[b"Subject: busy\r\n\r\n"]).await.expect("an answer").is_yes());
    hop.is_left().await;
    assert_eq!(hop.connections()[0].verbs().last(), Some(&"QUIT"));
}
