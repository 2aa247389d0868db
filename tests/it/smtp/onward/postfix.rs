//! Through the door into a real Postfix.

use std::time::Duration;

use gatepost::config::NextHopSecurity;
use gatepost::model::message::Outcome;

use super::{SENDER, Shop, letter, outcomes, send};
use crate::support::postfix::{BOB, Postfix};
use crate::support::{Reply, SmtpClient};

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

async fn before(postfix: &Postfix) -> Shop {
    Shop::configured(|config| postfix.configure(config, NextHopSecurity::Starttls)).await
}

/// The answer to the end of a message for Bob with this return path.
async fn send_as(client: &mut SmtpClient, sender: &str, content: &[u8]) -> Reply {
    client.expect(250, &format!("MAIL FROM:<{sender}>")).await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    client.expect(354, "DATA").await;
    client.send(content).await
}

fn line(reply: &Reply) -> String {
    format!("{} {}", reply.code, reply.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postfix_says_of_a_recipient_is_heard_and_logged_and_the_others_get_the_message() {
    let postfix = Postfix::with(&["smtpd_recipient_restrictions = check_recipient_access inline:{ \
         { later@many.example = 450 4.2.0 Come back }, { never@many.example = 550 5.7.1 Never } }"]);
    let shop = before(&postfix).await;
    let mut client = shop.client().await;
    let later = "450 4.2.0 <later@many.example>: Recipient address rejected: Come back";
    let never = "550 5.7.1 <never@many.example>: Recipient address rejected: Never";
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for (recipient, answer) in [("later@many.example", later), ("never@many.example", never)] {
        assert_eq!(line(&client.command(&format!("RCPT TO:<{recipient}>")).await), answer);
    }
    client.expect(554, "DATA").await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&letter()).await.code, 250);
    assert_eq!(postfix.received("bob", 1).await.len(), 1);
    let (message, recipients) = shop.logged().await;
    assert_eq!(message.outcome, Outcome::Delivered);
    let expected = [
        ("later@many.example", Outcome::Deferred),
        ("never@many.example", Outcome::Bounced),
        (BOB, Outcome::Delivered),
    ];
    assert_eq!(outcomes(&recipients), expected);
    assert_eq!([&recipients[0].answer, &recipients[1].answer], [later, never]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postfix_says_to_data_and_to_the_end_is_heard_and_logged_and_the_next_message_arrives() {
    let postfix = Postfix::with(&[
        "smtpd_data_restrictions = check_sender_access inline:{ \
         { soon@acme.example = 451 4.7.1 Soon }, { spam@acme.example = 554 5.7.1 Spam } }",
        "smtpd_end_of_data_restrictions = check_sender_access inline:{ \
         { later@acme.example = 451 4.7.1 Later }, { junk@acme.example = 554 5.7.1 Junk } }",
    ]);
    let shop = before(&postfix).await;
    let mut client = shop.client().await;
    let sent = [
        ("soon", "451 4.7.1", Outcome::Deferred),
        ("spam", "554 5.7.1", Outcome::Failed),
        ("later", "451 4.7.1", Outcome::Deferred),
        ("junk", "554 5.7.1", Outcome::Failed),
    ];
    for (at, (name, said, outcome)) in sent.into_iter().enumerate() {
        let sender = format!("{name}@acme.example");
        let answer = line(&send_as(&mut client, &sender, &letter()).await);
        let expected = format!("{said} <{sender}>: Sender address rejected: {name}");
        assert_eq!(answer.to_lowercase(), expected.to_lowercase());
        let (message, recipients) = shop.log().await.swap_remove(0);
        assert_eq!((message.outcome, message.answer), (outcome, answer), "{name}");
        assert_eq!(outcomes(&recipients), [(BOB, outcome)], "{name}");
        assert_eq!(send(&mut client, &letter()).await.code, 250, "{name}");
        assert_eq!(postfix.received("bob", at + 1).await.len(), at + 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_big_for_postfix_is_refused_for_good_before_its_content_where_its_size_is_known() {
    let postfix = Postfix::with(&["message_size_limit = 100000"]);
    let shop = before(&postfix).await;
    let mut client = shop.client().await;
    let big = [letter(), b"0123456789 0123456789\r\n".repeat(10_000)].concat();
    let answer = client.command(&format!("MAIL FROM:<{SENDER}> SIZE={}", big.len())).await;
    assert_eq!(line(&answer), "552 5.3.4 A message may have at most 100000 bytes");
    assert!(shop.log().await.is_empty());
    let answer = line(&send_as(&mut client, SENDER, &big).await);
    assert!(answer.starts_with("552 5.3.4 "), "{answer}");
    let (message, recipients) = shop.logged().await;
    assert_eq!((message.outcome, message.answer), (Outcome::Failed, answer));
    assert_eq!(outcomes(&recipients), [(BOB, Outcome::Failed)]);
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    assert_eq!(postfix.received("bob", 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postfix_that_is_stopped_in_the_middle_is_451_until_it_is_back() {
    let postfix = Postfix::start();
    let shop = before(&postfix).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    postfix.stop();
    for command in [&format!("RCPT TO:<{BOB}>"), "DATA"] {
        let answer = client.command(command).await;
        assert_eq!((answer.code, answer.text().starts_with("4.4.2 ")), (451, true), "{command}: {answer:?}");
    }
    client.expect(250, "RSET").await;
    let answer = client.command(&format!("MAIL FROM:<{SENDER}>")).await;
    assert_eq!((answer.code, answer.text().starts_with("4.4.1 ")), (451, true), "{answer:?}");
    assert!(shop.log().await.is_empty());

    postfix.start_again();
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    postfix.stop();
    client.expect(354, "DATA").await;
    let answer = client.send(&letter()).await;
    assert_eq!((answer.code, answer.text().starts_with("4.4.2 ")), (451, true), "{answer:?}");
    assert!(!answer.text().contains("may have taken"), "{answer:?}");
    let (message, recipients) = shop.logged().await;
    assert_eq!(message.outcome, Outcome::Deferred);
    assert_eq!(outcomes(&recipients), [(BOB, Outcome::Deferred)]);

    // A connection that was kept is as dead as the others: the next message finds that out before it is lost.
    postfix.start_again();
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    postfix.stop();
    postfix.start_again();
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    assert_eq!(postfix.received("bob", 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postfix_that_says_nothing_after_the_end_may_have_taken_the_message_and_the_log_says_so() {
    let postfix = Postfix::start();
    let shop = Shop::configured(|config| {
        postfix.configure(config, NextHopSecurity::Starttls);
        config.next_hop_data_timeout = Duration::from_secs(2);
    });
    let shop = shop.await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    postfix.signal_cleanup("STOP");
    client.expect(354, "DATA").await;
    let answer = client.send(&letter()).await;
    assert_eq!((answer.code, answer.text().contains("may have taken")), (451, true), "{answer:?}");
    let (message, recipients) = shop.logged().await;
    assert_eq!(message.outcome, Outcome::Unknown);
    assert_eq!(outcomes(&recipients), [(BOB, Outcome::Unknown)]);

    postfix.signal_cleanup("CONT");
    assert_eq!(send(&mut client, &letter()).await.code, 250, "and the next message goes through");
    assert_eq!(postfix.received("bob", 2).await.len(), 2, "it had been taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_errors_after_which_postfix_hangs_up_are_those_of_one_message_and_not_of_the_ones_before() {
    let postfix = Postfix::with(&["smtpd_hard_error_limit = 8"]);
    let shop = Shop::configured(|config| {
        postfix.configure(config, NextHopSecurity::Starttls);
        config.next_hop_max_connections = 1;
    });
    let shop = shop.await;
    let mut client = shop.client().await;
    for _ in 0..7 {
        client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
        client.expect(550, "RCPT TO:<nobody@example.org>").await;
        client.expect(250, "RSET").await;
    }
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{BOB}>")).await;
    for _ in 0..4 {
        client.expect(550, "RCPT TO:<nobody@example.org>").await;
    }
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&letter()).await.code, 250);

    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for code in [[550; 8].as_slice(), &[451; 2]].concat() {
        client.expect(code, "RCPT TO:<nobody@example.org>").await;
    }
    client.expect(451, "DATA").await;
    client.expect(250, "RSET").await;
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    assert_eq!(postfix.received("bob", 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_postfix_without_8bitmime_and_smtputf8_can_not_carry_is_refused_and_the_rest_goes_through() {
    let postfix = Postfix::with(&["smtpd_discard_ehlo_keywords = SMTPUTF8, 8BITMIME"]);
    let shop = before(&postfix).await;
    let mut client = shop.client().await;
    let author = "From: zoë@acme.example\r\nSubject: Hello\r\n\r\nHello\r\n";
    let eight_bit = [letter(), "Grüße\r\n".as_bytes().to_vec()].concat();
    for (content, status) in [(author.as_bytes(), "554 5.6.9 "), (&*eight_bit, "554 5.6.3 ")] {
        let answer = line(&send_as(&mut client, SENDER, content).await);
        assert!(answer.starts_with(status), "{answer}");
    }
    client.expect(250, &format!("MAIL FROM:<{SENDER}> SMTPUTF8")).await;
    let answer = line(&client.command("RCPT TO:<zoë@example.org>").await);
    assert!(answer.starts_with("550 5.6.7 "), "{answer}");
    client.expect(250, "RSET").await;
    assert_eq!(send_as(&mut client, SENDER, &letter()).await.code, 250);
    let received = postfix.received("bob", 1).await;
    assert!(trace(&received[0], &letter()).starts_with("Received: "), "the only one that it was given");
}
