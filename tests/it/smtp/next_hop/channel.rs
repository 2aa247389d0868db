//! From nothing to a message that arrived, on each kind of channel.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gatepost::smtp::relay::{MailOptions, Trouble};

use super::{BODY, HEADER, RECIPIENT, SENDER, open, relay, relay_with, send};
use crate::support::{Act, NextHop};

#[tokio::test]
async fn a_message_arrives_byte_for_byte_in_clear() {
    let hop = NextHop::plain().await;
    let said = send(&relay(&hop)).await.expect("an answer");
    assert_eq!((said.code, said.status.as_deref(), said.text.as_str()), (250, Some("2.0.0"), "taken"));
    let heard = hop.connection();
    let (mail, rcpt) = (format!("MAIL FROM:<{SENDER}>"), format!("RCPT TO:<{RECIPIENT}>"));
    assert_eq!(heard.commands, ["EHLO gate.acme.example", &mail, &rcpt, "DATA"]);
    assert_eq!(heard.received(0), [HEADER, BODY].concat());
}

#[tokio::test]
async fn a_message_arrives_over_starttls_and_over_tls_after_signing_in() {
    let plain = format!("AUTH PLAIN {}", BASE64_STANDARD.encode("\0shop\0hunter2!"));
    let encrypted = ["(TLS)", "EHLO gate.acme.example", &plain, "MAIL", "RCPT", "DATA"];
    for (hop, before) in [
        (NextHop::starttls().await, &["EHLO gate.acme.example", "STARTTLS"][..]),
        (NextHop::tls().await, &[]),
    ] {
        let relay = relay_with(&hop, |config| {
            config.next_hop_username = Some("shop".to_owned());
            config.set("next_hop_password", "hunter2!").expect("a setting");
        });
        assert_eq!(send(&relay).await.expect("an answer").code, 250);
        let heard = hop.connection();
        assert_eq!(heard.received(0), [HEADER, BODY].concat());
        let commands = heard.commands.iter().map(|line| match line.split_once(':') {
            Some((command, _)) => command.split(' ').next().unwrap_or_default(),
            None => line,
        });
        assert_eq!(commands.collect::<Vec<_>>(), [before, &encrypted].concat());
    }
}

#[tokio::test]
async fn a_next_hop_that_is_slow_at_each_step_is_waited_for() {
    let hop = NextHop::starttls().await;
    for step in ["greeting", "EHLO", "STARTTLS", "handshake"] {
        hop.always(step, Act::Dawdles(Duration::from_millis(100)));
    }
    // Each command has the whole limit for itself: together they take longer.
    for step in ["MAIL", "RCPT", "DATA", "content", "end"] {
        hop.always(step, Act::Dawdles(Duration::from_millis(650)));
    }
    let relay = relay_with(&hop, |config| {
        config.next_hop_timeout = Duration::from_secs(3);
        config.next_hop_data_timeout = Duration::from_secs(3);
    });
    for _ in 0..2 {
        assert_eq!(send(&relay).await.expect("an answer").code, 250);
    }
    let heard = hop.connection();
    assert_eq!((heard.received(0), heard.received(1)), ([HEADER, BODY].concat(), [HEADER, BODY].concat()));
}

#[tokio::test]
async fn login_is_used_where_plain_is_not_offered() {
    let hop = NextHop::tls().await;
    hop.offers(&["AUTH CRAM-MD5 LOGIN"]);
    let relay = relay_with(&hop, |config| {
        config.next_hop_username = Some("shop".to_owned());
        config.set("next_hop_password", "hunter2!").expect("a setting");
    });
    assert_eq!(send(&relay).await.expect("an answer").code, 250);
    let commands = hop.connection().commands;
    assert_eq!(
        commands[2..5],
        ["AUTH LOGIN".to_owned(), BASE64_STANDARD.encode("shop"), BASE64_STANDARD.encode("hunter2!")]
    );
}

#[tokio::test]
async fn what_the_next_hop_can_do_is_told_and_used() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    let mut transfer = open(&relay).await;
    let offers = transfer.offers();
    assert!(offers.eight_bit && offers.smtputf8 && offers.takes_size);
    assert_eq!(offers.size, Some(50_000_000));
    let options = MailOptions { size: Some(1_234), eight_bit: true, smtputf8: true };
    assert!(transfer.mail("zoë@acme.example", options).await.expect("an answer").is_yes());
    assert!(transfer.rcpt("\"a > \\\" b\"@example.org").await.expect("an answer").is_yes());
    let heard = hop.connection().commands;
    assert_eq!(heard[1], "MAIL FROM:<zoë@acme.example> SIZE=1234 BODY=8BITMIME SMTPUTF8");
    assert_eq!(heard[2], "RCPT TO:<\"a > \\\" b\"@example.org>");
}

#[tokio::test]
async fn what_the_next_hop_can_not_do_is_not_asked_of_it() {
    let hop = NextHop::plain().await;
    hop.offers(&[]);
    let relay = relay(&hop);
    let mut transfer = open(&relay).await;
    assert_eq!(transfer.offers(), gatepost::smtp::relay::Offers::default());
    let sized = MailOptions { size: Some(1_234), ..MailOptions::default() };
    let eight_bit = MailOptions { eight_bit: true, ..sized };
    let smtputf8 = MailOptions { smtputf8: true, ..sized };
    assert!(matches!(transfer.mail(SENDER, eight_bit).await, Err(Trouble::NotOffered("8BITMIME"))));
    assert!(matches!(transfer.mail(SENDER, smtputf8).await, Err(Trouble::NotOffered("SMTPUTF8"))));
    assert!(transfer.mail("", sized).await.expect("an answer").is_yes());
    assert_eq!(hop.connection().commands[1..], ["MAIL FROM:<>"]);
}

#[tokio::test]
async fn an_address_can_not_carry_a_command_or_a_parameter_of_its_own() {
    let hop = NextHop::plain().await;
    let relay = relay(&hop);
    let mut transfer = open(&relay).await;
    for address in [
        "a@b.example>\r\nRSET\r\nMAIL FROM:<x@y",
        "a@b.example\nDATA",
        "a@b.example\rDATA",
        "a\0@b.example",
        "a@b.example> SIZE=1",
        "a@b.example SIZE=1",
        "<a@b.example",
        "\"a@b.example",
        "a\\\"> SIZE=1 \"@b.example",
    ] {
        let mail = transfer.mail(address, MailOptions::default()).await;
        assert!(mail.is_err_and(|trouble| !trouble.is_after_the_dot()), "{address}");
        assert!(transfer.rcpt(address).await.is_err(), "{address}");
    }
    assert!(transfer.mail(SENDER, MailOptions::default()).await.expect("an answer").is_yes());
    assert_eq!(hop.connection().commands.len(), 2, "EHLO and the good MAIL");
}
