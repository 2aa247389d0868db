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
const RECIPIENTS: i64 = 2;

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
            command.env("GATEPOST_NEXT_HOP_PORT", hop.address.port().to_string());
            // What the killed process has claimed is free again soon after this.
            command.env("GATEPOST_WEBHOOK_TIMEOUT", "1s")
        })
        .await
    };
    let process = start().await;
    let (sent, kept) = (Answered::default(), Answered::default());
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS {
        for (issued, answered) in [(&production, &sent), (&sandbox, &kept)] {
            let client = signed_in(&process, issued).await;
            sessions.spawn(send_until_it_ends(client, number, answered.clone()));
        }
    }
    eventually("some messages are answered", async || {
        (sent.lock().await.len() >= ENOUGH && kept.lock().await.len() >= ENOUGH).then_some(())
    })
    .await;
    process.kill().await;
    sessions.join_all().await;

    let process = start().await;
    let kept = kept.lock().await.clone();
    eventually("every answered message is told to the webhook", async || {
        let told: HashSet<String> = receiver
            .heard()
            .iter()
            .filter(|heard| heard.kind() == "message.delivered")
            .filter_map(|heard| heard.json()["data"]["subject"].as_str().map(str::to_owned))
            .collect();
        kept.is_subset(&told).then_some(())
    })
    .await;
    assert!(process.stop().await.success());

    let app = TestApp::on(installation, |_| ()).await;
    let logged = messages(&app).await;
    let subjects: HashSet<&str> = logged.iter().map(|message| message.subject.as_str()).collect();
    for subject in kept.iter().chain(&*sent.lock().await) {
        assert!(subjects.contains(subject.as_str()), "“{subject}” was answered, and is lost");
    }
    let charged = logged.iter().filter(|message| {
        message.credential_label == "Shop"
            && [Outcome::Delivered, Outcome::Unknown].contains(&message.outcome)
    });
    let charged = RECIPIENTS * i64::try_from(charged.count()).unwrap();
    let organization = app.operator().await.organization;
    let credits = Credits { organization, month: Month::of(app.clock.now()) };
    let used = credits.used(&mut app.app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(used, charged, "the credits agree with the log");
    let arrived: usize = hop.connections().iter().map(|connection| connection.messages.len()).sum();
    assert!(used >= RECIPIENTS * i64::try_from(arrived).unwrap(), "what arrived is paid for");
}

async fn signed_in(process: &GatepostProcess, issued: &Issued) -> SmtpClient {
    let mut client = process.smtp().await.encrypted().await;
    assert_eq!(client.log_in(&issued.username, &issued.password).await.code, 235);
    client
}

/// One message after the other, until the server is gone.
async fn send_until_it_ends(mut client: SmtpClient, session: usize, answered: Answered) {
    for number in 0.. {
        let subject = format!("Message {number} of session {session}");
        let header = format!("From: a@acme.example\r\nSubject: {subject}");
        for command in [
            "MAIL FROM:<a@acme.example>",
            "RCPT TO:<bob@example.org>",
            "RCPT TO:<carol@example.org>",
            "DATA",
            &format!("{header}\r\n\r\nHello\r\n."),
        ] {
            let Some(reply) = client.try_command(command).await else { return };
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
