//! Editing changes what is given, and nothing else.

use serde_json::{Value, json};

use super::acme::Acme;
use crate::support::Finished;

fn read(done: Finished) -> Value {
    done.stdout().trim().parse().expect("one JSON object")
}

#[tokio::test]
async fn an_edited_webhook_keeps_what_was_not_given() {
    let acme = Acme::new().await;
    let create = ["webhook", "create", "https://hooks.example/", "--name", "All", "--json"];
    let id = read(acme.ask_afar(&create).await)["id"].as_str().unwrap().to_owned();
    let chosen = ["--event", "message.bounced", "--event", "credential.rotated", "--json"];
    let edited = read(acme.ask_afar(&[&["webhook", "edit", &id], &chosen[..]].concat()).await);
    assert_eq!((&edited["on_bounced"], &edited["on_failed"]), (&json!(true), &json!(false)));
    assert_eq!((&edited["events"], &edited["name"]), (&json!(["credential.rotated"]), &json!("All")));
    let renamed = read(acme.here.run(&["webhook", "edit", &id, "--name", "Some", "--json"]).await);
    assert_eq!((&renamed["name"], &renamed["on_bounced"]), (&json!("Some"), &json!(true)));
    let off = read(acme.ask_afar(&["webhook", "disable", &id, "--json"]).await);
    assert_eq!((&off["enabled"], &off["name"]), (&json!(false), &json!("Some")));
    let said = acme.here.run(&["webhook", "enable", &id]).await.stdout();
    assert_eq!(said, "https://hooks.example/ enabled.\n");
    let refused = acme.ask(&["webhook", "edit", &id, "--url", "ftp://hooks.example/"]).await.complaint();
    assert!(refused.starts_with("gatepost: --url: "), "{refused}");
    assert!(acme.server.stop().await.success());
}

#[tokio::test]
async fn an_edited_key_keeps_what_was_not_given_and_is_found_by_both_its_names() {
    let acme = Acme::new().await;
    let create = ["api-key", "create", "--label", "Shop", "--scope", "domains:read", "--json"];
    let key = read(acme.here.run(&create).await);
    let [id, public] = ["id", "public_key"].map(|name| key[name].as_str().unwrap());
    let edited = read(acme.ask_afar(&["api-key", "edit", public, "--allow", "192.0.2.0/24", "--json"]).await);
    assert_eq!((&edited["ip_allow_list"], &edited["label"]), (&json!(["192.0.2.0/24"]), &json!("Shop")));
    let said = acme.here.run(&["api-key", "edit", id, "--label", "Store", "--anywhere"]).await.stdout();
    assert_eq!(said, format!("Store ({public}) changed.\n"));
    let scopes = ["api-key", "edit", id, "--scope", "events:read", "--scope", "webhooks:read:all", "--json"];
    let edited = read(acme.ask_afar(&scopes).await);
    assert_eq!((&edited["ip_allow_list"], &edited["label"]), (&json!([]), &json!("Store")));
    assert_eq!(edited["scopes"].as_array().unwrap().len(), 2);
    let nothing = acme.here.run(&["api-key", "edit", id]).await;
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    let wrong = acme.ask(&["api-key", "edit", id, "--scope", "everything"]).await.complaint();
    assert!(wrong.starts_with("gatepost: --scope: "), "{wrong}");
    assert!(acme.server.stop().await.success());
}
