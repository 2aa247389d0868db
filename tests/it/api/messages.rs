//! The message log through the API.

use std::time::Duration;

use gatepost::model::credential::Mode;
use gatepost::model::message::Outcome;
use serde_json::{Value, json};

use super::{Program, Told, both_ways};
use crate::support::{Letter, TestApp};

const PATH: &str = "/messages";

fn subjects(told: &Told) -> Vec<&str> {
    let rows = told.body["data"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    rows.iter().map(|message| message["subject"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_program_reads_what_was_sent_and_what_became_of_it() {
    let app = TestApp::start().await;
    let by = app.issue("Shop").await;
    let recipients =
        [("bob@customer.example", Outcome::Bounced), ("carol@customer.example", Outcome::Delivered)];
    let one = app.send(&by, &Letter { recipients: &recipients, ..Letter::default() }).await;
    let program = Program::with(&app, &["messages:read:all"]).await;
    let found = program.get(&one).await;
    assert_eq!(found.status, 200, "{found:?}");
    for (field, value) in [
        ("object", json!("message")),
        ("account_id", json!(program.account)),
        ("credential_id", json!(by.id)),
        ("credential_name", json!("Shop")),
        ("sandbox", json!(true)),
        ("outcome", json!("bounced")),
        ("answer", Value::Null),
        ("sender", json!("shop@acme.example")),
        ("sender_domain", json!("acme.example")),
        ("recipient_count", json!(2)),
        ("first_recipient", json!("bob@customer.example")),
        ("subject", json!("Your order")),
        ("message_id_header", json!("<1@acme.example>")),
        ("address", json!("127.0.0.1")),
        ("hello", json!("shop.acme.example")),
        ("has_content", json!(true)),
        (
            "recipients",
            json!([
                {"address": "bob@customer.example", "outcome": "bounced", "answer": null},
                {"address": "carol@customer.example", "outcome": "delivered", "answer": null},
            ]),
        ),
    ] {
        assert_eq!(found.body[field], value, "{field}");
    }
    let mut line = found.body.clone();
    line.as_object_mut().unwrap().remove("recipients");
    assert_eq!(program.get(PATH).await.body["data"], json!([line]));

    let source = program.request(reqwest::Method::GET, &format!("{one}/source")).send().await.unwrap();
    assert_eq!(
        (source.status().as_u16(), &source.headers()["content-type"]),
        (200, &"message/rfc822".parse().unwrap())
    );
    let letter = Letter { recipients: &recipients, ..Letter::default() };
    let expected = [letter.header().as_bytes(), letter.body].concat();
    assert_eq!(source.bytes().await.unwrap(), expected);
}

#[tokio::test]
async fn what_a_message_holds_may_be_gone() {
    let app = TestApp::start().await;
    let by = app.issue("Shop").await;
    let handed_on = app.send(&by, &Letter { mode: Mode::Production, ..Letter::default() }).await;
    let forgotten = app.send(&by, &Letter::default()).await;
    app.clock.advance(app.app.config.keep_message_content + Duration::from_secs(60));
    gatepost::jobs::run_once(&app.app).await.unwrap();
    let program = Program::with(&app, &["messages:read:all"]).await;
    for one in [handed_on, forgotten] {
        assert_eq!(program.get(&one).await.body["has_content"], false);
        let source = program.get(&format!("{one}/source")).await;
        assert_eq!((source.status, source.message()), (404, "what this message holds is not kept"));
    }
    for path in ["", "/source"] {
        let nobody = program.get(&format!("/messages/01930000-0000-7000-8000-000000000000{path}")).await;
        assert_eq!((nobody.status, nobody.message()), (404, "message not found"));
        let wrong = program.get(&format!("/messages/1{path}")).await;
        assert_eq!((wrong.status, wrong.message()), (400, "invalid message_id"));
    }
}

#[tokio::test]
async fn messages_are_found_by_each_filter() {
    let app = TestApp::start().await;
    let (shop, news) = (app.issue("Shop").await, app.issue("News").await);
    let bounced = [("bob@customer.example", Outcome::Bounced)];
    app.send(&shop, &Letter { subject: "first", ..Letter::default() }).await;
    app.clock.advance(Duration::from_secs(3_600));
    let noon = app.clock.now().rfc3339();
    app.clock.advance(Duration::from_secs(3_600));
    app.send(&shop, &Letter { subject: "second", recipients: &bounced, ..Letter::default() }).await;
    app.send(&news, &Letter { subject: "third", mode: Mode::Production, ..Letter::default() }).await;
    let program = Program::with(&app, &["messages:read:all"]).await;
    for (query, expected) in [
        (String::new(), vec!["third", "second", "first"]),
        ("sandbox=true".to_owned(), vec!["second", "first"]),
        ("sandbox=false".to_owned(), vec!["third"]),
        ("outcome=bounced".to_owned(), vec!["second"]),
        ("outcome=failed".to_owned(), vec![]),
        (format!("credential_id={}", news.id), vec!["third"]),
        (format!("credential_id={}&sandbox=true", news.id), vec![]),
        (format!("credential_id={}&outcome=delivered", shop.id), vec!["first"]),
        ("q=SECO".to_owned(), vec!["second"]),
        ("q=bob@customer".to_owned(), vec!["third", "second", "first"]),
        (format!("since={noon}"), vec!["third", "second"]),
        (format!("until={noon}"), vec!["first"]),
        (format!("since={noon}&until={noon}"), vec![]),
    ] {
        let told = program.get(&format!("{PATH}?{query}")).await;
        assert_eq!(subjects(&told), expected, "{query}");
    }
    for (query, said) in [
        ("sandbox=perhaps", "sandbox"),
        ("outcome=lost", "outcome"),
        ("credential_id=1", "credential_id"),
        ("since=yesterday", "since"),
        ("until=2026-05-03", "until"),
        ("limit=0", "limit must be between 1 and 100"),
        ("after=nonsense", "after: "),
    ] {
        let told = program.get(&format!("{PATH}?{query}")).await;
        assert_eq!(told.status, 400, "{query}: {told:?}");
        assert!(told.message().contains(said), "{query}: {told:?}");
    }
}

#[tokio::test]
async fn a_key_for_some_domains_reads_their_messages_alone() {
    let app = TestApp::start().await;
    for name in ["a.example", "b.example", "c.example"] {
        app.verified(name).await;
    }
    let by = app.issue("Shop").await;
    let mut pages = Vec::new();
    for sender in
        ["one@a.example", "two@B.example", "three@c.example", "four@sub.a.example", "five@A.EXAMPLE"]
    {
        pages.push(app.send(&by, &Letter { sender, subject: sender, ..Letter::default() }).await);
    }
    let of_a = Program::with(&app, &["messages:read:{a.example}"]).await;
    let of_two = Program::with(&app, &["messages:read:{a.example}", "messages:read:{b.example}"]).await;
    let of_all = Program::with(&app, &["messages:read:all"]).await;
    assert_eq!(subjects(&of_a.get(PATH).await), ["five@A.EXAMPLE", "one@a.example"]);
    assert_eq!(subjects(&of_two.get(PATH).await), ["five@A.EXAMPLE", "two@B.example", "one@a.example"]);
    assert_eq!(subjects(&of_all.get(PATH).await).len(), 5);
    assert_eq!(subjects(&of_a.get("/messages?q=one&outcome=delivered").await), ["one@a.example"]);
    assert_eq!(subjects(&of_a.get("/messages?q=two").await), [""; 0]);
    for (page, may_a, may_two) in [(0, 200, 200), (1, 403, 200), (2, 403, 403), (3, 403, 403), (4, 200, 200)]
    {
        for path in [pages[page].clone(), format!("{}/source", pages[page])] {
            let status = async |program: &Program| {
                program.request(reqwest::Method::GET, &path).send().await.unwrap().status().as_u16()
            };
            assert_eq!((status(&of_a).await, status(&of_two).await), (may_a, may_two), "{path}");
        }
    }
    let stranger = Program::with(&app, &["events:read"]).await;
    for path in [PATH, &pages[0]] {
        let refused = stranger.get(path).await;
        assert_eq!(
            (refused.status, refused.message()),
            (
                403,
                "Insufficient permissions for the required scope: messages:read:all, or messages:read:{DOMAIN} for each of its domains"
            )
        );
    }
}

#[tokio::test]
async fn the_log_is_turned_over_in_both_directions() {
    let app = TestApp::start().await;
    for name in ["a.example", "b.example"] {
        app.verified(name).await;
    }
    let by = app.issue("Shop").await;
    for number in 0..6 {
        let sender = if number % 2 == 0 { "shop@a.example" } else { "shop@b.example" };
        app.send(&by, &Letter { sender, subject: &format!("m{number}"), ..Letter::default() }).await;
    }
    let scopes = ["messages:read:{a.example}", "messages:read:{b.example}"];
    for (scopes, query, expected) in [
        (&["messages:read:all"][..], "", &["m5", "m4", "m3", "m2", "m1", "m0"][..]),
        (&scopes[..1], "", &["m4", "m2", "m0"]),
        (&scopes[..], "&sandbox=true", &["m5", "m4", "m3", "m2", "m1", "m0"]),
    ] {
        let program = Program::with(&app, scopes).await;
        let rows = both_ways(&program, &format!("/messages?limit=2{query}")).await;
        let shown: Vec<&str> = rows.iter().map(|one| one["subject"].as_str().unwrap()).collect();
        assert_eq!(shown, expected, "{scopes:?}");
    }
}
