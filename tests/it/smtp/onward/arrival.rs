//! What arrives, and what the log says of it.

use gatepost::model::credential::Mode;
use gatepost::model::message::Outcome;

use super::{RECIPIENT, SENDER, Shop, letter, outcomes, send};
use crate::support::{Act, GatepostProcess, Issued, NextHop, eventually};

#[tokio::test]
async fn a_message_arrives_as_it_was_sent_under_the_trace_of_gatepost() {
    let hop = NextHop::starttls().await;
    let shop = Shop::before(&hop).await;
    let answer = send(&mut shop.client().await, &letter()).await;
    assert_eq!((answer.code, answer.text().as_str()), (250, "2.0.0 taken"));
    let heard = hop.connection();
    let received = String::from_utf8(heard.received(0)).expect("text");
    let (trace, rest) = received.split_once("From: ").expect("a From field");
    assert!(trace.starts_with("Received: from client.example "), "{trace}");
    assert!(trace.contains("\r\nDate: ") && trace.contains("\r\nMessage-ID: <"), "{trace}");
    assert_eq!(format!("From: {rest}").as_bytes(), letter());
    assert!(heard.commands.contains(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME")), "{heard:?}");

    let (message, recipients) = shop.logged().await;
    assert_eq!((message.mode, message.outcome), (Mode::Production, Outcome::Delivered));
    assert_eq!(message.answer, "250 2.0.0 taken");
    assert_eq!((message.subject.as_str(), message.has_content), ("Order 7", 0));
    assert_eq!(outcomes(&recipients), [(RECIPIENT, Outcome::Delivered)]);
}

#[tokio::test]
async fn each_recipient_hears_the_next_hops_own_words() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for (address, act, code, text) in [
        ("one@example.org", "250 2.1.5 one is fine", 250, "2.1.5 one is fine"),
        ("two@example.org", "550-5.1.1 nobody\n550 5.1.1 by that name", 550, "5.1.1 nobody by that name"),
        ("three@example.org", "450 come back", 450, "4.0.0 come back"),
    ] {
        hop.once("RCPT", Act::Says(act));
        let answer = client.command(&format!("RCPT TO:<{address}>")).await;
        assert_eq!((answer.code, answer.text().as_str()), (code, text));
    }
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&letter()).await.code, 250);
    let (message, recipients) = shop.logged().await;
    assert_eq!((message.outcome, message.recipients, message.refused), (Outcome::Delivered, 3, 2));
    assert_eq!(
        outcomes(&recipients),
        [
            ("one@example.org", Outcome::Delivered),
            ("two@example.org", Outcome::Bounced),
            ("three@example.org", Outcome::Deferred)
        ]
    );
    assert_eq!(recipients[1].answer, "550 5.1.1 nobody by that name");
}

#[tokio::test]
async fn the_messages_of_one_client_share_few_connections() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    for _ in 0..250 {
        assert_eq!(send(&mut client, &letter()).await.code, 250);
    }
    let taken: Vec<_> = hop.connections().iter().map(|heard| heard.messages.len()).collect();
    assert_eq!(taken, [100, 100, 50]);
}

#[tokio::test]
async fn what_is_given_up_never_arrives_and_leaves_the_connection_to_the_next_message() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    for given_up in ["RSET", "EHLO client.example"] {
        client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
        client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
        client.expect(250, given_up).await;
    }
    let sandboxed = [b"Gatepost-Sandbox: true\r\n", letter().as_slice()].concat();
    assert_eq!(send(&mut client, &sandboxed).await.code, 250);
    assert_eq!(shop.logged().await.0.mode, Mode::Sandbox);
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    // RSET is said in the background: a message may find no free connection and open one.
    let connections = hop.connections();
    assert!(connections.len() <= 4, "{connections:?}");
    assert_eq!(connections.iter().map(|heard| heard.messages.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_recipient_that_was_refused_stays_so_in_a_message_that_turns_out_to_be_for_the_sandbox() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
    hop.once("RCPT", Act::Says("550 5.1.1 nobody"));
    client.expect(550, "RCPT TO:<carol@example.org>").await;
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&[b"Gatepost-Sandbox: true\r\n", letter().as_slice()].concat()).await.code, 250);
    let (message, recipients) = shop.logged().await;
    assert_eq!((message.mode, message.outcome), (Mode::Sandbox, Outcome::Delivered));
    let expected = [(RECIPIENT, Outcome::Delivered), ("carol@example.org", Outcome::Bounced)];
    assert_eq!(outcomes(&recipients), expected);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_sends_nothing() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
    client.expect(354, "DATA").await;
    client.write(b"From: Shop <shop@acme.example>\r\n\r\nhalf a mess").await;
    drop(client);
    eventually("the next hop is told or left", async || {
        let heard = hop.connection();
        (heard.over || heard.verbs().contains(&"RSET")).then_some(())
    })
    .await;
    assert!(hop.connection().messages.is_empty());
    assert!(shop.log().await.is_empty());
}

#[tokio::test]
async fn stopping_says_goodbye_to_the_next_hop() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    assert_eq!(send(&mut shop.client().await, &letter()).await.code, 250);
    shop.app.stop().await;
    hop.is_left().await;
    assert_eq!(hop.connection().verbs().last(), Some(&"QUIT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_hop_is_counted() {
    let hop = NextHop::plain().await;
    let shop = Shop::configured(|_| ()).await;
    let installation = shop.app.stop().await;
    // In a process of its own nobody else counts.
    let process = GatepostProcess::start_with(&installation, |command| {
        command.env("GATEPOST_NEXT_HOP_HOST", "localhost").env("GATEPOST_NEXT_HOP_SECURITY", "none");
        command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string())
    })
    .await;
    let mut client = process.smtp().await.encrypted().await;
    let Issued { username, password, .. } = &shop.credential;
    assert_eq!(client.log_in(username, password).await.code, 235);
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    hop.once("end", Act::HangsUp);
    assert_eq!(send(&mut client, &letter()).await.code, 451);
    let metrics = process.visitor().page("/metrics").await;
    for counted in [
        r#"gatepost_next_hop_connections_total{result="opened"} 1"#,
        r#"gatepost_next_hop_connections_total{result="reused"} 1"#,
        r#"gatepost_next_hop_messages_total{answer="2xx"} 1"#,
        r#"gatepost_next_hop_messages_total{answer="unknown"} 1"#,
    ] {
        assert!(metrics.lines().any(|line| line == counted), "{counted} in {metrics}");
    }
}
