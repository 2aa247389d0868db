//! What the next hop says to each command, and what it does instead of saying something.

use std::time::Duration;

use futures_util::future::join_all;
use gatepost::smtp::relay::{MailOptions, Relay, Said, Trouble};
use tokio::time::timeout;

use super::{RECIPIENT, SENDER, impatient, open, relay, relay_with, send};
use crate::support::{Act, NextHop};

const STEPS: [&str; 4] = ["MAIL", "RCPT", "DATA", "end"];

/// Whether the next message goes over a connection of its own.
async fn is_replaced(hop: &NextHop, relay: &Relay) -> bool {
    assert!(send(relay).await.expect("an answer").is_yes());
    hop.connections().len() == 2
}

#[tokio::test]
async fn a_no_to_any_command_is_the_answer_and_the_connection_serves_the_next_message() {
    for (text, code, status, rest) in [
        ("451-4.7.1 come back\n451 4.7.1 later", 451, Some("4.7.1"), "come back later"),
        ("550 5.1.1 nobody", 550, Some("5.1.1"), "nobody"),
        ("554 go away", 554, None, "go away"),
    ] {
        for step in STEPS {
            let hop = NextHop::plain().await;
            hop.once(step, Act::Says(text));
            // RSET is said in the background; the place is free once the connection is kept.
            let relay = relay_with(&hop, |config| config.next_hop_max_connections = 1);
            let said = send(&relay).await.expect("an answer");
            let expected = Said { code, status: status.map(str::to_owned), text: rest.to_owned() };
            assert_eq!(said, expected, "{step}");
            let taken = hop.connection().messages.len();
            assert_eq!(
                taken,
                usize::from(step == "end"),
                "{step}: nothing of the message after a no to DATA"
            );
            let mut transfer = open(&relay).await;
            let said = transfer.mail(SENDER, MailOptions::default()).await.expect("an answer");
            assert!(said.is_yes(), "{step}: {said:?}");
            assert!(hop.connection().verbs().contains(&"RSET"), "{step}");
        }
    }
}

#[tokio::test]
async fn a_next_hop_that_hangs_up_at_a_command_gave_no_answer_and_only_after_the_end_is_it_unknown() {
    for step in STEPS {
        let hop = NextHop::plain().await;
        hop.once(step, Act::HangsUp);
        let relay = relay(&hop);
        let trouble = send(&relay).await.expect_err("no answer");
        assert_eq!(trouble.is_after_the_dot(), step == "end", "{step}: {trouble}");
        assert!(trouble.to_string().contains("hung up"), "{step}: {trouble}");
        assert!(is_replaced(&hop, &relay).await, "{step}");
    }
}

#[tokio::test]
async fn a_next_hop_that_falls_silent_at_a_command_is_given_up_in_time() {
    let given_up = STEPS.map(|step| async move {
        let hop = NextHop::plain().await;
        hop.once(step, Act::Freezes);
        let relay = impatient(&hop);
        let trouble = send(&relay).await.expect_err("no answer");
        assert_eq!(trouble.is_after_the_dot(), step == "end", "{step}: {trouble}");
        assert!(trouble.to_string().contains("took too long"), "{step}: {trouble}");
        assert!(is_replaced(&hop, &relay).await, "{step}");
    });
    join_all(given_up).await;
}

#[tokio::test]
async fn rubbish_and_answers_out_of_step_end_the_connection() {
    for (step, text) in [
        ("MAIL", "OK"),
        ("MAIL", "250-yes\n550 no"),
        ("MAIL", "354 go on"),
        ("RCPT", "334 dXNlcg=="),
        ("RCPT", "25O yes"),
        ("DATA", "250 yes"),
        ("DATA", "220 hello"),
        ("end", "354 go on"),
        ("end", "taken"),
    ] {
        let hop = NextHop::plain().await;
        hop.once(step, Act::Says(text));
        let relay = relay(&hop);
        let trouble = send(&relay).await.expect_err("no answer");
        assert_eq!(trouble.is_after_the_dot(), step == "end", "{text}: {trouble}");
        assert!(is_replaced(&hop, &relay).await, "{text}");
    }
}

#[tokio::test]
async fn a_421_at_any_command_is_the_answer_and_ends_the_connection() {
    for step in STEPS {
        let hop = NextHop::plain().await;
        hop.once(step, Act::Says("421 4.3.2 closing"));
        let relay = relay(&hop);
        let said = send(&relay).await.expect("an answer");
        assert_eq!((said.code, said.text.as_str()), (421, "closing"), "{step}");
        assert!(is_replaced(&hop, &relay).await, "{step}");
    }
}

#[tokio::test]
async fn what_comes_unasked_is_never_the_answer_to_the_next_command() {
    let hop = NextHop::plain().await;
    hop.once("MAIL", Act::Says("250 2.1.0 fine\n250 2.1.5 fine as well"));
    let mut transfer = open(&relay(&hop)).await;
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    assert!(matches!(transfer.rcpt(RECIPIENT).await, Err(Trouble::OutOfStep(_))));
    drop(transfer);
    hop.is_left().await;
    assert_eq!(hop.connection().verbs(), ["EHLO", "MAIL"]);
}

#[tokio::test]
async fn an_end_that_is_announced_unasked_is_the_answer_to_what_follows() {
    let hop = NextHop::plain().await;
    hop.once("MAIL", Act::SaysAndHangsUp("250 2.1.0 fine\n421 4.3.2 closing"));
    let mut transfer = open(&relay(&hop)).await;
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    let said = transfer.rcpt(RECIPIENT).await.expect("an answer");
    assert_eq!((said.code, said.status.as_deref()), (421, Some("4.3.2")));
}

#[tokio::test]
async fn recipients_are_answered_one_by_one() {
    let hop = NextHop::plain().await;
    hop.once("RCPT", Act::Says("250 2.1.5 one"));
    hop.once("RCPT", Act::Says("550 5.1.1 not two"));
    hop.once("RCPT", Act::Says("452 4.5.3 not now three"));
    let mut transfer = open(&relay(&hop)).await;
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    let mut codes = Vec::new();
    for name in ["one", "two", "three", "four"] {
        codes.push(transfer.rcpt(&format!("{name}@example.org")).await.expect("an answer").code);
    }
    assert_eq!(codes, [250, 550, 452, 250]);
    assert!(transfer.data(&[b"Subject: x\r\n\r\nx\r\n"]).await.expect("an answer").is_yes());
}

#[tokio::test]
async fn an_answer_that_nobody_waited_for_is_never_that_to_the_next_message() {
    let hop = NextHop::plain().await;
    hop.once("RCPT", Act::Freezes);
    let relay = relay(&hop);
    let mut transfer = open(&relay).await;
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    let waited = timeout(Duration::from_millis(100), transfer.rcpt(RECIPIENT)).await;
    assert!(waited.is_err());
    drop(transfer);
    assert!(is_replaced(&hop, &relay).await);
}

#[tokio::test]
async fn after_trouble_a_transfer_gives_no_answer_any_more() {
    let hop = NextHop::plain().await;
    hop.once("RCPT", Act::Says("354 go on"));
    let mut transfer = open(&relay(&hop)).await;
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    assert!(transfer.rcpt(RECIPIENT).await.is_err());
    hop.is_left().await;
    assert!(transfer.rcpt(RECIPIENT).await.is_err());
    assert!(transfer.data(&[b"Subject: x\r\n\r\n"]).await.is_err_and(|trouble| !trouble.is_after_the_dot()));
    assert_eq!(hop.connection().verbs(), ["EHLO", "MAIL", "RCPT"]);
}
