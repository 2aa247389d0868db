//! Requests with an `Idempotency-Key`: done once, and answered alike however often they come.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gatepost::model::ApiKey;
use gatepost::model::api_key::Draft;
use gatepost::model::idempotency::{Known, Request};
use gatepost::secret::Password;
use reqwest::Method;
use serde_json::json;

use super::{Program, Told};
use crate::support::{TestApp, eventually, on_postgres};

const CREDENTIALS: &str = "/smtp-credentials";
const SHOP: &str = r#"{"name": "shop", "scope": "global"}"#;

/// A POST with this key.
async fn once(program: &Program, key: &str, path: &str, body: &str) -> Told {
    let request = program.request(Method::POST, path).header("content-type", "application/json");
    Told::of(request.header("idempotency-key", key).body(body.to_owned())).await
}

/// Twenty at once with one key; on a busy machine somebody may be told that the first is still at it, and to come back.
async fn twenty_at_once(program: &Arc<Program>, path: &str, body: &'static str) -> Vec<Told> {
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (program, path) = (program.clone(), path.to_owned());
        requests.spawn(async move {
            loop {
                let told = once(&program, "deploy-1", &path, body).await;
                if !(matches!(told.status, 409 | 503) && told.headers.contains_key("retry-after")) {
                    return told;
                }
            }
        });
    }
    requests.join_all().await
}

fn is_replayed(told: &Told) -> bool {
    told.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

/// The key that the program has.
async fn key_of(app: &TestApp, program: &Program) -> ApiKey {
    let secret = Password::new(program.key().to_owned());
    ApiKey::by_secret(&mut app.app.db.read().await.unwrap(), &secret).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_creation_is_told_again_when_its_expiry_has_come() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let soon = app.clock.now().plus(Duration::from_secs(3)).rfc3339();
    let body = json!({"name": "short", "scope": "global", "expires_at": soon}).to_string();
    let first = once(&program, "e1", CREDENTIALS, &body).await;
    assert_eq!(first.status, 201, "{first:?}");
    app.clock.advance(Duration::from_secs(10));
    let again = once(&program, "e1", CREDENTIALS, &body).await;
    assert_eq!((again.status, &again.body, is_replayed(&again)), (201, &first.body, true));
}

#[tokio::test]
async fn a_refusal_is_told_again_and_keeps_the_key_from_other_requests() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let rotate = format!("{CREDENTIALS}/{}/rotate", app.issue("Shop").await.id);
    let nobody = format!("{CREDENTIALS}/01930000-0000-7000-8000-000000000000/rotate");
    let webhook =
        r#"{"name": "x", "url": "https://hooks.acme.example/", "scope": "global", "on_failed": true}"#;
    let opened =
        r#"{"name": "x", "url": "https://hooks.acme.example/", "scope": "global", "on_opened": true}"#;
    let nowhere = r#"{"name": "x", "url": "nowhere", "scope": "global", "on_failed": true}"#;
    let expired = r#"{"name": "v", "scope": "global", "expires_at": "2020-01-01T00:00:00Z"}"#;
    let key = r#"{"label": "x", "scopes": ["domains:read"]}"#;
    for (number, (path, refused, status, other)) in [
        (CREDENTIALS, r#"{"name": "v", "scope": "scoped"}"#, 400, SHOP),
        (CREDENTIALS, r#"{"name": "v", "scope": "scoped", "domains": ["not a domain"]}"#, 400, SHOP),
        (CREDENTIALS, expired, 400, SHOP),
        (CREDENTIALS, r#"{"name": "Shop", "scope": "global"}"#, 409, SHOP),
        ("/api-keys", r#"{"label": "x", "scopes": []}"#, 400, key),
        ("/domains", r#"{"domain": "shop"}"#, 400, r#"{"domain": "shop.example"}"#),
        (
            "/domains",
            r#"{"domain": "shop.example", "dkim_selector": "s1"}"#,
            400,
            r#"{"domain": "shop.example"}"#,
        ),
        ("/webhooks", opened, 400, webhook),
        ("/webhooks", nowhere, 400, webhook),
        (&rotate, r#"{"grace_seconds": 604801}"#, 400, "{}"),
        (&nobody, "{}", 404, r#"{"grace_seconds": 60}"#),
        (&format!("{CREDENTIALS}/1/rotate"), "{}", 400, r#"{"grace_seconds": 60}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("refused-{number}");
        let first = once(&program, &key, path, refused).await;
        assert_eq!((first.status, is_replayed(&first)), (status, false), "{refused}: {first:?}");
        let again = once(&program, &key, path, refused).await;
        assert_eq!((again.status, is_replayed(&again)), (status, true), "{refused}: {again:?}");
        assert_eq!(again.body, first.body);
        let mismatch = once(&program, &key, path, other).await;
        assert_eq!(mismatch.status, 422, "{other}: {mismatch:?}");
    }
}

#[tokio::test]
async fn a_request_that_can_not_be_read_leaves_its_key_free() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    for (number, unreadable) in
        ["{", "[]", r#"{"scope": "global"}"#, r#"{"name": 1, "scope": "global"}"#].into_iter().enumerate()
    {
        let key = format!("unread-{number}");
        let refused = once(&program, &key, CREDENTIALS, unreadable).await;
        assert_eq!((refused.status, is_replayed(&refused)), (400, false), "{unreadable}: {refused:?}");
        let name = json!({"name": key, "scope": "global"}).to_string();
        assert_eq!(once(&program, &key, CREDENTIALS, &name).await.status, 201, "{unreadable}");
    }
}

#[tokio::test]
async fn what_a_key_may_not_do_yet_is_done_with_the_same_idempotency_key_once_it_may() {
    let app = TestApp::start().await;
    app.verified("a.example").await;
    let program = Program::with(&app, &["smtp-credentials:write:{a.example}"]).await;
    let refused = once(&program, "early", CREDENTIALS, SHOP).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let actor = app.operator().await;
    let scopes = vec!["smtp-credentials:write:all".to_owned()];
    let draft = Draft { label: "Deployment".to_owned(), scopes, networks: Vec::new() };
    let (mut tx, id) = (app.app.db.begin().await.unwrap(), key_of(&app, &program).await.id);
    ApiKey::update(&mut tx, &actor, id, &draft).await.unwrap();
    tx.commit().await.unwrap();
    let created = once(&program, "early", CREDENTIALS, SHOP).await;
    assert_eq!((created.status, is_replayed(&created)), (201, false), "{created:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_repeats_a_request_that_is_still_at_work_is_told_to_come_back() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    // Its key's first use is written down.
    assert_eq!(program.get("/v2/ping").await.status, 200);
    let (key, path) =
        (key_of(&app, &program).await, format!("/v2/accounts/{}{CREDENTIALS}", program.account));
    let what = ("POST", path.as_str(), SHOP.as_bytes());
    let request = Request::new((key.organization, key.id), "deploy-1", what);
    let mut at_work = app.app.db.begin().await.unwrap();
    let known = request.begin(&mut at_work, &app.app.sealing, app.clock.now()).await.unwrap();
    assert!(matches!(known, Known::Fresh), "{known:?}");

    let told = once(&program, "deploy-1", CREDENTIALS, SHOP).await;
    // SQLite has one writer at a time: there even another request would have to wait.
    let expected = match on_postgres() {
        true => (409, "A request with this idempotency key is already in progress"),
        false => (503, "temporarily unavailable, try again in a moment"),
    };
    assert_eq!((told.status, told.message()), expected);
    assert_eq!(told.headers["retry-after"], "1");
    drop(at_work);
    let done = eventually("the other one is over", async || {
        Some(once(&program, "deploy-1", CREDENTIALS, SHOP).await).filter(|told| told.status != expected.0)
    })
    .await;
    assert_eq!((done.status, is_replayed(&done)), (201, false), "it was undone: {done:?}");
}

#[tokio::test]
async fn no_answer_that_holds_a_secret_is_kept_in_clear() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let rotate = format!("{CREDENTIALS}/{}/rotate", app.issue("Old").await.id);
    let webhook =
        r#"{"name": "x", "url": "https://hooks.acme.example/", "scope": "global", "on_failed": true}"#;
    for (path, body, field) in [
        (CREDENTIALS, SHOP, "password"),
        (&rotate, r#"{"grace_seconds": 60}"#, "password"),
        ("/webhooks", webhook, "secret"),
        ("/api-keys", r#"{"label": "x", "scopes": ["domains:read"]}"#, "secret_key"),
    ] {
        let told = once(&program, path, path, body).await;
        assert_eq!(told.status, 201, "{path}: {told:?}");
        let again = once(&program, path, path, body).await;
        assert_eq!((&again.body, is_replayed(&again)), (&told.body, true), "{path}");
        let secret = told.body[field].as_str().unwrap_or_else(|| panic!("{told:?}"));
        let sql = "SELECT body, sealed FROM idempotent_answers";
        let mut connection = app.app.db.read().await.unwrap();
        let kept: Vec<(String, i16)> = sqlx::query_as(sql).fetch_all(&mut *connection).await.unwrap();
        assert!(!kept.is_empty(), "{path}");
        for (body, sealed) in kept {
            assert!(sealed == 1 && !body.is_empty(), "{path}: {body}");
            assert!(!body.contains(secret) && !body.contains(field), "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn a_rotation_is_made_once_for_each_idempotency_key() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let (shop, other) = (app.issue("Shop").await, app.issue("Other").await);
    let rotate = format!("{CREDENTIALS}/{}/rotate", shop.id);
    let first = once(&program, "one", &rotate, r#"{"grace_seconds": 0}"#).await;
    assert_eq!((first.status, is_replayed(&first)), (201, false), "{first:?}");
    let again = once(&program, "one", &rotate, r#"{"grace_seconds": 0}"#).await;
    assert_eq!((again.status, &again.body, is_replayed(&again)), (201, &first.body, true));
    let password = first.body["password"].as_str().unwrap();
    assert_eq!(app.log_in(&shop.username, password).await.code, 235, "it is the newest");
    for (path, body) in [
        (rotate.clone(), r#"{"grace_seconds": 60}"#),
        (rotate.clone(), "{}"),
        (format!("{CREDENTIALS}/{}/rotate", other.id), r#"{"grace_seconds": 0}"#),
        (CREDENTIALS.to_owned(), SHOP),
    ] {
        let told = once(&program, "one", &path, body).await;
        assert_eq!((told.status, told.message().contains("different request")), (422, true), "{told:?}");
    }
    assert_eq!(app.log_in(&other.username, &other.password).await.code, 235);
    app.clock.advance(Duration::from_secs(301));
    let later = once(&program, "one", &rotate, r#"{"grace_seconds": 0}"#).await;
    assert_ne!(later.body["password"], first.body["password"], "the answer was forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_with_one_idempotency_key_create_one_credential() {
    let app = TestApp::start().await;
    let program = Arc::new(Program::with(&app, &["*"]).await);
    // Its key's first use is written down.
    assert_eq!(program.get("/v2/ping").await.status, 200);
    let told = twenty_at_once(&program, CREDENTIALS, SHOP).await;
    let passwords: HashSet<_> = told.iter().map(|told| told.body["password"].to_string()).collect();
    assert!(told.iter().all(|told| told.status == 201) && passwords.len() == 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| is_replayed(told)).count(), 19);
    assert_eq!(program.get(CREDENTIALS).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rotations_with_one_idempotency_key_are_one() {
    let app = TestApp::start().await;
    let program = Arc::new(Program::with(&app, &["*"]).await);
    assert_eq!(program.get("/v2/ping").await.status, 200);
    let shop = app.issue("Shop").await;
    let told =
        twenty_at_once(&program, &format!("{CREDENTIALS}/{}/rotate", shop.id), r#"{"grace_seconds": 60}"#)
            .await;
    let passwords: HashSet<_> = told.iter().map(|told| told.body["password"].to_string()).collect();
    assert!(told.iter().all(|told| told.status == 201) && passwords.len() == 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| is_replayed(told)).count(), 19);
    let events = program.get(&format!("/events?subject_id={}&action=credential.rotated", shop.id)).await.body;
    assert_eq!(events["data"].as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(app.log_in(&shop.username, told[0].body["password"].as_str().unwrap()).await.code, 235);
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235, "in its grace");
}
