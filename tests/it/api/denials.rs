//! Denied log-ins through the API.

use serde_json::json;

use super::{Program, both_ways};
use crate::support::{TestApp, eventually};

const PATH: &str = "/denials";

#[tokio::test]
async fn a_program_finds_a_denial_by_its_reference_and_those_of_a_credential() {
    let app = TestApp::start().await;
    let (shop, reader) = (app.issue("Shop").await, Program::with(&app, &["events:read"]).await);
    let wrong = app.log_in(&shop.username, "sk_00000000000000000000000000000000").await.reference();
    let unknown = app.log_in("smtp_nobody", "sk_00000000000000000000000000000000").await.reference();
    let found = eventually("both are written down", async || {
        let told = reader.get(PATH).await;
        (told.body["data"].as_array()?.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(found.body["data"][0]["reference"], json!(unknown), "newest first");
    let one = reader.get(&format!("{PATH}?reference={}", wrong.to_lowercase())).await.body;
    let denial = &one["data"][0];
    for (field, value) in [
        ("object", json!("denial")),
        ("account_id", json!(reader.account)),
        ("reference", json!(wrong)),
        ("reason", json!("wrong_password")),
        ("username", json!(shop.username)),
        ("credential_id", json!(shop.id)),
        ("door", json!("smtp")),
        ("address", json!("127.0.0.1")),
        ("hello", json!("client.example")),
    ] {
        assert_eq!(denial[field], value, "{field}");
    }
    let of_shop = reader.get(&format!("{PATH}?credential_id={}", shop.id)).await.body;
    assert_eq!(of_shop["data"], one["data"]);
    assert_eq!(both_ways(&reader, &format!("{PATH}?limit=1")).await.len(), 2);
}

#[tokio::test]
async fn denials_are_for_keys_that_may_read_the_audit_log_and_refuse_what_is_no_reference() {
    let app = TestApp::start().await;
    let stranger = Program::with(&app, &["smtp-credentials:read:all"]).await;
    let told = stranger.get(PATH).await;
    assert_eq!(
        (told.status, told.message()),
        (403, "Insufficient permissions for the required scope: events:read")
    );
    let reader = Program::with(&app, &["events:read"]).await;
    for (query, said) in [("reference=a%20b", "reference"), ("credential_id=1", "credential_id")] {
        let told = reader.get(&format!("{PATH}?{query}")).await;
        assert!(told.status == 400 && told.message().contains(said), "{told:?}");
    }
}
