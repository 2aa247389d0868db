//! The content on its way: what becomes of it when the next hop does not listen to its end.

use std::time::Duration;

use tokio::time::Instant;

use super::{HEADER, begun, big_body, impatient, relay};
use crate::support::{Act, NextHop};

#[tokio::test(flavor = "multi_thread")]
async fn a_big_message_arrives_whole_on_each_kind_of_channel() {
    let mut body = big_body();
    body.extend_from_slice(b".\r\n..\r\n.x\r\n");
    for hop in [NextHop::plain().await, NextHop::tls().await] {
        let relay = relay(&hop);
        let said = begun(&relay).await.data(&[HEADER, &body]).await.expect("an answer");
        assert!(said.is_yes());
        assert!(hop.connection().received(0) == [HEADER, &body].concat(), "the bytes that were sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_hop_that_is_gone_in_the_middle_has_not_taken_the_message() {
    let body = big_body();
    for hop in [NextHop::plain().await, NextHop::tls().await] {
        hop.once("content", Act::HangsUp);
        let relay = relay(&hop);
        let trouble = begun(&relay).await.data(&[HEADER, &body]).await.expect_err("no answer");
        assert!(!trouble.is_after_the_dot(), "{trouble}");
        assert!(begun(&relay).await.data(&[HEADER]).await.expect("an answer").is_yes());
        assert_eq!(hop.connections().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_end_is_the_answer_and_ends_the_connection() {
    let body = big_body();
    for hop in [NextHop::plain().await, NextHop::tls().await] {
        hop.once("content", Act::Says("552 5.3.4 too big"));
        let relay = relay(&hop);
        let said = begun(&relay).await.data(&[HEADER, &body]).await.expect("an answer");
        assert_eq!((said.code, said.text.as_str()), (552, "too big"));
        hop.is_left().await;
        let heard = hop.connection();
        assert!(heard.messages[0].len() < body.len(), "it was not sent to its end");
        assert_eq!(heard.verbs().last(), heard.verbs().iter().rfind(|verb| **verb == "DATA"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_before_the_end_is_none() {
    let body = big_body();
    let hop = NextHop::plain().await;
    hop.once("content", Act::Says("250 2.0.0 taken"));
    let trouble = begun(&relay(&hop)).await.data(&[HEADER, &body]).await.expect_err("no answer");
    assert!(!trouble.is_after_the_dot(), "{trouble}");
    hop.is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_hop_that_reads_no_further_is_given_up_in_time() {
    let body = big_body();
    for hop in [NextHop::plain().await, NextHop::tls().await] {
        let relay = impatient(&hop);
        hop.once("content", Act::Freezes);
        let transfer = begun(&relay).await;
        let since = Instant::now();
        let trouble = transfer.data(&[HEADER, &body]).await.expect_err("no answer");
        assert!(!trouble.is_after_the_dot() && trouble.to_string().contains("took too long"), "{trouble}");
        assert!(since.elapsed() < Duration::from_secs(60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_not_end_itself() {
    let hop = NextHop::plain().await;
    let smuggled: &[u8] = b"a\r\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\n";
    let pieces: &[&[u8]] = &[HEADER, b"one\r\n", b".", b"\r\n", b".\r", b"\n", smuggled];
    assert!(begun(&relay(&hop)).await.data(pieces).await.expect("an answer").is_yes());
    let heard = hop.connection();
    assert_eq!(heard.received(0), pieces.concat());
    assert_eq!(heard.verbs(), ["EHLO", "MAIL", "RCPT", "DATA"]);
}
