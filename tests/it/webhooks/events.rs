//! Which events there are, and what they say.

use std::collections::HashMap;

use gatepost::model::Credential;
use gatepost::model::credential::{Draft as CredentialDraft, Grace, Mode, Scope};
use gatepost::model::message::Outcome;
use gatepost::model::webhook::EventType;
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_message_is_told_with_its_reception_and_its_outcome_for_each_recipient() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let shop = app.issue("Shop").await;
    let recipients = [
        ("a@b.example", Outcome::Delivered),
        ("b@b.example", Outcome::Deferred),
        ("c@b.example", Outcome::Bounced),
        ("d@b.example", Outcome::Failed),
        ("e@b.example", Outcome::Suppressed),
        ("f@b.example", Outcome::Unknown),
    ];
    take_message(&app, &shop, &recipients).await;
    let heard = receiver.hears(1 + 6 + 5).await;
    assert_eq!(heard[0].kind(), "credential.created");
    let told: Vec<(String, String)> = heard[1..]
        .iter()
        .map(|heard| (heard.kind(), heard.json()["data"]["recipient"].as_str().unwrap().to_owned()))
        .collect();
    let mut expected = Vec::new();
    for (address, outcome) in [
        ("a@b.example", Some("delivered")),
        ("b@b.example", Some("transient_error")),
        ("c@b.example", Some("bounced")),
        ("d@b.example", Some("failed")),
        ("e@b.example", Some("suppressed")),
        ("f@b.example", None),
    ] {
        expected.push(("message.reception".to_owned(), address.to_owned()));
        expected.extend(outcome.map(|outcome| (format!("message.{outcome}"), address.to_owned())));
    }
    assert_eq!(told, expected, "in the order in which it happened");

    let first = heard[2].json();
    assert_eq!(first["webhook_id"], issued.webhook.id.to_string());
    let timestamp = first["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z') && timestamp.len() == 20, "{timestamp}");
    let mut data = first["data"].clone();
    let id = data.as_object_mut().unwrap().remove("id").unwrap();
    assert!(id.as_str().unwrap().parse::<gatepost::id::MessageId>().is_ok());
    let expected = json!({
        "account_id": app.operator().await.organization.to_string(),
        "event": "on_delivered",
        "from": "hello@shop.example",
        "recipient": "a@b.example",
        "subject": "Größe",
        "message_id_header": "<1@shop.example>",
        "sandbox": true,
        "credential_id": shop.id,
        "credential_name": "Shop",
    });
    assert_eq!(data, expected);
}
