//! Webhooks through the API: what AhaSend's clients do with them, and the events of credentials on top.

use gatepost::model::credential::Mode;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, Told, both_ways};
use crate::support::{Letter, TestApp, eventually};
use crate::webhooks::allow_loopback;
use crate::webhooks::receiver::{Heard, Receiver};

const PATH: &str = "/webhooks";
const URL: &str = "https://hooks.acme.example/gatepost";

/// A webhook that hears of deliveries.
fn new(name: &str) -> Value {
    json!({"name": name, "url": URL, "scope": "global", "on_delivered": true})
}

fn scoped(name: &str, domains: &[&str]) -> Value {
    json!({"name": name, "url": URL, "scope": "scoped", "domains": domains, "on_delivered": true})
}

fn names(told: &Told) -> Vec<&str> {
    let rows = told.body["data"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    rows.iter().map(|webhook| webhook["name"].as_str().unwrap()).collect()
}

async fn put(program: &Program, path: &str, body: &Value) -> Told {
    program.send(Method::PUT, path, body).await
}

/// Creates it; its address.
async fn made(program: &Program, body: &Value) -> String {
    let created = program.post(PATH, body).await;
    assert_eq!(created.status, 201, "{created:?}");
    format!("{PATH}/{}", created.body["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_program_takes_a_webhook_through_its_life() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let scopes = ["webhooks:read:all", "webhooks:write:all", "webhooks:delete:all"];
    let program = Program::with(&app, &scopes).await;
    let body = json!({
        "name": "Orders", "url": URL, "scope": "scoped", "domains": ["Acme.Example."], "on_reception": true, "on_opened": false,
        "on_bounced": true, "events": ["credential.rotated"],
    });
    let created = program.post(PATH, &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(created.body["secret"].as_str().unwrap().len() >= 32);
    let one = format!("{PATH}/{}", created.body["id"].as_str().unwrap());
    let mut shown = created.body.clone();
    shown.as_object_mut().unwrap().remove("secret").unwrap();
    let found = program.get(&one).await;
    assert_eq!((found.status, &found.body), (200, &shown), "its secret is shown once");
    assert_eq!(program.get(PATH).await.body["data"], json!([shown]));
    for (field, value) in [
        ("object", json!("webhook")),
        ("enabled", json!(true)),
        ("domains", json!(["acme.example"])),
        ("on_reception", json!(true)),
        ("on_bounced", json!(true)),
        ("on_delivered", json!(false)),
        ("on_opened", json!(false)),
        ("on_dns_error", json!(false)),
        ("events", json!(["credential.rotated"])),
        ("success_count", json!(0)),
        ("errors_since_last_success", json!(0)),
        ("last_request_at", Value::Null),
        ("disabled_because", Value::Null),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }

    let changed = put(
        &program,
        &one,
        &json!({"name": "All orders", "scope": "global", "on_bounced": false, "url": null}),
    )
    .await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let expected = [
        json!("All orders"),
        json!("global"),
        json!([]),
        json!(false),
        json!(true),
        json!(["credential.rotated"]),
    ];
    let fields = ["name", "scope", "domains", "on_bounced", "on_reception", "events"];
    assert_eq!(fields.map(|field| changed.body[field].clone()), expected);
    let quiet = put(&program, &one, &json!({"events": [], "enabled": false})).await;
    assert_eq!((&quiet.body["events"], &quiet.body["enabled"]), (&json!([]), &json!(false)));
    assert_eq!(put(&program, &one, &json!({})).await.body, quiet.body, "nothing is to be changed");
    assert_eq!(put(&program, &one, &json!({"enabled": true})).await.body["enabled"], true);

    let deleted = program.delete(&one).await;
    assert_eq!((deleted.status, deleted.message()), (200, "webhook deleted"));
    for gone in [program.get(&one).await, program.delete(&one).await, put(&program, &one, &json!({})).await] {
        assert_eq!((gone.status, gone.message()), (404, "webhook not found"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_said_by_name() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let one = made(&program, &new("Orders")).await;
    for (change, said) in [
        (json!({"name": ""}), "name: Give it a name"),
        (json!({"name": "x".repeat(256)}), "name: Use at most 255"),
        (json!({"url": "hooks.acme.example"}), "url: Enter a whole address"),
        (json!({"url": "ftp://hooks.acme.example"}), "url: Enter a whole address"),
        (json!({"url": "http://127.0.0.1:9000/"}), "url: 127.0.0.1 is not on the Internet"),
        (json!({"url": "http://localhost/"}), "url: localhost is not on the Internet"),
        (json!({"url": "https://user:secret@hooks.acme.example/"}), "url: Leave out username and password"),
        (json!({"on_opened": true}), "on_opened: Gatepost has no such event"),
        (json!({"on_clicked": true}), "on_clicked: Gatepost has no such event"),
        (json!({"on_suppression_created": true}), "on_suppression_created: Gatepost has no such event"),
        (json!({"on_dns_error": true}), "on_dns_error: Gatepost has no such event"),
        (json!({"on_delivered": "yes"}), "on_delivered: This must be true or false."),
        (json!({"events": ["credential.vanished"]}), "events[0]: "),
        (json!({"events": ["message.delivered"]}), "events[0]: message.delivered is chosen by on_delivered"),
        (json!({"scope": "local"}), "scope: "),
        (json!({"scope": "scoped"}), "domains: Choose at least one domain."),
        (json!({"scope": "scoped", "domains": ["acme"]}), "domains: "),
        (json!({"scope": "scoped", "domains": ["other.example"]}), "domains: other.example is not a domain"),
        (json!({"domains": ["acme.example"]}), "domains: A global webhook"),
        (
            json!({"colour": "red"}),
            "colour: There is no such field here; there are name, url, enabled, on_reception",
        ),
    ] {
        let mut whole = new("Other");
        whole.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        for told in [program.post(PATH, &whole).await, put(&program, &one, &change).await] {
            assert_eq!(told.status, 400, "{change}: {told:?}");
            assert!(told.message().contains(said), "{change}: {told:?}");
        }
    }
    assert_eq!(
        program.post(PATH, &json!({"name": "x", "url": URL})).await.status,
        400,
        "a scope must be given"
    );
    assert_eq!(program.get(&one).await.body["name"], "Orders");
    for path in ["/webhooks/1", "/webhooks/orders"] {
        for told in
            [program.get(path).await, program.delete(path).await, put(&program, path, &json!({})).await]
        {
            assert_eq!((told.status, told.message()), (400, "invalid webhook_id"), "{path}");
        }
    }
    assert_eq!(program.get("/webhooks?enabled=perhaps").await.status, 400);
}

#[tokio::test]
async fn a_webhook_is_created_once_for_each_idempotency_key_and_its_secret_told_again() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let once = async |body: Value| {
        let request = program.request(Method::POST, PATH).header("content-type", "application/json");
        Told::of(request.header("idempotency-key", "deploy-1").body(body.to_string())).await
    };
    let disabled =
        json!({"name": "Orders", "url": URL, "scope": "global", "on_failed": true, "enabled": false});
    let (first, again) = (once(disabled.clone()).await, once(disabled).await);
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.body, again.body);
    assert!(first.body["secret"].is_string() && first.body["enabled"] == false);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(once(new("Other")).await.status, 422);
    assert_eq!(names(&program.get(PATH).await), ["Orders"]);
}

#[tokio::test]
async fn a_webhook_of_which_nothing_is_said_but_where_it_is_hears_nothing() {
    let (app, receiver) = (TestApp::with_config(allow_loopback).await, Receiver::start().await);
    let program = Program::with(&app, &["*"]).await;
    let plain = json!({"name": "Plain", "url": receiver.url(), "scope": "global"});
    let created = program.post(PATH, &plain).await;
    assert_eq!((created.status, &created.body["events"]), (201, &json!([])), "{created:?}");
    assert_eq!((&created.body["enabled"], &created.body["on_failed"]), (&json!(true), &json!(false)));
    let one = format!("{PATH}/{}", created.body["id"].as_str().unwrap());
    let by = app.issue("Shop").await;
    let hearing = put(&program, &one, &json!({"on_delivered": true})).await;
    assert_eq!(hearing.body["on_delivered"], true, "{hearing:?}");
    app.send(&by, &Letter { mode: Mode::Sandbox, ..Letter::default() }).await;
    assert_eq!(receiver.hears(1).await[0].kind(), "message.delivered");
    let deaf = put(&program, &one, &json!({"on_delivered": false})).await;
    assert_eq!((deaf.status, &deaf.body["on_delivered"]), (200, &json!(false)), "{deaf:?}");
    app.send(&by, &Letter { mode: Mode::Sandbox, ..Letter::default() }).await;
    put(&program, &one, &json!({"on_delivered": true})).await;
    app.send(&by, &Letter { mode: Mode::Sandbox, ..Letter::default() }).await;
    receiver.hears(2).await;
    let told = program.get(&one).await;
    assert_eq!(told.body["error_count"], 0, "{told:?}");
    assert_eq!(receiver.heard().len(), 2, "of the message between it was told nothing");
    let alice = app.alice().await;
    put(&program, &one, &json!({"on_delivered": false})).await;
    let page = alice.page("/settings/webhooks").await;
    assert!(page.contains("0 events"), "{page}");
    assert!(alice.page("/activity").await.contains("message.delivered → none"));
}

#[tokio::test]
async fn a_key_for_some_domains_has_the_webhooks_of_these_alone() {
    let app = TestApp::start().await;
    for name in ["a.example", "b.example"] {
        app.verified(name).await;
    }
    let star = Program::with(&app, &["*"]).await;
    let mut all = Vec::new();
    for body in [
        new("global"),
        scoped("a", &["a.example"]),
        scoped("b", &["b.example"]),
        scoped("both", &["a.example", "b.example"]),
    ] {
        all.push(made(&star, &body).await);
    }
    let [global, a, b, both] = all.try_into().unwrap();
    let scopes = ["webhooks:read:{a.example}", "webhooks:write:{a.example}", "webhooks:delete:{a.example}"];
    let of_a = Program::with(&app, &scopes).await;
    assert_eq!(names(&of_a.get(PATH).await), ["a"]);
    assert_eq!(names(&star.get(PATH).await), ["both", "b", "a", "global"]);
    let rename = json!({"name": "renamed"});
    for path in [&global, &b, &both] {
        for refused in [of_a.get(path).await, put(&of_a, path, &rename).await, of_a.delete(path).await] {
            assert_eq!(refused.status, 403, "{path}: {refused:?}");
            assert!(
                refused.message().starts_with("Insufficient permissions for the required scope: webhooks:"),
                "{refused:?}"
            );
        }
    }
    for body in [new("x"), scoped("x", &["b.example"]), scoped("x", &["a.example", "b.example"])] {
        assert_eq!(of_a.post(PATH, &body).await.status, 403, "{body}");
    }
    for wider in [
        json!({"scope": "global"}),
        json!({"domains": ["a.example", "b.example"]}),
        json!({"domains": ["b.example"]}),
    ] {
        assert_eq!(put(&of_a, &a, &wider).await.status, 403, "{wider}");
    }
    assert_eq!(put(&of_a, &a, &rename).await.body["name"], "renamed");
    assert_eq!(of_a.post(PATH, &scoped("second", &["A.example"])).await.status, 201);
    assert_eq!(of_a.delete(&a).await.status, 200);
    assert_eq!(names(&of_a.get(PATH).await), ["second"]);

    let reader = Program::with(&app, &["webhooks:read:all"]).await;
    for refused in
        [reader.post(PATH, &new("x")).await, put(&reader, &b, &rename).await, reader.delete(&b).await]
    {
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    let stranger = Program::with(&app, &["domains:read"]).await;
    assert_eq!((stranger.get(PATH).await.status, stranger.get(&b).await.status), (403, 403));
}

#[tokio::test]
async fn the_list_of_webhooks_is_filtered_and_turned_over_in_both_directions() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    for number in 0..5 {
        made(&program, &new(&format!("w{number}"))).await;
    }
    made(
        &program,
        &json!({"name": "off", "url": URL, "scope": "global", "on_failed": true, "enabled": false}),
    )
    .await;
    for (query, expected) in [
        ("enabled=false", vec!["off"]),
        ("on_failed=true&on_opened=false", vec!["off"]),
        ("on_delivered=false", vec!["off"]),
        ("on_opened=true", vec![]),
        ("enabled=true&on_failed=true", vec![]),
    ] {
        let told = program.get(&format!("{PATH}?{query}")).await;
        assert_eq!(names(&told), expected, "{query}");
        assert_eq!(told.body["pagination"], json!({"has_more": false}), "{query}");
    }
    let rows = both_ways(&program, "/webhooks?enabled=true&limit=2").await;
    let shown: Vec<&str> = rows.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(shown, ["w4", "w3", "w2", "w1", "w0"]);
    assert_eq!(program.get("/webhooks?before=nonsense").await.status, 400);
}

#[tokio::test]
async fn a_webhook_that_was_made_by_a_program_hears_what_it_chose() {
    let (app, receiver) = (TestApp::with_config(allow_loopback).await, Receiver::start().await);
    let program = Program::with(&app, &["*"]).await;
    let body = json!({
        "name": "Orders", "url": receiver.url(), "scope": "global", "on_delivered": true, "events": ["credential.created"],
    });
    let hook = made(&program, &body).await;
    let by = app.issue("Shop").await;
    app.send(&by, &Letter { mode: Mode::Sandbox, ..Letter::default() }).await;
    let heard = receiver.hears(2).await;
    assert_eq!(
        heard.iter().map(Heard::kind).collect::<Vec<_>>(),
        ["credential.created", "message.delivered"]
    );
    eventually("both are counted", async || {
        let one = program.get(&hook).await.body;
        (one["success_count"] == 2 && one["last_request_at"].is_string()).then_some(())
    })
    .await;
    assert_eq!(receiver.heard().len(), 2, "its reception is no delivery");
}
