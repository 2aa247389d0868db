//! Sandbox mode: everything but delivery, with the outcome that a field of the message asks for.

use gatepost::model::credential::{Mode, Scope};
use gatepost::model::message::{Filter, Listing, Outcome};
use gatepost::model::webhook::Draft;
use gatepost::model::{Message, Turn};

use super::{send, signed_in};
use crate::support::{NextHop, TestApp, eventually};
use crate::webhooks::receiver::Receiver;
use crate::webhooks::{allow_loopback, create, everything};

/// What is asked for, what stands in the log, and what webhooks are told.
const RESULTS: [(&str, Outcome, &str); 6] = [
    ("", Outcome::Delivered, "message.delivered"),
    ("AhaSend-Sandbox-Result: deliver", Outcome::Delivered, "message.delivered"),
    ("AhaSend-Sandbox-Result: bounce", Outcome::Bounced, "message.bounced"),
    ("Gatepost-Sandbox-Result: defer", Outcome::Deferred, "message.transient_error"),
    ("ahasend-sandbox-result: Fail", Outcome::Failed, "message.failed"),
    ("Gatepost-Sandbox-Result: suppress", Outcome::Suppressed, "message.suppressed"),
];

async fn newest(app: &TestApp) -> (Message, String) {
    let organization = app.operator().await.organization;
    let mut connection = app.app.db.read().await.unwrap();
    let listing = Listing { filter: Filter::default(), turn: Turn::first(1) };
    let message = Message::list(&mut connection, organization, &listing).await.unwrap().page.rows.remove(0);
    let content = Message::content(&mut connection, organization, message.id, usize::MAX).await.unwrap();
    (message, String::from_utf8(content).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_the_message_chooses_its_outcome_and_goes_no_further() {
    let receiver = Receiver::start().await;
    let app = TestApp::with_config(allow_loopback).await;
    app.verified("acme.example").await;
    let staging = app.issue_for_sandbox("Staging").await;
    create(&app, everything(&receiver.url())).await;
    let mut client = signed_in(&app, &staging).await;
    for (field, outcome, event) in RESULTS {
        let fields = format!("From: a@acme.example\r\nBcc: hidden@example.org\r\n{field}");
        let reply = send(&mut client, "a@acme.example", fields.trim_end()).await;
        assert_eq!(reply.code, 250, "{field}: {reply:?}");
        let (message, content) = newest(&app).await;
        assert_eq!((message.outcome, message.mode), (outcome, Mode::Sandbox), "{field}");
        let header = content.to_lowercase();
        assert!(!header.contains("sandbox-result") && !header.contains("bcc:"), "{content}");
        let id = message.id.to_string();
        let told = eventually("the webhook is told", async || {
            let heard = receiver.heard();
            let of_it: Vec<_> = heard.iter().filter(|heard| heard.json()["data"]["id"] == *id).collect();
            (of_it.len() == 2).then(|| of_it.iter().map(|heard| heard.kind()).collect::<Vec<_>>())
        })
        .await;
        assert_eq!(told, ["message.reception", event], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_makes_one_message_sandbox_and_the_next_hop_never_sees_it() {
    let hop = NextHop::plain().await;
    let app = TestApp::with_config(|config| hop.configure(config)).await;
    app.verified("acme.example").await;
    let shop = app.issue("Shop").await;
    let mut client = signed_in(&app, &shop).await;
    for field in ["AhaSend-Sandbox: true", "gatepost-sandbox: 1"] {
        let reply = send(&mut client, "a@acme.example", &format!("From: a@acme.example\r\n{field}")).await;
        assert!(reply.code == 250 && reply.text().contains("sandbox"), "{reply:?}");
        assert_eq!(newest(&app).await.0.mode, Mode::Sandbox);
    }
    // In production mode a result alone changes nothing.
    let fields = "From: a@acme.example\r\nAhaSend-Sandbox: false\r\nAhaSend-Sandbox-Result: bounce";
    assert_eq!(send(&mut client, "a@acme.example", fields).await.code, 250);
    let (message, _) = newest(&app).await;
    assert_eq!((message.mode, message.outcome), (Mode::Production, Outcome::Delivered));
    let messages: Vec<_> = hop.connections().into_iter().flat_map(|connection| connection.messages).collect();
    assert_eq!(messages.len(), 1);
    assert!(!String::from_utf8_lossy(&messages[0]).contains("AhaSend"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_coming_in_when_the_server_is_told_to_stop_is_taken() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let staging = app.issue_for_sandbox("Staging").await;
    let (mut busy, mut idle) = (signed_in(&app, &staging).await, signed_in(&app, &staging).await);
    busy.expect(250, "MAIL FROM:<a@acme.example>").await;
    let stopping = tokio::spawn(app.stop());
    let goodbye = idle.reply().await;
    assert_eq!(goodbye.code, 421, "{goodbye:?}");
    busy.expect(250, "RCPT TO:<bob@example.org>").await;
    busy.expect(354, "DATA").await;
    busy.expect(250, "From: a@acme.example\r\n\r\nHello\r\n.").await;
    assert_eq!(busy.reply().await.code, 421);
    let app = TestApp::on(stopping.await.unwrap(), |_| ()).await;
    assert_eq!(newest(&app).await.0.outcome, Outcome::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_can_not_be_taken_apart_is_kept_and_shown_as_far_as_it_can_be() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let staging = app.issue_for_sandbox("Staging").await;
    let mut client = signed_in(&app, &staging).await;
    let fields = "From: a@acme.example\r\nSubject: Broken\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\
                  Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n--z--";
    assert_eq!(send(&mut client, "a@acme.example", fields).await.code, 250);
    let (message, _) = newest(&app).await;
    let alice = app.alice().await;
    for view in ["", "?show=text", "?show=headers", "?show=source"] {
        let page = alice.page(&format!("/messages/{}{view}", message.id)).await;
        assert!(page.contains("Broken"), "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_found_and_told_by_its_author_too_not_by_its_return_path_alone() {
    let receiver = Receiver::start().await;
    let app = TestApp::with_config(allow_loopback).await;
    for domain in ["acme.example", "bounces.example"] {
        app.verified(domain).await;
    }
    let staging = app.issue_for_sandbox("Staging").await;
    let of_acme = Draft {
        scope: Scope::Scoped,
        domains: vec!["acme.example".to_owned()],
        ..everything(&receiver.url())
    };
    create(&app, of_acme).await;
    let mut client = signed_in(&app, &staging).await;
    let fields = "From: Ann <ann@acme.example>\r\nMessage-ID: <Order-77@acme.example>\r\nSubject: Hi";
    assert_eq!(send(&mut client, "b7@bounces.example", fields).await.code, 250);
    assert_eq!(send(&mut client, "b8@bounces.example", "From: b8@bounces.example").await.code, 250);
    let heard = receiver.hears(2).await;
    assert_eq!([heard[0].kind(), heard[1].kind()], ["message.reception", "message.delivered"]);
    assert!(heard.iter().all(|heard| heard.json()["data"]["from"] == "b7@bounces.example"));
    let organization = app.operator().await.organization;
    for (search, count) in
        [("ANN@acme", 1), ("<order-77@", 1), ("b7@bounces", 1), ("bounces", 2), ("acme", 1)]
    {
        let filter = Filter { search: search.to_owned(), ..Filter::default() };
        let listing = Listing { filter, turn: Turn::first(10) };
        let mut connection = app.app.db.read().await.unwrap();
        let found = Message::list(&mut connection, organization, &listing).await.unwrap().page.rows;
        assert_eq!(found.len(), count, "{search}");
    }
}
