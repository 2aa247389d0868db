//! The table of messages: right with none, one and many, and new ones appear.

use gatepost::model::credential::Mode;
use gatepost::model::message::Outcome;

use super::HOME;
use crate::support::{Browser, Letter, TestApp, eventually};

/// The subjects, row by row.
async fn subjects(browser: &Browser) -> Vec<String> {
    let subjects =
        browser.evaluate("[...document.querySelectorAll('tbody .name')].map(name => name.innerText)").await;
    serde_json::from_value(subjects.expect("an answer")).expect("subjects")
}

/// Waits until these are the rows.
async fn shows(browser: &Browser, expected: &[&str]) {
    eventually(&format!("the rows are {expected:?}"), async || {
        (subjects(browser).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_first_message_appears_by_itself_and_so_does_each_one_after_it() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("No message yet").await;
    alice.sees("Send the first one in sandbox mode").await;
    alice.inspect("messages-empty").await;
    app.send(&shop, &Letter { subject: "Order 1", ..Letter::default() }).await;
    shows(&alice, &["Order 1"]).await;
    assert_eq!(alice.text_of("#news").await, "New message: Order 1");
    alice.fill("Search sender, recipients and subject", "order").await;
    alice.is_at("/messages?q=order").await;
    let focused = alice.focused().await;
    app.send(&shop, &Letter { subject: "Order 2", ..Letter::default() }).await;
    app.send(&shop, &Letter { subject: "Invoice 1", ..Letter::default() }).await;
    shows(&alice, &["Order 2", "Order 1"]).await;
    assert_eq!(alice.focused().await, focused, "the focus stays");
    assert_eq!(alice.value_of("Search sender, recipients and subject").await, "order");
    alice.is_at("/messages?q=order").await;
    alice.close().await;
}

#[tokio::test]
async fn search_and_filters_find_what_they_say_and_the_address_says_what_is_shown() {
    let app = TestApp::start().await;
    let (shop, importer) = (app.issue("Shop").await, app.issue("Importer").await);
    let many = [("eve@customer.example", Outcome::Delivered), ("dan@customer.example", Outcome::Bounced)];
    app.send(&shop, &Letter { subject: "Größe 100%", recipients: &many, ..Letter::default() }).await;
    let bounced = [("gone@customer.example", Outcome::Bounced)];
    app.send(&shop, &Letter { subject: "To nobody", recipients: &bounced, ..Letter::default() }).await;
    let real = Letter { subject: "For real", mode: Mode::Production, sender: "", ..Letter::default() };
    app.send(&importer, &real).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    shows(&alice, &["For real", "To nobody", "Größe 100%"]).await;
    alice.sees("eve@customer.example and 1 more").await;
    alice.inspect("messages").await;
    for (typed, found) in [
        ("GRÖßE", &["Größe 100%"][..]),
        ("0%", &["Größe 100%"]),
        ("DAN@customer", &["Größe 100%"]),
        ("shop@acme.example", &["To nobody", "Größe 100%"]),
        ("", &["For real", "To nobody", "Größe 100%"]),
    ] {
        alice.fill("Search sender, recipients and subject", typed).await;
        shows(&alice, found).await;
    }
    alice.choose("Mode", "Production").await;
    shows(&alice, &["For real"]).await;
    alice.choose("Outcome", "Bounced").await;
    alice.sees("No message was in production mode and is bounced. There are some with:").await;
    alice.inspect("messages-no-match").await;
    alice.click("Any mode").await;
    shows(&alice, &["To nobody"]).await;
    alice.is_at("/messages?outcome=bounced").await;
    alice.choose("Outcome", "Any outcome").await;
    alice.choose("Credential", "Importer").await;
    shows(&alice, &["For real"]).await;
    alice.choose("Credential", "Any credential").await;
    let today = app.clock.now().rfc3339()[..10].to_owned();
    alice.choose("Since", &today).await;
    alice.choose("Until", &today).await;
    shows(&alice, &["For real", "To nobody", "Größe 100%"]).await;
    alice.choose("Until", "2001-01-01").await;
    alice.sees("No message matches").await;
    alice.click("Show all messages").await;
    alice.is_at(HOME).await;
    alice.close().await;
}
