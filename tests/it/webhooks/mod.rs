//! Webhooks: what is told, to whom, how often, and what is not asked of anybody.

mod delivery;
mod events;
mod https;
mod pages;
pub mod receiver;
mod receivers;
mod sharing;

use std::time::Duration;

use gatepost::config::Config;
use gatepost::id::{MessageId, WebhookId};
use gatepost::model::Turn;
use gatepost::model::Webhook;
use gatepost::model::credential::{Mode, Scope};
use gatepost::model::message::{Outcome, Recipient, Settlement, TakenMessage};
use gatepost::model::webhook::delivery::Attempt;
use gatepost::model::webhook::{AllowedNetworks, Delivery, Draft, EventType, IssuedWebhook};

use crate::support::{Issued, TestApp, eventually};
use receiver::Receiver;

/// Gatepost that may tell endpoints on this machine.
async fn start() -> TestApp {
    TestApp::with_config(allow_loopback).await
}

pub fn allow_loopback(config: &mut Config) {
    config.set("webhook_allowed_networks", "127.0.0.0/8").unwrap();
}

/// A webhook for everything.
pub fn everything(url: &str) -> Draft {
    Draft {
        name: "Shop system".to_owned(),
        url: url.to_owned(),
        events: EventType::ALL.to_vec(),
        scope: Scope::Global,
        domains: Vec::new(),
    }
}

pub async fn create(app: &TestApp, draft: Draft) -> IssuedWebhook {
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    let reach = AllowedNetworks::new(&app.app.config.webhook_allowed_networks);
    let issued = Webhook::create(&mut tx, &actor, draft, &reach).await.unwrap();
    tx.commit().await.unwrap();
    issued
}

async fn webhook(app: &TestApp, id: WebhookId) -> Webhook {
    let organization = app.operator().await.organization;
    Webhook::find(&mut app.app.db.read().await.unwrap(), organization, id).await.unwrap()
}

/// Its deliveries, the first one first.
async fn deliveries(app: &TestApp, id: WebhookId) -> Vec<Delivery> {
    let whose = (app.operator().await.organization, id);
    let mut connection = app.app.db.read().await.unwrap();
    let mut rows = Delivery::page(&mut connection, whose, None, &Turn::first(1_000)).await.unwrap().rows;
    rows.reverse();
    rows
}

async fn attempts(app: &TestApp, delivery: &Delivery) -> Vec<Attempt> {
    let organization = app.operator().await.organization;
    Delivery::attempts(&mut app.app.db.read().await.unwrap(), organization, delivery.id).await.unwrap()
}

/// Sends a test event.
async fn send_test(app: &TestApp, id: WebhookId, event: EventType) {
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Webhook::send_test(&mut tx, &actor, id, event).await.unwrap();
    tx.commit().await.unwrap();
}

/// What the SMTP door writes when it has taken a message for these recipients.
async fn take_message(app: &TestApp, issued: &Issued, recipients: &[(&str, Outcome)]) -> MessageId {
    take_message_from(app, issued, &["hello@shop.example"], recipients).await
}

/// The same from these addresses of its From header.
async fn take_message_from(
    app: &TestApp,
    issued: &Issued,
    senders: &[&str],
    recipients: &[(&str, Outcome)],
) -> MessageId {
    let organization = app.operator().await.organization;
    let recipients: Vec<Recipient> = recipients
        .iter()
        .map(|(address, outcome)| Recipient {
            address: (*address).to_owned(),
            outcome: *outcome,
            answer: String::new(),
        })
        .collect();
    let message = TakenMessage {
        id: MessageId::new(),
        organization,
        credential: issued.id.parse().unwrap(),
        at: app.clock.now(),
        mode: Mode::Sandbox,
        outcome: recipients[0].outcome,
        sender: "",
        senders: senders.iter().map(|sender| (*sender).to_owned()).collect(),
        authors: senders.iter().map(|sender| (*sender).to_owned()).collect(),
        recipients,
        header_from: senders.join(", ").chars().take(500).collect(),
        subject: "Größe".to_owned(),
        message_id_header: "<1@shop.example>".to_owned(),
        size: 100,
        client: [127, 0, 0, 1].into(),
        hello: "client.example",
    };
    let mut tx = app.app.db.begin().await.unwrap();
    message.record(&mut tx, None).await.unwrap();
    tx.commit().await.unwrap();
    message.id
}
