//! Whatever a program changes stands in the audit log under the label of its key.

use std::collections::BTreeSet;

use gatepost::api::document;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, Told};
use crate::support::{TestApp, TestDns};

/// Operations that change nothing which is anybody's: one asks the gate, of the other's fields Gatepost can honour none.
const CHANGE_NOTHING: [&str; 2] = ["verifySMTPCredential", "updateDomain"];

/// An operation, what is asked of it, and what the log then says.
type Step = (&'static str, Method, &'static str, Value, &'static str);

fn steps() -> Vec<Step> {
    let webhook = json!({"name": "Hook", "url": "https://hooks.acme.example/", "scope": "global"});
    let key = json!({"label": "Made", "scopes": ["domains:read"]});
    let (post, put, patch, delete) = (Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let nothing = || json!({});
    vec![
        (
            "createSMTPCredential",
            post.clone(),
            "/smtp-credentials",
            json!({"name": "x", "scope": "global"}),
            "credential.created",
        ),
        ("updateSMTPCredential", patch, "/smtp-credentials/{}", json!({"name": "y"}), "credential.updated"),
        (
            "rotateSMTPCredential",
            post.clone(),
            "/smtp-credentials/{}/rotate",
            json!({"grace_seconds": 60}),
            "credential.rotated",
        ),
        (
            "endGraceOfSMTPCredential",
            post.clone(),
            "/smtp-credentials/{}/end-grace",
            nothing(),
            "credential.grace_ended",
        ),
        (
            "revokeSMTPCredential",
            post.clone(),
            "/smtp-credentials/{}/revoke",
            nothing(),
            "credential.revoked",
        ),
        (
            "enableSMTPCredential",
            post.clone(),
            "/smtp-credentials/{}/enable",
            nothing(),
            "credential.enabled",
        ),
        ("deleteSMTPCredential", delete.clone(), "/smtp-credentials/{}", nothing(), "credential.deleted"),
        ("createAPIKey", post.clone(), "/api-keys", key, "api_key.created"),
        ("updateAPIKey", put.clone(), "/api-keys/{}", json!({"label": "Other"}), "api_key.updated"),
        ("deleteAPIKey", delete.clone(), "/api-keys/{}", nothing(), "api_key.deleted"),
        ("createWebhook", post.clone(), "/webhooks", webhook, "webhook.created"),
        ("updateWebhook", put.clone(), "/webhooks/{}", json!({"on_failed": true}), "webhook.updated"),
        ("updateWebhook", put.clone(), "/webhooks/{}", json!({"enabled": false}), "webhook.disabled"),
        ("updateWebhook", put, "/webhooks/{}", json!({"enabled": true}), "webhook.enabled"),
        ("deleteWebhook", delete.clone(), "/webhooks/{}", nothing(), "webhook.deleted"),
        ("createDomain", post.clone(), "/domains", json!({"domain": "shop.example"}), "domain.added"),
        ("checkDomainDNS", post, "/domains/shop.example/check-dns", nothing(), "domain.verified"),
        ("deleteDomain", delete, "/domains/shop.example", nothing(), "domain.removed"),
    ]
}

/// The operations that are not there to read.
fn mutating() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for item in document().paths.paths.values() {
        for operation in [&item.post, &item.put, &item.patch, &item.delete].into_iter().flatten() {
            found.insert(operation.operation_id.clone().expect("an id"));
        }
    }
    found
}

#[tokio::test]
async fn every_change_that_a_program_makes_stands_in_the_audit_log_under_its_label() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    let program = Program::with(&app, &["*"]).await;
    let newest = async || program.get("/events?limit=1").await.body["data"][0].clone();
    let own = newest().await["subject_id"].clone();
    let (mut id, mut done) = (String::new(), BTreeSet::new());
    for (operation, method, path, body, action) in steps() {
        let before = newest().await;
        let told = program.send(method, &path.replace("{}", &id), &body).await;
        assert!(matches!(told.status, 200 | 201), "{operation}: {told:?}");
        if operation.starts_with("create") {
            id = told.body["id"].as_str().expect("an id").to_owned();
        }
        if operation == "createDomain" {
            let record = &told.body["dns_records"][0];
            dns.add(record["host"].as_str().unwrap(), &[record["content"].as_str().unwrap()]);
        }
        let event = newest().await;
        assert_ne!(event["id"], before["id"], "{operation} left nothing");
        let said = ["action", "subject_id", "actor_type", "actor_name", "actor_id", "address"];
        let expected = [
            json!(action),
            json!(id),
            json!("api_key"),
            json!("API key Deployment"),
            own.clone(),
            json!("127.0.0.1"),
        ];
        assert_eq!(said.map(|field| event[field].clone()), expected, "{operation}: {event}");
        done.insert(operation.to_owned());
    }
    let quiet = CHANGE_NOTHING.map(str::to_owned);
    assert_eq!(done.union(&BTreeSet::from(quiet)).cloned().collect::<BTreeSet<_>>(), mutating());
}

#[tokio::test]
async fn what_changes_nothing_leaves_nothing_in_the_audit_log() {
    let app = TestApp::start().await;
    app.verified("shop.example").await;
    let program = Program::with(&app, &["*"]).await;
    let shop = app.issue("Shop").await;
    let count = async || program.get("/events").await.body["data"].as_array().map(Vec::len);
    let before = count().await;
    let one = format!("/smtp-credentials/{}", shop.id);
    let pair = json!({"username": shop.username, "password": shop.password});
    for (method, path, body) in [
        (Method::PUT, "/domains/shop.example".to_owned(), json!({})),
        (Method::POST, "/smtp-credentials/verify".to_owned(), pair),
        (Method::POST, format!("{one}/enable"), json!({})),
        (Method::POST, format!("{one}/end-grace"), json!({})),
        (Method::PATCH, one.clone(), json!({"name": "Shop"})),
    ] {
        let told: Told = program.send(method, &path, &body).await;
        assert_eq!(told.status, 200, "{path}: {told:?}");
    }
    let refused = program.post("/smtp-credentials", &json!({"name": "Shop", "scope": "global"})).await;
    assert_eq!(refused.status, 409);
    assert_eq!(count().await, before);
}
