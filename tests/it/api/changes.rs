//! Changes through the API: what is named changes, what is left out stays, and two that come at once are both made.

use std::sync::Arc;

use gatepost::model::credential::{Draft, Mode, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::support::{Issued, TestApp};

async fn patch(program: &Program, path: &str, body: Value) -> Value {
    let told = program.send(Method::PATCH, path, &body).await;
    assert_eq!(told.status, 200, "{body}: {told:?}");
    told.body
}

async fn put(program: &Program, path: &str, body: Value) -> Value {
    let told = program.put(path, &body).await;
    assert_eq!(told.status, 200, "{body}: {told:?}");
    told.body
}

fn of(issued: &Issued) -> String {
    format!("/smtp-credentials/{}", issued.id)
}

/// A credential for these domains alone.
async fn scoped(app: &TestApp, name: &str, domains: &[&str]) -> Issued {
    let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    let (name, mode, scope) = (name.to_owned(), Mode::Production, Scope::Scoped);
    app.issue_as(Draft { name, mode, scope, domains, expires_at: None }).await
}

#[tokio::test]
async fn each_field_of_a_credential_changes_alone() {
    let app = TestApp::start().await;
    for domain in ["a.example", "b.example"] {
        app.verified(domain).await;
    }
    let program = Program::with(&app, &["*"]).await;
    let path = of(&app.issue("Shop").await);
    let mut expected = program.get(&path).await.body;
    for (change, fields) in [
        (json!({"name": "Store"}), json!({"name": "Store"})),
        (json!({"sandbox": true}), json!({"sandbox": true, "mode": "sandbox"})),
        (
            json!({"scope": "scoped", "domains": ["B.Example", "a.example."]}),
            json!({"scope": "scoped", "domains": ["a.example", "b.example"]}),
        ),
        (json!({"domains": ["b.example"]}), json!({"domains": ["b.example"]})),
        (json!({"expires_at": "2999-01-01T01:00:00+01:00"}), json!({"expires_at": "2999-01-01T00:00:00Z"})),
        (json!({"name": null, "sandbox": false}), json!({"sandbox": false, "mode": "production"})),
        (json!({"expires_at": null}), json!({"expires_at": null})),
        (json!({"scope": "global"}), json!({"scope": "global", "domains": []})),
    ] {
        let changed = patch(&program, &path, change).await;
        for (field, value) in fields.as_object().unwrap() {
            expected[field] = value.clone();
        }
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected);
        assert_eq!(program.get(&path).await.body, expected);
    }
}

#[tokio::test]
async fn what_lost_its_last_domain_can_still_be_changed_in_all_else() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    app.verified("gone.example").await;
    let credential = of(&scoped(&app, "Shop", &["gone.example"]).await);
    let key = json!({"label": "Reader", "scopes": ["smtp-credentials:read:{gone.example}"]});
    let key = program.post("/api-keys", &key).await;
    let key = format!("/api-keys/{}", key.body["id"].as_str().unwrap());
    let hook = json!({"name": "Hook", "url": "https://hooks.acme.com/", "scope": "scoped", "domains": ["gone.example"],
        "on_failed": true});
    let hook = program.post("/webhooks", &hook).await;
    let hook = format!("/webhooks/{}", hook.body["id"].as_str().unwrap());
    assert_eq!(program.delete("/domains/gone.example?credentials=1").await.status, 200);

    let changed = patch(&program, &credential, json!({"name": "Store"})).await;
    assert_eq!((&changed["name"], &changed["domains"]), (&json!("Store"), &json!([])));
    let changed = put(&program, &key, json!({"label": "Nobody"})).await;
    assert_eq!((&changed["label"], &changed["scopes"]), (&json!("Nobody"), &json!([])));
    let changed = put(&program, &hook, json!({"enabled": false})).await;
    assert_eq!((&changed["enabled"], &changed["domains"]), (&json!(false), &json!(["gone.example"])));
    // What is named is held to the rules all the same.
    for (path, method, body) in [
        (&credential, Method::PATCH, json!({"scope": "scoped", "domains": ["gone.example"]})),
        (&key, Method::PUT, json!({"scopes": ["smtp-credentials:read:{gone.example}"]})),
        (&hook, Method::PUT, json!({"domains": []})),
    ] {
        let told = program.send(method, path, &body).await;
        assert_eq!(told.status, 400, "{body}: {told:?}");
    }
}

#[tokio::test]
async fn a_webhook_that_the_operator_no_longer_lets_out_can_be_switched_off() {
    let allowing = |config: &mut gatepost::config::Config| {
        config.set("webhook_allowed_networks", "127.0.0.0/8").unwrap();
    };
    let app = TestApp::with_config(allowing).await;
    let program = Program::with(&app, &["*"]).await;
    let hook = json!({"name": "Hook", "url": "http://127.0.0.1:9/", "scope": "global", "on_failed": true});
    let hook = program.post("/webhooks", &hook).await;
    let (key, account) = (program.key().to_owned(), program.account.clone());
    let app = TestApp::on(app.stop().await, |_| ()).await;
    let program = Program::with_access(&app, &key, &account);
    let path = format!("/webhooks/{}", hook.body["id"].as_str().unwrap());
    assert_eq!(put(&program, &path, json!({"enabled": false, "name": "Off"})).await["enabled"], false);
    assert_eq!(program.put(&path, &json!({"url": "http://127.0.0.1:10/"})).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_at_once_are_all_made() {
    let app = TestApp::start().await;
    let program = Arc::new(Program::with(&app, &["*"]).await);
    let path = of(&app.issue("0").await);
    for round in 1..=10 {
        let sandbox = round % 2 == 1;
        let (name, mode) = tokio::join!(
            patch(&program, &path, json!({"name": round.to_string()})),
            patch(&program, &path, json!({"sandbox": sandbox})),
        );
        let now = program.get(&path).await.body;
        let told = (&now["name"], &now["sandbox"]);
        assert_eq!(told, (&json!(round.to_string()), &json!(sandbox)), "{name} {mode}");
    }
}
