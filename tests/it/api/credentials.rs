//! Credentials through the API: a program can do everything that a person can.

use reqwest::Method;
use serde_json::json;

use super::Program;
use crate::support::TestApp;

const PATH: &str = "/smtp-credentials";

#[tokio::test]
async fn whoever_may_not_rotate_a_credential_makes_nobody_hash_a_password() {
    let app = TestApp::start().await;
    app.verified("a.example").await;
    let shop = app.issue("Shop").await;
    let program = Program::with(&app, &["smtp-credentials:write:{a.example}"]).await;
    // Whoever hashes beside this one fails.
    let broken = format!("UPDATE credentials SET password_hash = 'broken' WHERE id = '{}'", shop.id);
    app.installation.database().execute(&broken).await;
    let rotate = format!("{PATH}/{}/rotate", shop.id);
    let told = program.post(&rotate, &json!({"grace_seconds": 60})).await;
    assert_eq!(told.status, 403, "{told:?}");
    let star = Program::with(&app, &["*"]).await;
    assert_eq!(star.post(&rotate, &json!({"grace_seconds": 60})).await.status, 500, "it is broken");
}

#[tokio::test]
async fn a_program_takes_a_credential_through_its_life() {
    let app = TestApp::start().await;
    let program = Program::with(
        &app,
        &["smtp-credentials:read:all", "smtp-credentials:write:all", "smtp-credentials:delete:all"],
    )
    .await;
    assert_eq!(program.get("/v2/ping").await.message(), "pong");
    let created = program.post(PATH, &json!({"name": "shop", "scope": "global"})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let (username, password) =
        (created.body["username"].as_str().unwrap(), created.body["password"].as_str().unwrap());
    assert_eq!(app.log_in(username, password).await.code, 235);
    let one = format!("{PATH}/{}", created.body["id"].as_str().unwrap());
    let found = program.get(&one).await;
    assert_eq!((found.status, found.body["object"].as_str()), (200, Some("credential_smtp")), "{found:?}");
    assert!(found.body.get("password").is_none(), "it is shown once");
    assert_eq!(program.get(PATH).await.body["data"][0], found.body);

    let changed = program.send(Method::PATCH, &one, &json!({"name": "store", "sandbox": true})).await;
    assert_eq!((changed.status, &changed.body["mode"]), (200, &json!("sandbox")), "{changed:?}");
    let rotated = program.post(&format!("{one}/rotate"), &json!({"grace_seconds": 3600})).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let fresh = rotated.body["password"].as_str().unwrap();
    assert_eq!(app.log_in(username, password).await.code, 235, "in its grace");
    assert_eq!(app.log_in(username, fresh).await.code, 235);
    assert_eq!(program.post(&format!("{one}/end-grace"), &json!({})).await.status, 200);
    assert_eq!(app.log_in(username, password).await.code, 535);
    assert_eq!(program.post(&format!("{one}/revoke"), &json!({})).await.body["status"], "revoked");
    assert_eq!(app.log_in(username, fresh).await.code, 535);
    assert_eq!(program.post(&format!("{one}/enable"), &json!({})).await.body["status"], "active");
    assert_eq!(app.log_in(username, fresh).await.code, 235);
    assert_eq!(program.delete(&one).await.status, 200);
    assert_eq!(program.get(&one).await.status, 404);
    assert_eq!(app.log_in(username, fresh).await.code, 535);
}
