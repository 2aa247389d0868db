//! The way to the next hop where that is a real Postfix.

use gatepost::config::{Config, NextHopSecurity};
use gatepost::id::CredentialId;
use gatepost::smtp::relay::{MailOptions, Relay, Transfer};

use super::SENDER;
use crate::support::postfix::{BOB, Postfix, ZOE};

fn relay(postfix: &Postfix, security: NextHopSecurity) -> Relay {
    let mut config = Config::default();
    postfix.configure(&mut config, security);
    Relay::new(&config).expect("settings").expect("a next hop")
}

async fn begun(relay: &Relay, options: MailOptions) -> Transfer {
    let mut transfer = relay.open(CredentialId::new()).await.expect("a connection");
    let said = transfer.mail(SENDER, options).await.expect("an answer");
    assert!(said.is_yes(), "{said:?}");
    transfer
}

/// A message with everything that is easily changed on the way.
fn letter(number: usize) -> Vec<u8> {
    let mut letter = format!(
        "From: Shop <{SENDER}>\r\nTo: {BOB}\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= {number}\r\n\
         Date: Sat, 21 Nov 2026 23:00:00 +0000\r\nMessage-ID: <{number}@acme.example>\r\nX-Folded: one\r\n\ttwo\r\n\r\n"
    )
    .into_bytes();
    letter
        .extend_from_slice(b".\r\n..\r\n...\r\n.From the dot\r\nFrom the start\r\n  blanks  \t \r\n\r\n\r\n");
    letter.extend_from_slice("Grüße, zoë \u{1f600}\r\n".as_bytes());
    letter.extend_from_slice(&[b"\xff\xfe \x01\x1f\x7f ", &[b'x'; 900][..], b"\r\n\r\n.\r\n"].concat());
    letter
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_in_postfix_is_what_was_sent() {
    let postfix = Postfix::start();
    let mut sent = Vec::new();
    for security in [NextHopSecurity::Starttls, NextHopSecurity::Tls] {
        let relay = relay(&postfix, security);
        for _ in 0..3 {
            let letter = letter(sent.len());
            let options = MailOptions { size: Some(letter.len() as u64), eight_bit: true, smtputf8: false };
            let mut transfer = begun(&relay, options).await;
            assert!(transfer.rcpt(BOB).await.expect("an answer").is_yes());
            let (header, body) = letter.split_at(letter.len() / 2);
            let said = transfer.data(&[header, body]).await.expect("an answer");
            assert_eq!((said.code, said.status.as_deref()), (250, Some("2.0.0")));
            assert!(said.text.contains("queued as"), "{said:?}");
            sent.push(letter);
        }
        relay.close().await;
    }
    let mut received = postfix.received("bob", sent.len()).await;
    received.sort();
    sent.sort();
    assert!(received == sent, "{}", String::from_utf8_lossy(&received.concat()));
    let connections = postfix.log().matches("]: connect from ").count();
    assert_eq!(connections, 2, "three messages over each connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postfix_refuses_is_heard_and_the_rest_goes_on() {
    let postfix = Postfix::start();
    let relay = relay(&postfix, NextHopSecurity::Starttls);
    let mut transfer = begun(&relay, MailOptions::default()).await;
    assert_eq!(transfer.offers().size, Some(30_000_000));
    let unknown = transfer.rcpt("nobody@example.org").await.expect("an answer");
    assert_eq!((unknown.code, unknown.status.as_deref()), (550, Some("5.1.1")));
    let elsewhere = transfer.rcpt("bob@elsewhere.example").await.expect("an answer");
    assert_eq!((elsewhere.code, elsewhere.status.as_deref()), (554, Some("5.7.1")));
    let nobody = transfer.data(&[&letter(0)]).await.expect("an answer to DATA");
    assert_eq!((nobody.code, nobody.status.as_deref()), (554, Some("5.5.1")));

    let mut transfer = relay.open(CredentialId::new()).await.expect("a connection");
    let huge = MailOptions { size: Some(40_000_000), ..MailOptions::default() };
    assert_eq!(transfer.mail(SENDER, huge).await.expect("an answer").code, 552);
    drop(transfer);
    let mut transfer = relay.open(CredentialId::new()).await.expect("a connection");
    let said = transfer.mail("", MailOptions::default()).await.expect("an answer");
    assert!(said.is_yes(), "{said:?}");
    assert!(transfer.rcpt(BOB).await.expect("an answer").is_yes());
    assert!(transfer.data(&[&letter(1)]).await.expect("an answer").is_yes());
    assert!(postfix.received("bob", 1).await == [letter(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_20_mb_arrives_in_postfix_whole_and_one_that_is_too_big_does_not() {
    let postfix = Postfix::start();
    let relay = relay(&postfix, NextHopSecurity::Tls);
    let header = letter(0);
    let body = b".234567890 234567890 234567890 234567890 234567890 234567890 234567890 23456\r\n";
    let (body, too_big) = (body.repeat(20_000_000 / body.len()), body.repeat(31_000_000 / body.len()));
    let mut transfer = begun(&relay, MailOptions { eight_bit: true, ..MailOptions::default() }).await;
    assert!(transfer.rcpt(BOB).await.expect("an answer").is_yes());
    assert!(transfer.data(&[&header, &body]).await.expect("an answer").is_yes());
    assert!(postfix.received("bob", 1).await == [[header.clone(), body].concat()]);

    let mut transfer = begun(&relay, MailOptions { eight_bit: true, ..MailOptions::default() }).await;
    assert!(transfer.rcpt(BOB).await.expect("an answer").is_yes());
    let said = transfer.data(&[&header, &too_big]).await.expect("an answer");
    assert_eq!((said.code, said.status.as_deref()), (552, Some("5.3.4")));
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_beyond_ascii_reach_postfix() {
    let postfix = Postfix::start();
    let relay = relay(&postfix, NextHopSecurity::Starttls);
    let options = MailOptions { smtputf8: true, eight_bit: true, size: None };
    let mut transfer = begun(&relay, options).await;
    assert!(transfer.offers().smtputf8);
    assert!(transfer.rcpt(ZOE).await.expect("an answer").is_yes());
    assert!(transfer.data(&[&letter(0)]).await.expect("an answer").is_yes());
    assert!(postfix.received("zoe", 1).await == [letter(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_lets_nobody_in_with_a_wrong_password() {
    let postfix = Postfix::start();
    let mut config = Config::default();
    postfix.configure(&mut config, NextHopSecurity::Starttls);
    config.set("next_hop_password", "wrong horse").expect("a setting");
    let relay = Relay::new(&config).expect("settings").expect("a next hop");
    let refused = relay.open(CredentialId::new()).await.err().expect("no connection").to_string();
    assert!(refused.contains("535 5.7.8"), "{refused}");
}
