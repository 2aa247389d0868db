//! Which events there are, what they say, and who hears them.

use gatepost::jobs;
use gatepost::model::credential::{Draft as CredentialDraft, Grace};
use gatepost::model::{Credential, Domain};
use serde_json::{Value, json};

use super::receiver::Heard;
use super::*;

fn kinds(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(Heard::kind).collect()
}

fn draft(name: &str, domains: &[&str]) -> CredentialDraft {
    CredentialDraft {
        name: name.to_owned(),
        mode: Mode::Sandbox,
        scope: if domains.is_empty() { Scope::Global } else { Scope::Scoped },
        domains: domains.iter().map(|name| (*name).to_owned()).collect(),
        expires_at: None,
    }
}

async fn add_domain(app: &TestApp, name: &str) {
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Domain::add(&mut tx, &actor, name).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_message_is_told_with_its_reception_and_its_outcome_for_each_recipient() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let shop = app.issue("Shop").await;
    let issued = create(&app, everything(&receiver.url())).await;
    let outcomes = [
        ("a@b.example", Outcome::Delivered, Some("message.delivered")),
        ("b@b.example", Outcome::Deferred, Some("message.transient_error")),
        ("c@b.example", Outcome::Bounced, Some("message.bounced")),
        ("d@b.example", Outcome::Failed, Some("message.failed")),
        ("e@b.example", Outcome::Suppressed, Some("message.suppressed")),
        ("f@b.example", Outcome::Unknown, None),
    ];
    take_message(&app, &shop, &outcomes.map(|(address, outcome, _)| (address, outcome))).await;
    let heard = receiver.hears(6 + 5).await;
    let told: Vec<(String, Value)> =
        heard.iter().map(|heard| (heard.kind(), heard.json()["data"]["recipient"].clone())).collect();
    let expected: Vec<(String, Value)> = outcomes
        .iter()
        .flat_map(|(address, _, outcome)| {
            let both = std::iter::once("message.reception").chain(*outcome);
            both.map(move |event| (event.to_owned(), json!(address)))
        })
        .collect();
    assert_eq!(told, expected, "in the order in which it happened");

    let first = heard[1].json();
    assert_eq!(first["webhook_id"], issued.webhook.id.to_string());
    let timestamp = first["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z') && timestamp.len() == 20, "{timestamp}");
    let mut data = first["data"].clone();
    let id = data.as_object_mut().unwrap().remove("id").unwrap();
    assert!(id.as_str().unwrap().parse::<MessageId>().is_ok());
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
    let whose = (app.operator().await.organization, id.as_str().unwrap().parse().unwrap());
    let mut connection = app.app.db.read().await.unwrap();
    let caused = Delivery::of_message(&mut connection, whose.0, whose.1).await.unwrap();
    assert_eq!(caused.len(), 11, "the message knows what it caused");
}

#[tokio::test]
async fn what_became_of_a_message_that_was_handed_on_is_told_once_it_is_known() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let shop = app.issue("Shop").await;
    create(&app, everything(&receiver.url())).await;
    let recipients = [("a@b.example", Outcome::Unknown), ("b@b.example", Outcome::Bounced)];
    let id = take_message(&app, &shop, &recipients).await;
    receiver.hears(3).await;
    let settlement = Settlement {
        id,
        senders: vec!["hello@shop.example".to_owned()],
        authors: vec!["hello@shop.example".to_owned()],
        organization: app.operator().await.organization,
        at: app.clock.now(),
        outcome: Outcome::Delivered,
        answer: "250 2.0.0 Ok".to_owned(),
    };
    let mut tx = app.app.db.begin().await.unwrap();
    settlement.record(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let heard = receiver.hears(4).await;
    assert_eq!(heard[3].kind(), "message.delivered");
    assert_eq!(heard[3].json()["data"]["recipient"], "a@b.example");
    assert_eq!(heard[3].json()["data"]["id"], id.to_string());
}

#[tokio::test]
async fn the_life_of_a_credential_is_told_without_its_secrets() {
    let app = start().await;
    let receiver = Receiver::start().await;
    create(&app, everything(&receiver.url())).await;
    let shop = app.issue("Shop").await;
    let rotated = app.rotate(&shop, Grace::OneDay).await;
    app.change(&shop, Credential::revoke).await;
    app.change(&shop, Credential::revoke).await;
    app.change(&shop, Credential::enable).await;
    let soon = app.clock.now().plus(Duration::from_secs(3_600));
    let expiring = CredentialDraft { expires_at: Some(soon), ..draft("Newsletter", &[]) };
    app.change(&shop, async |tx, actor, id| Credential::update(tx, actor, id, expiring).await).await;
    app.clock.advance(Duration::from_secs(3_601));
    jobs::run_once(&app.app).await.unwrap();
    app.change(&shop, Credential::delete).await;
    let heard = receiver.hears(7).await;
    let expected = ["created", "rotated", "revoked", "enabled", "updated", "expired", "deleted"];
    assert_eq!(kinds(&heard), expected.map(|what| format!("credential.{what}")));
    let data = |index: usize| heard[index].json()["data"].clone();
    let created = json!({
        "account_id": app.operator().await.organization.to_string(),
        "event": "on_created",
        "id": shop.id,
        "name": "Shop",
        "username": shop.username,
        "status": "active",
        "mode": "production",
        "sandbox": false,
        "scope": "global",
        "domains": [],
        "by": "command line",
    });
    assert_eq!(data(0), created);
    assert!(data(1)["previous_works_until"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert_eq!((data(2)["status"].clone(), data(3)["status"].clone()), (json!("revoked"), json!("active")));
    assert!(data(4)["changes"].as_str().unwrap().contains("name: “Shop” → “Newsletter”"));
    assert_eq!((&data(5)["status"], &data(5)["by"]), (&json!("expired"), &json!("Gatepost")));
    assert_eq!(data(5)["expires_at"], soon.rfc3339());
    for one in &heard {
        for secret in [shop.password.as_str(), &rotated.password, "$argon2"] {
            assert!(!one.body.contains(secret), "{}", one.body);
        }
    }
}

#[tokio::test]
async fn the_first_login_of_a_credential_is_told_once() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let shop = app.issue("Shop").await;
    create(&app, everything(&receiver.url())).await;
    for _ in 0..3 {
        assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    }
    let heard = receiver.hears(1).await;
    assert_eq!(heard[0].kind(), "credential.first_used");
    let data = heard[0].json()["data"].clone();
    assert_eq!((&data["address"], &data["door"]), (&json!("127.0.0.1"), &json!("smtp")));
    assert_eq!((&data["id"], &data["hello"]), (&json!(shop.id), &json!("client.example")));
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    eventually("the later log-ins are written", async || {
        let organization = app.operator().await.organization;
        let mut connection = app.app.db.read().await.unwrap();
        let id = shop.id.parse().unwrap();
        let lines = gatepost::model::Login::recent(&mut connection, organization, id, 10).await.unwrap();
        (lines.iter().map(|line| line.times).sum::<i64>() == 4).then_some(())
    })
    .await;
    receiver.hears(1).await;
}

#[tokio::test]
async fn ten_failures_in_five_minutes_are_told_once_in_that_time() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let (shop, other) = (app.issue("Shop").await, app.issue("Other").await);
    create(&app, everything(&receiver.url())).await;
    let fail = async |times: u8, issued: &Issued, first: u8| {
        for number in 0..times {
            // From addresses of their own, so that none is slowed down.
            let mut client = app.smtp_from([127, 0, first, number + 1].into()).await;
            let denied = client.log_in(&issued.username, "sk_00000000000000000000000000000000").await;
            assert_eq!(denied.code, 535);
        }
    };
    let written = async |number: usize| {
        eventually("the denials are written", async || {
            let organization = app.operator().await.organization;
            let filter = gatepost::model::denial::DenialFilter::default();
            let mut connection = app.app.db.read().await.unwrap();
            let turn = Turn::first(200);
            let page = gatepost::model::Denial::page(&mut connection, organization, &filter, &turn).await;
            (page.unwrap().rows.len() == number).then_some(())
        })
        .await;
    };
    fail(9, &shop, 1).await;
    fail(3, &other, 2).await;
    written(12).await;
    assert_eq!(receiver.heard().len(), 0, "nine are not many");
    fail(3, &shop, 3).await;
    let heard = receiver.hears(1).await;
    let data = heard[0].json()["data"].clone();
    assert_eq!((heard[0].kind().as_str(), &data["id"]), ("credential.auth_failed", &json!(shop.id)));
    assert!(data["failures"].as_i64().is_some_and(|failures| (10..=12).contains(&failures)), "{data}");
    assert_eq!(data["within_seconds"], 300);
    assert!(data["addresses"].as_array().is_some_and(|all| all.contains(&json!("127.0.1.1"))), "{data}");
    fail(10, &shop, 4).await;
    written(25).await;
    receiver.hears(1).await;
    app.clock.advance(Duration::from_secs(301));
    fail(9, &shop, 5).await;
    written(34).await;
    receiver.hears(1).await;
    fail(1, &shop, 6).await;
    receiver.hears(2).await;
}

#[tokio::test]
async fn a_webhook_hears_only_what_it_chose() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let events = vec![EventType::MessageBounced, EventType::CredentialRevoked];
    let issued = create(&app, Draft { events, ..everything(&receiver.url()) }).await;
    let shop = app.issue("Shop").await;
    app.change(&shop, Credential::revoke).await;
    let recipients = [("a@b.example", Outcome::Delivered), ("b@b.example", Outcome::Bounced)];
    take_message(&app, &shop, &recipients).await;
    assert_eq!(kinds(&receiver.hears(2).await), ["credential.revoked", "message.bounced"]);
    assert_eq!(deliveries(&app, issued.webhook.id).await.len(), 2);
}

#[tokio::test]
async fn a_scoped_webhook_hears_of_its_domains_alone() {
    let app = start().await;
    let receiver = Receiver::start().await;
    for domain in ["shop.example", "news.example"] {
        add_domain(&app, domain).await;
    }
    let of = |domain: &str| Draft {
        scope: Scope::Scoped,
        domains: vec![domain.to_owned()],
        ..everything(&receiver.url())
    };
    let (shop, news) = (create(&app, of("shop.example")).await, create(&app, of("news.example")).await);
    let global = app.issue("Global").await;
    app.issue_as(draft("Shop", &["shop.example"])).await;
    app.issue_as(draft("Both", &["news.example", "shop.example"])).await;
    take_message(&app, &global, &[("a@b.example", Outcome::Delivered)]).await;
    receiver.hears(5).await;
    let names = async |issued: &IssuedWebhook| -> Vec<String> {
        let told = deliveries(&app, issued.webhook.id).await;
        let what = |delivery: Delivery| {
            let body: Value = delivery.body.parse().unwrap();
            let name = body["data"].get("name").or(body["data"].get("from")).unwrap();
            format!("{} {}", delivery.event, name.as_str().unwrap())
        };
        told.into_iter().map(what).collect()
    };
    assert_eq!(
        names(&shop).await,
        [
            "credential.created Shop",
            "credential.created Both",
            "message.reception hello@shop.example",
            "message.delivered hello@shop.example",
        ]
    );
    assert_eq!(names(&news).await, ["credential.created Both"]);
}

#[tokio::test]
async fn a_message_of_many_addresses_is_told_to_the_domains_of_all_and_of_no_other() {
    let app = start().await;
    let receiver = Receiver::start().await;
    for domain in ["shop.example", "shop.exam", "last.example", "inside.example"] {
        add_domain(&app, domain).await;
    }
    let of = |domain: &str| Draft {
        scope: Scope::Scoped,
        domains: vec![domain.to_owned()],
        ..everything(&receiver.url())
    };
    let (last, cut) = (create(&app, of("last.example")).await, create(&app, of("shop.exam")).await);
    let inside = create(&app, of("inside.example")).await;
    let global = app.issue("Global").await;
    // As a text of 500 characters these would end in `@shop.exam`.
    let first = format!("\"x@inside.example, {}\"@shop.example", "y".repeat(470));
    let senders = [&*first, "a@shop.example", "b@last.example"];
    assert!(senders.join(", ")[..500].ends_with("@shop.exam"));
    take_message_from(&app, &global, &senders, &[("a@b.example", Outcome::Unknown)]).await;
    let heard = receiver.hears(1).await;
    assert_eq!(heard[0].json()["data"]["from"], first);
    for (issued, times) in [(&last, 1), (&cut, 0), (&inside, 0)] {
        assert_eq!(deliveries(&app, issued.webhook.id).await.len(), times, "{:?}", issued.webhook.domains);
    }
}

#[tokio::test]
async fn what_is_taken_back_is_not_told() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let shop = app.issue("Shop").await;
    receiver.hears(1).await;
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Credential::revoke(&mut tx, &actor, shop.id.parse().unwrap()).await.unwrap();
    drop(tx);
    app.change(&shop, Credential::delete).await;
    assert_eq!(kinds(&receiver.hears(2).await)[1], "credential.deleted");
    assert_eq!(deliveries(&app, issued.webhook.id).await.len(), 2);
}
