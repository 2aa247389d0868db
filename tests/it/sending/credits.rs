//! The monthly allowance: never exceeded, and nothing is charged without an accepted recipient.

use gatepost::model::Credits;
use gatepost::model::usage::Month;
use tokio::task::JoinSet;

use super::{send, signed_in};
use crate::support::{Act, Issued, NextHop, SmtpClient, TestApp, eventually};

/// Sessions that send at once.
const SESSIONS: usize = 8;
const RECIPIENTS: usize = 5;

/// Gatepost with a next hop, and a credential for everything.
struct Office {
    app: TestApp,
    hop: NextHop,
    shop: Issued,
}

impl Office {
    async fn with_allowance(credits: i64) -> Self {
        let hop = NextHop::plain().await;
        let app = TestApp::with_config(|config| hop.configure(config)).await;
        app.verified("acme.example").await;
        let shop = app.issue("Shop").await;
        let sql = format!("UPDATE organizations SET monthly_credits = {credits}");
        app.installation.database().execute(&sql).await;
        Self { app, hop, shop }
    }

    async fn session(&self) -> SmtpClient {
        signed_in(&self.app, &self.shop).await
    }

    async fn used(&self) -> i64 {
        let organization = self.app.operator().await.organization;
        let credits = Credits { organization, month: Month::of(self.app.clock.now()) };
        credits.used(&mut self.app.app.db.read().await.expect("a connection")).await.expect("a number")
    }

    /// Waits until a message to one recipient is accepted: what others held is free again.
    async fn has_credit(&self) {
        let mut client = self.session().await;
        eventually("a credit is free", async || {
            let reply = send(&mut client, "a@acme.example", "From: a@acme.example").await;
            (reply.code == 250).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_allowance_is_used_up_to_the_last_credit_and_never_exceeded() {
    let office = Office::with_allowance(20).await;
    let mut sessions = JoinSet::new();
    for _ in 0..SESSIONS {
        let mut client = office.session().await;
        sessions.spawn(async move {
            client.expect(250, "MAIL FROM:<a@acme.example>").await;
            let mut accepted = 0;
            for number in 0..RECIPIENTS {
                let reply = client.command(&format!("RCPT TO:<bob{number}@example.org>")).await;
                match reply.code {
                    250 => accepted += 1,
                    452 => assert!(reply.text().contains("4.5.3"), "{reply:?}"),
                    _ => panic!("{reply:?}"),
                }
            }
            if accepted > 0 {
                client.expect(354, "DATA").await;
                client.expect(250, "From: a@acme.example\r\n\r\nHello\r\n.").await;
            }
            accepted
        });
    }
    let accepted: i64 = sessions.join_all().await.into_iter().sum();
    assert_eq!((accepted, office.used().await), (20, 20));
    let mut late = office.session().await;
    late.expect(250, "MAIL FROM:<a@acme.example>").await;
    late.expect(452, "RCPT TO:<bob@example.org>").await;
    let sandbox = "From: a@acme.example\r\nGatepost-Sandbox: true";
    late.expect(250, "RSET").await;
    let next_month = std::time::Duration::from_secs(31 * 86_400);
    office.app.clock.advance(next_month);
    assert_eq!(send(&mut late, "a@acme.example", sandbox).await.code, 250);
    assert_eq!(office.used().await, 0, "a sandbox message costs nothing");
    assert_eq!(send(&mut late, "a@acme.example", "From: a@acme.example").await.code, 250);
    assert_eq!(office.used().await, 1, "a new month has its own allowance");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_hop_refuses_costs_nothing() {
    let office = Office::with_allowance(1).await;
    let mut client = office.session().await;
    for step in ["RCPT", "DATA", "end"] {
        for answer in ["450 4.2.1 later", "550 5.1.1 no"] {
            office.hop.once(step, Act::Says(answer));
            let reply = send(&mut client, "a@acme.example", "From: a@acme.example").await;
            assert_eq!(reply.text(), &answer[4..], "{step}");
            assert_eq!(office.used().await, 0, "{step} {answer}");
        }
    }
    assert_eq!(send(&mut client, "a@acme.example", "From: a@acme.example").await.code, 250);
    assert_eq!(office.used().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_given_back() {
    let office = Office::with_allowance(3).await;
    let mut client = office.session().await;
    for end in ["RSET", "EHLO again.example"] {
        client.expect(250, "MAIL FROM:<a@acme.example>").await;
        for _ in 0..3 {
            client.expect(250, "RCPT TO:<bob@example.org>").await;
        }
        client.expect(452, "RCPT TO:<bob@example.org>").await;
        client.expect(250, end).await;
        eventually("it is given back", async || {
            client.expect(250, "MAIL FROM:<a@acme.example>").await;
            let reply = client.command("RCPT TO:<bob@example.org>").await;
            client.expect(250, "RSET").await;
            (reply.code == 250).then_some(())
        })
        .await;
    }
    let refused = send(&mut client, "a@acme.example", "From: a@evil.example").await;
    assert_eq!(refused.code, 553);
    client.expect(250, "MAIL FROM:<a@acme.example>").await;
    client.expect(250, "RCPT TO:<bob@example.org>").await;
    drop(client);
    for _ in 0..3 {
        office.has_credit().await;
    }
    assert_eq!(office.used().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_have_been_delivered_is_paid_for() {
    let office = Office::with_allowance(1).await;
    let mut client = office.session().await;
    office.hop.once("end", Act::HangsUp);
    let reply = send(&mut client, "a@acme.example", "From: a@acme.example").await;
    assert!(reply.code == 451 && reply.text().contains("may have taken"), "{reply:?}");
    assert_eq!(office.used().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_held_when_it_died_is_free_again_after_its_time() {
    let office = Office::with_allowance(1).await;
    let organization = office.app.operator().await.organization;
    let credits = Credits { organization, month: Month::of(office.app.clock.now()) };
    let mut tx = office.app.app.db.begin().await.expect("a transaction");
    let left_behind = gatepost::id::CreditHoldId::new();
    assert!(credits.hold(&mut tx, left_behind, office.app.clock.now()).await.expect("an answer"));
    tx.commit().await.expect("a commit");
    let mut client = office.session().await;
    assert_eq!(send(&mut client, "a@acme.example", "From: a@acme.example").await.code, 452);
    office.app.clock.advance(std::time::Duration::from_secs(3_601));
    gatepost::jobs::run_once(&office.app.app).await.expect("the jobs");
    assert_eq!(send(&mut client, "a@acme.example", "From: a@acme.example").await.code, 250);
    let mut tx = office.app.app.db.begin().await.expect("a transaction");
    let late = credits.charge(&mut tx, Some(left_behind), 1, office.app.clock.now()).await;
    assert!(!late.expect("an answer"), "its credit is another's now");
}
