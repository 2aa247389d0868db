//! `kill -9` under load: what was answered is in the log, its webhooks are told, and the credits agree.

use std::collections::HashSet;
use std::sync::Arc;

use gatepost::model::message::{Filter, Listing, Outcome};
use gatepost::model::usage::Month;
use gatepost::model::{Credits, Message, Turn};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::support::{GatepostProcess, Issued, NextHop, SmtpClient, TestApp, eventually};
use crate::webhooks::receiver::Receiver;

/// Sessions of each mode.
const SESSIONS: usize = 4;
/// Answered messages of each mode, after which the process is killed: most sessions are in the middle of one then.
const ENOUGH: usize = 40;
/// Of each message.
const RECIPIENTS: [&str; 2] = ["bob@example.org", "carol@example.org"];

/// Subjects of the messages that were answered with 250.
type Answered = Arc<Mutex<HashSet<String>>>;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_answered_is_lost_by_a_kill_and_nothing_is_sent_for_nothing() {
    let (hop, receiver) = (NextHop::plain().await, Receiver::start().await);
    let app = TestApp::with_config(crate::webhooks::allow_loopback).await;
    app.verified("acme.example").await;
    app.installation.database().execute("UPDATE organizations SET monthly_credits = 1000000").await;
    crate::webhooks::create(&app, crate::webhooks::everything(&receiver.url())).await;
    let (production, sandbox) = (app.issue("Shop").await, app.issue_for_sandbox("Staging").await);
    let installation = app.stop().await;

    let start = async || {
        GatepostProcess::start_with(&installation, |command| {
            command.env("GATEPOST_LOG_LEVEL", "warn").env("GATEPOST_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8");
            command.env("GATEPOST_NEXT_HOP_HOST", "localhost").env("GATEPOST_NEXT_HOP_SECURITY", "none");
            command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string())
        })
        .await
    };
    let process = start().await;
    let (sent, kept) = (Answered::default(), Answered::default());
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS {
        for (issued, answered) in [(&production, &sent), (&sandbox, &kept)] {
            let client = signed_in(&process, issued).await;
            let session = format!("{} {number}", issued.username);
            sessions.spawn(send_until_it_ends(client, session, answered.clone()));
        }
    }
    eventually("some messages are answered", async || {
        (sent.lock().await.len() >= ENOUGH && kept.lock().await.len() >= ENOUGH).then_some(())
    })
    .await;
    process.kill().await;
    sessions.join_all().await;

    // What the killed process has claimed would be free again only after a while.
    installation.database().execute("UPDATE webhooks SET claimed_until = 0").await;
    let process = start().await;
    let (sent, kept) = (sent.lock().await.clone(), kept.lock().await.clone());
    are_told(&receiver, sent.union(&kept)).await;
    assert!(process.stop().await.success());

    let app = TestApp::on(installation, |_| ()).await;
    let logged = messages(&app).await;
    let subjects: HashSet<&str> = logged.iter().map(|message| message.subject.as_str()).collect();
    for subject in kept.union(&sent) {
        assert!(subjects.contains(subject.as_str()), "“{subject}” was answered, and is lost");
    }
    let charged = logged.iter().filter(|message| {
        message.credential_label == "Shop"
            && [Outcome::Delivered, Outcome::Unknown].contains(&message.outcome)
    });
    let charged = charged.count() * RECIPIENTS.len();
    let organization = app.operator().await.organization;
    let credits = Credits { organization, month: Month::of(app.clock.now()) };
    let used = credits.used(&mut app.app.db.read().await.unwrap()).await.unwrap();
    let used = usize::try_from(used).unwrap();
    assert_eq!(used, charged, "the credits agree with the log");
    let arrived: usize = hop.connections().iter().map(|connection| connection.messages.len()).sum();
    assert!(used >= RECIPIENTS.len() * arrived, "what arrived is paid for");
}

/// Credits of the organization; `ENOUGH` messages cost more.
const ALLOWANCE: i64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn the_allowance_is_not_exceeded_by_what_was_sent_before_a_kill_and_after_it() {
    let hop = NextHop::plain().await;
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let allow = format!("UPDATE organizations SET monthly_credits = {ALLOWANCE}");
    app.installation.database().execute(&allow).await;
    let shop = app.issue("Shop").await;
    let installation = app.stop().await;
    let start = async || {
        GatepostProcess::start_with(&installation, |command| {
            command.env("GATEPOST_LOG_LEVEL", "warn");
            command.env("GATEPOST_NEXT_HOP_HOST", "localhost").env("GATEPOST_NEXT_HOP_SECURITY", "none");
            command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string())
        })
        .await
    };
    let process = start().await;
    let answered = Answered::default();
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS {
        let client = signed_in(&process, &shop).await;
        sessions.spawn(send_until_it_ends(client, number.to_string(), answered.clone()));
    }
    eventually("some messages are answered", async || {
        (answered.lock().await.len() >= ENOUGH / 4).then_some(())
    })
    .await;
    process.kill().await;
    sessions.join_all().await;

    let process = start().await;
    let client = signed_in(&process, &shop).await;
    send_until_it_ends(client, "after the kill".to_owned(), answered.clone()).await;
    // What the killed process held is free again after an hour.
    installation.database().execute("UPDATE credit_holds SET until = 0").await;
    let client = signed_in(&process, &shop).await;
    send_until_it_ends(client, "an hour later".to_owned(), answered.clone()).await;
    assert!(process.stop().await.success());

    let arrived: usize = hop.connections().iter().map(|connection| connection.messages.len()).sum();
    let app = TestApp::on(installation, |_| ()).await;
    let organization = app.operator().await.organization;
    let credits = Credits { organization, month: Month::of(app.clock.now()) };
    let used = credits.used(&mut app.app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(used, ALLOWANCE, "used up, and not exceeded");
    assert!(RECIPIENTS.len() * arrived <= usize::try_from(used).unwrap(), "{arrived} arrived");
    assert!(arrived >= answered.lock().await.len(), "what was answered has arrived");
}

/// Waits until the webhook has heard of the reception and of the delivery of each of these messages, for each recipient.
async fn are_told(receiver: &Receiver, subjects: impl Iterator<Item = &String>) {
    let of_each = |subject: &String| {
        let kinds = ["message.reception", "message.delivered"].into_iter();
        let subject = subject.clone();
        kinds.flat_map(move |kind| RECIPIENTS.map(|recipient| [&subject, kind, recipient].map(str::to_owned)))
    };
    let mut untold: HashSet<[String; 3]> = subjects.flat_map(of_each).collect();
    let mut looked_at = 0;
    while !untold.is_empty() {
        let heard = receiver.hears_at_least(looked_at + 1).await;
        for one in &heard[looked_at..] {
            let data = &one.json()["data"];
            let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            untold.remove(&[text("subject"), one.kind(), text("recipient")]);
        }
        looked_at = heard.len();
    }
}

async fn signed_in(process: &GatepostProcess, issued: &Issued) -> SmtpClient {
    let mut client = process.smtp().await.encrypted().await;
    assert_eq!(client.log_in(&issued.username, &issued.password).await.code, 235);
    client
}

/// One message after the other, until the server is gone, or no credit is left.
async fn send_until_it_ends(mut client: SmtpClient, session: String, answered: Answered) {
    for number in 0.. {
        let subject = format!("Message {number} of session {session}");
        let header = format!("From: a@acme.example\r\nSubject: {subject}");
        for command in [
            "MAIL FROM:<a@acme.example>",
            &format!("RCPT TO:<{}>", RECIPIENTS[0]),
            &format!("RCPT TO:<{}>", RECIPIENTS[1]),
            "DATA",
            &format!("{header}\r\n\r\nHello\r\n."),
        ] {
            let Some(reply) = client.try_command(command).await else { return };
            if reply.code == 452 {
                return;
            }
            assert!(matches!(reply.code, 250 | 354), "{command}: {reply:?}");
        }
        answered.lock().await.insert(subject);
    }
}

/// The whole log.
async fn messages(app: &TestApp) -> Vec<Message> {
    let organization = app.operator().await.organization;
    let mut connection = app.app.db.read().await.unwrap();
    let mut messages = Vec::new();
    let mut turn = Turn::first(500);
    loop {
        let listing = Listing { filter: Filter::default(), turn };
        let page = Message::list(&mut connection, organization, &listing).await.unwrap().page;
        messages.extend(page.rows);
        let Some(next) = page.next else { return messages };
        turn = Turn::new(Some(&next), None, 500).unwrap();
    }
}
