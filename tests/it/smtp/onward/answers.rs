//! A next hop that refuses, is slow, or leaves, at each command.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gatepost::config::Config;
use gatepost::model::Credits;
use gatepost::model::message::Outcome;
use gatepost::model::usage::Month;
use gatepost::model::webhook::{Draft, EventType};
use tokio::sync::Notify;

use super::{Filter, Listing, Message, RECIPIENT, SENDER, Shop, Turn, letter, outcomes, send};
use crate::support::{Act, NextHop, eventually};
use crate::webhooks::receiver::Receiver;
use crate::webhooks::{allow_loopback, create, everything};
use gatepost::model::credential::Mode;

/// Soon tired of waiting.
fn impatient(config: &mut Config) {
    let limit = Duration::from_secs(3);
    (config.next_hop_connect_timeout, config.next_hop_timeout) = (limit, limit);
    config.next_hop_data_timeout = limit;
}

#[tokio::test]
async fn a_no_to_any_command_is_what_the_client_hears_and_the_next_message_goes_through() {
    for (text, code, outcome) in [
        ("451 4.7.1 greylisted", 451, Outcome::Deferred),
        ("554 5.7.1 spam", 554, Outcome::Failed),
        ("552 5.2.2 full", 552, Outcome::Failed),
    ] {
        for step in ["MAIL", "RCPT", "DATA", "end"] {
            let hop = NextHop::plain().await;
            hop.once(step, Act::Says(text));
            let shop = Shop::before(&hop).await;
            let mut client = shop.client().await;
            let answer = send(&mut client, &letter()).await;
            assert_eq!(format!("{} {}", answer.code, answer.text()), text, "{step}");
            assert_eq!(answer.code, code);
            if matches!(step, "DATA" | "end") {
                let (message, recipients) = shop.logged().await;
                assert_eq!((message.outcome, message.answer.as_str()), (outcome, text), "{step}");
                assert_eq!(recipients.len(), 1);
            } else {
                assert!(shop.log().await.is_empty(), "{step}: nothing was sent");
            }
            client.expect(250, "RSET").await;
            assert_eq!(send(&mut client, &letter()).await.code, 250, "{step}");
        }
    }
}

#[tokio::test]
async fn what_the_next_hop_says_of_gatepost_is_temporary_to_the_client_and_in_the_log() {
    for text in ["503 5.5.1 order", "530 5.7.0 sign in", "534 5.7.9 no", "535 5.7.8 no", "538 5.7.11 no"] {
        for step in ["DATA", "end"] {
            let hop = NextHop::plain().await;
            hop.once(step, Act::Says(text));
            let shop = Shop::before(&hop).await;
            let answer = send(&mut shop.client().await, &letter()).await;
            assert_eq!((answer.code, answer.text().starts_with("4.3.5 ")), (451, true), "{answer:?}");
            let (message, recipients) = shop.logged().await;
            assert_eq!((message.outcome, message.answer.as_str()), (Outcome::Deferred, text), "{step}");
            assert_eq!(outcomes(&recipients), [(RECIPIENT, Outcome::Deferred)]);
        }
    }
}

#[tokio::test]
async fn a_next_hop_that_is_gone_or_silent_or_garbled_is_451_and_only_after_the_end_unknown() {
    for act in [Act::HangsUp, Act::Freezes, Act::Says("hm?"), Act::SaysAndHangsUp("421 4.3.2 closing")] {
        join_all(["MAIL", "RCPT", "DATA", "end"].map(|step| is_451(act.clone(), step))).await;
    }
}

/// A next hop that does this at this step.
async fn is_451(act: Act, step: &'static str) {
    let is_answer = matches!(act, Act::SaysAndHangsUp(_));
    let hop = NextHop::plain().await;
    hop.once(step, act.clone());
    let shop = match act {
        Act::Freezes => Shop::with(&hop, impatient).await,
        _ => Shop::before(&hop).await,
    };
    let mut client = shop.client().await;
    let answer = send(&mut client, &letter()).await;
    assert_eq!(answer.code, 451, "{step} {act:?}: {answer:?}");
    let is_unknown = step == "end" && !is_answer;
    assert_eq!(answer.text().contains("may have taken the message"), is_unknown, "{answer:?}");
    if matches!(step, "DATA" | "end") {
        let (message, recipients) = shop.logged().await;
        let outcome = if is_unknown { Outcome::Unknown } else { Outcome::Deferred };
        assert_eq!(message.outcome, outcome, "{step} {act:?}");
        assert!(!is_answer || message.answer == "421 4.3.2 closing", "{}", message.answer);
        assert_eq!(outcomes(&recipients), [(RECIPIENT, outcome)]);
    }
    client.expect(250, "RSET").await;
    assert_eq!(send(&mut client, &letter()).await.code, 250, "{step} {act:?}");
    assert_eq!(hop.connections().len(), 2, "{step} {act:?}");
}

#[tokio::test]
async fn a_next_hop_that_is_gone_in_the_middle_of_a_message_has_not_taken_it() {
    let hop = NextHop::plain().await;
    hop.once("content", Act::HangsUp);
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    let content = [letter(), b"0123456789 0123456789 0123456789\r\n".repeat(400_000)].concat();
    let answer = send(&mut client, &content).await;
    assert_eq!(answer.code, 451, "{answer:?}");
    assert!(!answer.text().contains("may have taken"), "{answer:?}");
    assert_eq!(shop.logged().await.0.outcome, Outcome::Deferred);
    assert_eq!(send(&mut client, &letter()).await.code, 250);
}

#[tokio::test]
async fn after_the_next_hop_was_lost_each_command_of_the_message_says_so() {
    for act in [Act::HangsUp, Act::SaysAndHangsUp("421 4.3.2 closing"), Act::Says("421 4.3.2 closing")] {
        let hop = NextHop::plain().await;
        hop.once("RCPT", act.clone());
        let shop = Shop::before(&hop).await;
        let mut client = shop.client().await;
        client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
        for command in [&*format!("RCPT TO:<{RECIPIENT}>"), &*format!("RCPT TO:<{RECIPIENT}>"), "DATA"] {
            let answer = client.command(command).await;
            assert_eq!(
                (answer.code, answer.text().starts_with("4.4.2 ")),
                (451, true),
                "{act:?}: {answer:?}"
            );
        }
        client.expect(250, "RSET").await;
        assert_eq!(send(&mut client, &letter()).await.code, 250);
    }
}

#[tokio::test]
async fn a_message_whose_recipients_were_all_refused_for_now_is_refused_for_now() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    for (answers, code) in [
        (&["450 4.2.1 later", "451 4.7.1 greylisted", "530 5.7.0 sign in"][..], 451),
        (&["450 4.2.1 later", "550 5.1.1 nobody"], 554),
        (&["550 5.1.1 nobody", "450 4.2.1 later"], 554),
        (&[], 554),
    ] {
        client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
        for text in answers {
            hop.once("RCPT", Act::Says(text));
            client.command(&format!("RCPT TO:<{RECIPIENT}>")).await;
        }
        client.expect(code, "DATA").await;
        client.expect(code, "BDAT 0 LAST").await;
        client.expect(250, "RSET").await;
    }
    assert!(shop.log().await.is_empty());
}

#[tokio::test]
async fn what_the_next_hop_lacks_is_refused_in_gateposts_words() {
    let hop = NextHop::plain().await;
    hop.offers(&["SIZE"]);
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    let eight_bit = [letter(), "Grüße\r\n".as_bytes().to_vec()].concat();
    let answer = send(&mut client, &eight_bit).await;
    assert_eq!((answer.code, answer.text().starts_with("5.6.3 ")), (554, true), "{answer:?}");
    client.expect(250, &format!("MAIL FROM:<{SENDER}> SMTPUTF8")).await;
    let answer = client.command("RCPT TO:<zoë@example.org>").await;
    assert_eq!((answer.code, answer.text().starts_with("5.6.7 ")), (550, true), "{answer:?}");
    client.expect(250, "RSET").await;
    // The same header is internationalized where the client says so, and 8-bit content where it does not.
    let internationalized = format!("From: {SENDER}\r\nSubject: Grüße\r\n\r\nHello\r\n");
    for (parameter, status) in [(" SMTPUTF8", "5.6.9 "), ("", "5.6.3 ")] {
        client.expect(250, &format!("MAIL FROM:<{SENDER}>{parameter}")).await;
        client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
        client.expect(354, "DATA").await;
        let answer = client.send(internationalized.as_bytes()).await;
        assert_eq!((answer.code, answer.text().starts_with(status)), (554, true), "{answer:?}");
    }
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    let heard: Vec<_> = hop.connections().into_iter().flat_map(|heard| heard.commands).collect();
    assert!(!heard.iter().any(|line| line.contains("BODY") || line.contains("zoë")), "{heard:?}");
    assert_eq!(hop.connections().iter().map(|heard| heard.messages.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn an_authors_address_beyond_ascii_is_sent_on_only_where_smtputf8_was_said() {
    for offers in [&["8BITMIME", "SMTPUTF8"][..], &["8BITMIME"]] {
        let hop = NextHop::plain().await;
        hop.offers(offers);
        let shop = Shop::before(&hop).await;
        let mut client = shop.client().await;
        let author = "From: zoë@acme.example\r\nSubject: Hello\r\n\r\nHello\r\n".as_bytes();
        let answer = send(&mut client, author).await;
        assert_eq!((answer.code, answer.text().contains("SMTPUTF8")), (554, true), "{answer:?}");
        assert!(hop.connection().messages.is_empty());
        client.expect(250, &format!("MAIL FROM:<{SENDER}> SMTPUTF8")).await;
        client.expect(250, &format!("RCPT TO:<{RECIPIENT}>")).await;
        client.expect(354, "DATA").await;
        assert_eq!(client.send(author).await.code, if offers.len() == 2 { 250 } else { 554 });
    }
}

#[tokio::test]
async fn what_the_next_hop_answers_while_the_database_is_away_is_written_down_once_it_is_back() {
    for (text, outcome, event, paid) in [
        ("250 2.0.0 taken", Outcome::Delivered, "message.delivered", 1),
        ("554 5.7.1 spam", Outcome::Failed, "message.failed", 0),
    ] {
        let (hop, receiver) = (NextHop::plain().await, Receiver::start().await);
        let bells = Arc::new([Notify::new(), Notify::new()]);
        hop.once("end", Act::WaitsAndSays(bells.clone(), text));
        let shop = Shop::with(&hop, allow_loopback).await;
        let events = [EventType::MessageReception, EventType::MessageDelivered, EventType::MessageFailed];
        let of_messages = Draft { events: events.to_vec(), ..everything(&receiver.url()) };
        create(&shop.app, of_messages).await;
        let mut client = shop.client().await;
        let sent = tokio::spawn(async move { send(&mut client, &letter()).await });
        bells[0].notified().await;
        shop.app.installation.database().take_away().await;
        bells[1].notify_one();
        let answer = sent.await.unwrap();
        assert_eq!(format!("{} {}", answer.code, answer.text()), text, "the client hears it all the same");
        shop.app.installation.database().bring_back().await;
        let (message, recipients) = eventually("the outcome is in the log", async || {
            let logged = shop.logged().await;
            (logged.0.outcome != Outcome::Unknown).then_some(logged)
        })
        .await;
        assert_eq!((message.outcome, message.answer.as_str()), (outcome, text));
        assert_eq!(outcomes(&recipients), [(RECIPIENT, outcome)]);
        let heard = receiver.hears(2).await;
        assert_eq!([heard[0].kind(), heard[1].kind()], ["message.reception", event]);
        let organization = shop.app.operator().await.organization;
        let credits = Credits { organization, month: Month::of(shop.app.clock.now()) };
        let used = credits.used(&mut shop.app.app.db.read().await.unwrap()).await.unwrap();
        assert_eq!(used, paid, "{text}");
    }
}

#[tokio::test]
async fn recipients_that_are_refused_leave_room_for_others() {
    let hop = NextHop::plain().await;
    let shop = Shop::with(&hop, |config| config.smtp_max_recipients = 2).await;
    let mut client = shop.client().await;
    let refuse = |times: usize| (0..times).for_each(|_| hop.once("RCPT", Act::Says("550 5.1.1 nobody")));
    refuse(3);
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for code in [550, 550, 550, 250, 250, 452] {
        client.expect(code, &format!("RCPT TO:<{RECIPIENT}>")).await;
    }
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&letter()).await.code, 250);
    assert_eq!(shop.logged().await.0.recipients, 5);
    refuse(8);
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for code in [550; 8].into_iter().chain([452]) {
        client.expect(code, &format!("RCPT TO:<{RECIPIENT}>")).await;
    }
}

#[tokio::test]
async fn what_the_next_hop_refuses_is_no_mistake_of_the_client_nor_is_what_was_pipelined_behind_it() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for text in ["511 no mailbox here", "541 5.7.1 spam", "504 5.5.2 need a whole domain"].repeat(5) {
        hop.once("RCPT", Act::Says(text));
        let answer = client.command(&format!("RCPT TO:<{RECIPIENT}>")).await;
        assert_eq!(answer.code.to_string(), text[..3], "{answer:?}");
    }
    client.expect(250, "RSET").await;
    for (text, code) in [("451 4.7.1 later", 451), ("541 5.7.1 spam", 541)].repeat(5) {
        hop.once("MAIL", Act::Says(text));
        let pipelined = format!("MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n");
        client.write(pipelined.as_bytes()).await;
        for code in [code, 503, 503] {
            assert_eq!(client.reply().await.code, code);
        }
    }
    assert_eq!(send(&mut client, &letter()).await.code, 250);
    for _ in 0..10 {
        client.expect(503, "DATA").await;
    }
    assert_eq!(client.reply().await.code, 421, "these are");
}

#[tokio::test]
async fn a_message_is_found_by_what_became_of_one_of_its_recipients() {
    let hop = NextHop::plain().await;
    let shop = Shop::before(&hop).await;
    let mut client = shop.client().await;
    client.expect(250, &format!("MAIL FROM:<{SENDER}>")).await;
    for (text, code) in [("550 5.1.1 nobody", 550), ("450 4.2.1 later", 450), ("250 2.1.5 fine", 250)] {
        hop.once("RCPT", Act::Says(text));
        client.expect(code, &format!("RCPT TO:<{RECIPIENT}>")).await;
    }
    client.expect(354, "DATA").await;
    assert_eq!(client.send(&letter()).await.code, 250);
    hop.once("end", Act::Says("451 4.7.1 greylisted"));
    assert_eq!(send(&mut client, &letter()).await.code, 451);
    let organization = shop.app.operator().await.organization;
    let domain = || Some(vec!["acme.example".to_owned()]);
    for (outcome, found) in [
        (Outcome::Delivered, &[3][..]),
        (Outcome::Bounced, &[3]),
        (Outcome::Deferred, &[1, 3]),
        (Outcome::Suppressed, &[]),
        (Outcome::Failed, &[]),
        (Outcome::Unknown, &[]),
    ] {
        let only = Filter { outcome: Some(outcome), ..Filter::default() };
        let of_domain = Filter { within: domain(), ..only.clone() };
        let in_production = Filter { mode: Some(Mode::Production), ..only.clone() };
        for filter in [only, of_domain, in_production] {
            let listing = Listing { filter, turn: Turn::first(10) };
            let mut connection = shop.app.app.db.read().await.unwrap();
            let rows = Message::list(&mut connection, organization, &listing).await.unwrap().page.rows;
            let recipients: Vec<i64> = rows.iter().map(|message| message.recipients).collect();
            assert_eq!(recipients, found, "{listing:?}");
        }
    }
}
