//! The audit log through the API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, Told, both_ways};
use crate::support::TestApp;

const PATH: &str = "/events";

fn actions(told: &Told) -> Vec<&str> {
    let rows = told.body["data"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    rows.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_program_reads_who_did_what() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let created = program.post("/smtp-credentials", &json!({"name": "shop", "scope": "global"})).await;
    let id = created.body["id"].as_str().unwrap();
    program.post(&format!("/smtp-credentials/{id}/revoke"), &json!({})).await;
    let told = program.get(&format!("{PATH}?subject_id={id}")).await;
    assert_eq!(actions(&told), ["credential.revoked", "credential.created"]);
    let event = &told.body["data"][0];
    for (field, value) in [
        ("object", json!("event")),
        ("account_id", json!(program.account)),
        ("actor_type", json!("api_key")),
        ("actor_name", json!("API key Deployment")),
        ("address", json!("127.0.0.1")),
        ("subject_id", json!(id)),
        ("subject_name", json!("shop")),
    ] {
        assert_eq!(event[field], value, "{field}");
    }
    let keys = program.get("/events?action=api_key.created").await;
    assert_eq!(actions(&keys), ["api_key.created"]);
    let made = &keys.body["data"][0];
    assert_eq!(made["subject_id"], event["actor_id"], "the key that acts is the one that was made");
    assert_eq!((&made["actor_type"], &made["actor_id"]), (&json!("operator"), &Value::Null));
    assert_eq!(made["address"], Value::Null, "the command line comes from no network");
    let one = program.get(&format!("{PATH}?action=credential.created&subject_id={id}")).await;
    assert_eq!(actions(&one), ["credential.created"]);
    let none = program.get(&format!("{PATH}?action=credential.deleted&subject_id={id}")).await;
    assert_eq!(none.body["data"], json!([]));
}

#[tokio::test]
async fn the_audit_log_is_for_keys_that_may_read_it_and_refuses_what_it_does_not_know() {
    let app = TestApp::start().await;
    let reader = Program::with(&app, &["events:read"]).await;
    assert_eq!(reader.get(PATH).await.status, 200);
    for (query, said) in [
        ("action=credential.vanished", "action"),
        ("subject_id=1", "subject_id"),
        ("limit=101", "limit"),
        ("before=x", "before"),
    ] {
        let told = reader.get(&format!("{PATH}?{query}")).await;
        assert_eq!(told.status, 400, "{query}: {told:?}");
        assert!(told.message().contains(said), "{query}: {told:?}");
    }
    let stranger = Program::with(&app, &["messages:read:all", "domains:read"]).await;
    let refused = stranger.get(PATH).await;
    assert_eq!(
        (refused.status, refused.message()),
        (403, "Insufficient permissions for the required scope: events:read")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_at_once_stand_in_the_order_in_which_they_were_made() {
    let app = TestApp::start().await;
    let shop = app.issue("0").await;
    let program = Program::with(&app, &["*"]).await;
    let path = format!("/smtp-credentials/{}", shop.id);
    let renamers = (0..4).map(|renamer| {
        let (program, path) = (&program, &path);
        async move {
            for number in 0..10 {
                let name = json!({"name": format!("{renamer}-{number}")});
                assert_eq!(program.send(Method::PATCH, path, &name).await.status, 200);
            }
        }
    });
    futures_util::future::join_all(renamers).await;
    let told = program.get(&format!("{PATH}?subject_id={}&action=credential.updated", shop.id)).await;
    let mut name = "0".to_owned();
    for event in told.body["data"].as_array().unwrap().iter().rev() {
        let detail = event["detail"].as_str().unwrap();
        let (before, after) = detail.split_once(" → ").unwrap_or_else(|| panic!("{detail}"));
        assert!(before.ends_with(&format!("“{name}”")), "{name} was the name before {detail}");
        name = after.trim_matches(['“', '”']).to_owned();
    }
    assert_eq!(app.credential(&shop).await.name, name);
}

#[tokio::test]
async fn the_audit_log_is_turned_over_in_both_directions() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.add_domain(&format!("d{number}.example")).await;
        app.issue(&format!("c{number}")).await;
    }
    let program = Program::with(&app, &["events:read"]).await;
    let rows = both_ways(&program, "/events?limit=2&action=domain.added").await;
    let shown: Vec<&str> = rows.iter().map(|one| one["subject_name"].as_str().unwrap()).collect();
    assert_eq!(shown, ["d4.example", "d3.example", "d2.example", "d1.example", "d0.example"]);
    assert_eq!(both_ways(&program, "/events?limit=3").await.len(), 11, "with the key itself");
}
