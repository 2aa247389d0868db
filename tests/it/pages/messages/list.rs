//! The table of messages: right with none, one and many, and new ones appear.

use std::time::Duration;

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
    alice.sees("Messages come from a domain of yours, and none can send yet.").await;
    alice.inspect("messages-empty-without-domain").await;
    app.unverified("acme.example").await;
    alice.goto(HOME).await;
    alice.sees("Verify a domain first").await;
    app.verified("shop.example").await;
    alice.goto(HOME).await;
    alice.sees("Send the first one in sandbox mode").await;
    alice.inspect("messages-empty").await;
    app.send(&shop, &Letter { subject: "Order 1", ..Letter::default() }).await;
    shows(&alice, &["Order 1"]).await;
    assert_eq!(alice.text_of("#news").await, "New message: Order 1");
    alice.fill("Search addresses, subject and Message-ID", "order").await;
    alice.is_at("/messages?q=order").await;
    let focused = alice.focused().await;
    app.send(&shop, &Letter { subject: "Order 2", ..Letter::default() }).await;
    app.send(&shop, &Letter { subject: "Invoice 1", ..Letter::default() }).await;
    shows(&alice, &["Order 2", "Order 1"]).await;
    assert_eq!(alice.focused().await, focused, "the focus stays");
    assert_eq!(alice.value_of("Search addresses, subject and Message-ID").await, "order");
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
        alice.fill("Search addresses, subject and Message-ID", typed).await;
        shows(&alice, found).await;
    }
    alice.choose("Mode", "Production").await;
    shows(&alice, &["For real"]).await;
    alice.choose("Outcome", "Bounced").await;
    alice.sees("No message was in production mode and was bounced. There are some with:").await;
    alice.inspect("messages-no-match").await;
    alice.click("Any mode").await;
    shows(&alice, &["To nobody", "Größe 100%"]).await;
    alice.sees("1 bounced").await;
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
    alice.sees("“Since” is a later day than “Until”.").await;
    alice.click("Swap the two days").await;
    shows(&alice, &["For real", "To nobody", "Größe 100%"]).await;
    alice.choose("Since", &today).await;
    alice.choose("Until", "2001-01-01").await;
    alice.sees("No message matches").await;
    alice.click("Show all messages").await;
    alice.is_at(HOME).await;
    alice.close().await;
}

#[tokio::test]
async fn pages_lose_no_message_while_others_come_and_later_pages_stay_as_they_are() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut tx = app.app.db.begin().await.unwrap();
    for number in 0..120 {
        let subject = format!("message {number:03}");
        Letter { subject: &subject, ..Letter::default() }.record(&mut tx, (&app, &shop)).await;
    }
    tx.commit().await.unwrap();
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    let mut seen = Vec::new();
    for size in [50, 50, 20] {
        eventually("the next page", async || {
            let rows = subjects(&alice).await;
            (rows.len() == size && !seen.contains(&rows[0])).then_some(())
        })
        .await;
        seen.extend(subjects(&alice).await);
        if seen.len() < 120 {
            alice.click("Older").await;
        }
        app.send(&shop, &Letter { subject: "a late one", ..Letter::default() }).await;
    }
    let expected: Vec<String> = (0..120).rev().map(|number| format!("message {number:03}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(alice.count("#live").await, 0);
    assert_eq!(
        alice.evaluate("document.querySelector('#live')").await,
        None,
        "a later page asks for no news"
    );
    alice.click("Newer").await;
    alice.sees("message 069").await;
    alice.click("Newer").await;
    alice.sees("message 119").await;
    alice.click("Newer").await;
    alice.sees("a late one").await;
    alice.is_at(HOME).await;
    assert_eq!(subjects(&alice).await.len(), 50, "the first page is whole");
    // She reads a line in the middle of the page.
    let line = "window.read = document.querySelector('tbody tr:nth-child(30) a'); window.read.scrollIntoView(); \
                window.read.focus({ preventScroll: true }); 1";
    alice.evaluate(line).await;
    let top = "Math.round(window.read.getBoundingClientRect().top)";
    let before = alice.evaluate(top).await;
    app.send(&shop, &Letter { subject: "one later still", ..Letter::default() }).await;
    alice.sees("one later still").await;
    assert_eq!(alice.evaluate(top).await, before, "what is read stays in its place");
    assert_eq!(alice.evaluate("document.activeElement === window.read").await, Some(true.into()));
    alice.close().await;
}

#[tokio::test]
async fn a_page_that_nobody_looks_at_asks_for_nothing_and_one_that_shows_all_is_given_nothing() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.send(&shop, &Letter { subject: "Order 1", ..Letter::default() }).await;
    let visitor = app.alice().await;
    let page = visitor.page(HOME).await;
    let (_, rest) = page.split_once("hx-get=\"/messages?seen=").unwrap();
    let news = format!("/messages?seen={}", rest.split('"').next().unwrap());
    let ask = async || {
        let request = visitor.request(reqwest::Method::GET, &news).header("hx-request", "true");
        visitor.send(request).await
    };
    // The sum changes with the minute that the times on the page show.
    eventually("nothing new is said in no words", async || {
        let answer = ask().await;
        let is_of_another_minute =
            answer.status == 200 && answer.body.contains("id=\"news\" role=\"status\"></p>");
        (answer.status == 204 || is_of_another_minute).then_some(())
    })
    .await;
    app.send(&shop, &Letter { subject: "Order 2", ..Letter::default() }).await;
    let answer = ask().await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("New message: Order 2") && answer.body.contains("class=\"changed\""),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("<html"), "only what changes");
    assert_eq!(answer.header("hx-replace-url"), "", "the address stays");

    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); window.asked = 0").await;
    alice
        .evaluate(
            "const ask = window.fetch; window.fetch = (...it) => { window.asked++; return ask(...it) }; 1",
        )
        .await;
    app.send(&shop, &Letter { subject: "Order 3", ..Letter::default() }).await;
    alice.evaluate("new Promise(done => { let n = 0; document.addEventListener('htmx:before:request', () => ++n == 2 && done(1)) })").await;
    assert_eq!(alice.evaluate("window.asked").await, Some(0.into()), "two turns went by in the dark");
    alice.evaluate("delete document.hidden; 1").await;
    alice.sees("Order 3").await;
    alice.close().await;
}

#[tokio::test]
async fn a_page_that_was_left_open_keeps_no_session_alive() {
    let app = TestApp::start().await;
    let (open, elsewhere) = (app.alice().await, app.alice().await);
    let seen_a_day_ago = async || {
        let sessions = elsewhere.page("/settings/security").await;
        sessions.matches("seen <time").count() == 2 && sessions.contains(">1 day ago<")
    };
    let ask = async |source: &'static str| {
        let request = open.request(reqwest::Method::GET, "/messages?seen=none");
        let answer = open.send(request.header("hx-request", "true").header("hx-source", source)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    };
    elsewhere.page(HOME).await;
    app.clock.advance(Duration::from_secs(86_400));
    elsewhere.page(HOME).await;
    ask("div#live").await;
    assert!(seen_a_day_ago().await, "the page asked, and nobody else");
    ask("form#filters").await;
    assert!(!seen_a_day_ago().await, "somebody did");
}

#[tokio::test]
async fn without_scripts_messages_are_searched_opened_and_turned_over_too() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    for number in 0..51 {
        app.send(&shop, &Letter { subject: &format!("Order {number:02}"), ..Letter::default() }).await;
    }
    let alice = app.alice_without_scripts().await;
    alice.goto(HOME).await;
    alice.click("Older").await;
    alice.sees("Order 00").await;
    alice.fill("Search addresses, subject and Message-ID", "order 17").await;
    alice.click("Filter").await;
    shows(&alice, &["Order 17"]).await;
    alice.click("Order 17").await;
    alice.sees("it is on its way").await;
    alice.click("Source").await;
    alice.sees("Message-ID: <1@acme.example>").await;
    alice.close().await;
}

#[tokio::test]
async fn a_search_looks_through_the_newest_lines_says_how_far_and_goes_on_from_there() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.send(&shop, &Letter { subject: "Needle", ..Letter::default() }).await;
    app.send(&shop, &Letter { subject: "Hay", ..Letter::default() }).await;
    // More than one page looks through; the door would take a minute for them.
    let database = app.installation.database();
    database
        .execute(
            "INSERT INTO messages SELECT '01890000-0000-7000-8000-' || CAST(100000000000 + i AS TEXT), organization, at + i, \
             credential, credential_label, mode, outcome, answer, sender, recipients, first_recipient, header_from, subject, \
             message_id_header, size, address, hello, search, 0, sender_domain, refused, has_bounced, has_deferred, \
             has_suppressed FROM messages, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL \
             SELECT i + 1 FROM n WHERE i < 25000) SELECT i FROM n) AS numbers WHERE subject = 'Hay'",
        )
        .await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/messages?q=needle").await;
    alice.sees("No message back to").await;
    alice.inspect("messages-not-yet-found").await;
    alice.click("Look further back").await;
    shows(&alice, &["Needle"]).await;
    alice.goto("/messages?q=hay&outcome=delivered&mode=sandbox").await;
    alice.sees("Newest first").await;
    assert_eq!(subjects(&alice).await.len(), 50, "what is frequent is found at once");
    alice.goto("/messages?q=nothing+like+it&outcome=bounced").await;
    alice.sees("No message matches").await;
    alice.sees_no("No message back to").await;
    alice.close().await;
}

#[tokio::test]
async fn what_is_long_or_turned_around_or_missing_stays_in_its_place() {
    let app = TestApp::start().await;
    let name = "a-very-long-name-without-any-space-".repeat(7);
    let shop = app.issue(&name).await;
    let long = format!("{}@{}.example", "l".repeat(64), "d".repeat(63));
    let recipients = [(long.as_str(), Outcome::Unknown), (long.as_str(), Outcome::Deferred)];
    let letters = [
        Letter { subject: &"long".repeat(125), sender: &long, recipients: &recipients, ..Letter::default() },
        Letter { subject: "\u{202e}desrever", ..Letter::default() },
        Letter { subject: "", sender: "", ..Letter::default() },
    ];
    let mut pages = Vec::new();
    for letter in &letters {
        pages.push(app.send(&shop, letter).await);
    }
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("No subject").await;
    alice.inspect("messages-long").await;
    for (page, name) in pages.iter().zip(["message-long", "message-reversed", "message-without-subject"]) {
        alice.goto(page).await;
        alice.sees("Dear Bob").await;
        alice.inspect(name).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn the_empty_page_leads_to_a_first_credential_and_on_to_a_first_message() {
    let app = TestApp::start().await;
    let alice = app.alice_on_a_phone().await;
    alice.goto(HOME).await;
    alice.click_on(".empty .button").await;
    alice.is_at("/settings/domains").await;
    app.verified("acme.example").await;
    alice.goto(HOME).await;
    alice.click("Create a credential").await;
    alice.fill("Name", "Shop").await;
    alice.click("Sandbox").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of Shop").await;
    let (username, password) = (alice.value_of("Username").await, alice.value_of("Password").await);
    alice.click("Done").await;
    alice.is_at(HOME).await;
    alice.sees("No message yet").await;
    let mut client = app.smtp().await;
    assert_eq!(client.log_in(&username, &password).await.code, 235);
    client.expect(250, "MAIL FROM:<shop@acme.example>").await;
    client.expect(250, "RCPT TO:<bob@customer.example>").await;
    client.expect(354, "DATA").await;
    client.expect(250, "From: shop@acme.example\r\nSubject: First\r\n\r\nHello\r\n.").await;
    alice.click("First").await;
    alice.sees("Hello").await;
    alice.close().await;
}
