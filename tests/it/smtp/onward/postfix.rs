//! Through the door into a real Postfix.

use gatepost::config::NextHopSecurity;
use gatepost::model::message::Outcome;

use super::{SENDER, Shop, letter, outcomes};
use crate::support::postfix::{BOB, Postfix};

/// What Gatepost put before the fields of the client.
fn trace(received: &[u8], sent: &[u8]) -> String {
    let trace = received.strip_suffix(sent);
    let trace = trace.unwrap_or_else(|| panic!("not what was sent: {}", String::from_utf8_lossy(received)));
    String::from_utf8(trace.to_vec()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sends_is_what_arrives_in_postfix() {
    let postfix = Postfix::start();
    let shop = Shop::configured(|config| postfix.configure(config, NextHopSecurity::Starttls)).await;
    let mut client = shop.client().await;
    let body = "Grüße\r\n.dots\r\n..\r\n.\r\nFrom the start\r\n\r\n\r\n";
    let sent = [letter(), body.as_bytes().to_vec(), b".x \xff\xfe\r\n".repeat(200_000)].concat();
    client.expect(250, &format!("MAIL FROM:<{SENDER}> BODY=8BITMIME SIZE={}", sent.len())).await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    let unknown = client.command("RCPT TO:<nobody@example.org>").await;
    assert_eq!((unknown.code, unknown.text().starts_with("5.1.1 ")), (550, true), "{unknown:?}");
    client.expect(354, "DATA").await;
    let answer = client.send(&sent).await;
    assert_eq!(answer.code, 250, "{answer:?}");
    assert!(answer.text().starts_with("2.0.0 Ok: queued as "), "{answer:?}");

    let received = postfix.received("bob", 1).await;
    let trace = trace(&received[0], &sent);
    assert!(
        trace.starts_with("Received: from client.example ") && trace.contains("Message-ID: <"),
        "{trace}"
    );
    let (message, recipients) = shop.logged().await;
    assert_eq!(message.answer, format!("250 {}", answer.text()));
    let expected = [(BOB, Outcome::Delivered), ("nobody@example.org", Outcome::Bounced)];
    assert_eq!(outcomes(&recipients), expected);
}
