//! Webhooks as people use them in the dashboard.

use super::receiver::{Answer, Receiver};
use super::{create, everything, send_test, start, take_message, webhook};
use crate::support::{TestApp, eventually};
use gatepost::model::message::Outcome;
use gatepost::model::webhook::EventType;

const HOME: &str = "/settings/webhooks";

#[tokio::test]
async fn alice_creates_a_webhook_tests_it_and_sees_what_was_sent() {
    let app = start().await;
    let receiver = Receiver::start().await;
    receiver.next([Answer::Text(503, "Come back <b>later</b>".to_owned())]);
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("No webhook yet").await;
    alice.inspect("webhooks-empty").await;
    alice.click("Create webhook").await;
    alice.sees("shown in the next step").await;
    alice.is_at(HOME).await;
    assert_eq!(alice.focused().await, "Name");
    alice.fill("Name", "Shop system").await;
    alice.fill("URL", "http://10.0.0.1/hook").await;
    alice.inspect("webhook-create").await;
    alice.click("Create webhook").await;
    alice.sees("10.0.0.1 is not on the Internet").await;
    assert_eq!(alice.value_of("Name").await, "Shop system");
    alice.inspect("webhook-refused").await;
    alice.fill("URL", &receiver.url()).await;
    alice.click("None of the events of credentials").await;
    alice.click("Create webhook").await;
    alice.sees("Copy the secret of Shop system").await;
    let shown = alice.text().await;
    let secret = alice.value_of("Secret").await;
    assert!(secret.starts_with("whsec_") && !shown.contains(&secret), "it is masked");
    alice.inspect("webhook-created").await;
    alice.click("Show secret").await;
    alice.click("Copy secret").await;
    alice.click("Done").await;
    alice.sees("Messages").await;
    eventually("closing leaves no trace of it", async || {
        let page = alice.evaluate("document.documentElement.outerHTML").await?.to_string();
        (!page.contains(&secret)).then_some(())
    })
    .await;

    alice.click("Shop system").await;
    alice.sees("Nothing has been sent to it yet").await;
    alice.click("Send test event").await;
    alice.sees("With data of nobody’s").await;
    alice.choose("Event", "message.bounced").await;
    alice.inspect("webhook-test").await;
    alice.click("Send test event").await;
    alice.sees("HTTP 503").await;
    alice.sees("HTTP 204").await;
    alice.sees("Delivered").await;
    alice.click_on(".steps .failed summary").await;
    alice.sees("Come back <b>later</b>").await;
    let heard = receiver.hears(2).await;
    assert_eq!(heard[0].id(), heard[1].id());
    assert_eq!(heard[1].json()["data"]["test"], true);
    alice.sees(heard[0].id()).await;
    alice.sees(heard[1].header("webhook-signature")).await;
    alice.inspect("webhook-delivery").await;
    alice.click("Redeliver").await;
    alice.sees("It is sent again, with the same id.").await;
    let heard = receiver.hears(3).await;
    assert_eq!(heard[0].id(), heard[2].id());
    alice.click("Shop system").await;
    alice.sees("2 succeeded, 1 failed").await;
    alice.sees("Test").await;
    alice.inspect("webhook").await;
    alice.goto(HOME).await;
    alice.inspect("webhooks").await;
    alice.close().await;
}

#[tokio::test]
async fn alice_edits_rotates_disables_enables_and_deletes_a_webhook() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    app.alice().await.post("/settings/domains", &[("name", "shop.example")]).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Actions for Shop system").await;
    alice.inspect("webhooks-menu").await;
    alice.click("Edit").await;
    alice.sees("The secret stays.").await;
    alice.fill("Name", "Ledger").await;
    alice.click("None of the events of messages").await;
    alice.click("None of the events of credentials").await;
    alice.click("Save").await;
    alice.sees("Choose at least one event.").await;
    assert_eq!(alice.value_of("Name").await, "Ledger");
    alice.inspect("webhook-no-events").await;
    alice.click("All events of credentials").await;
    alice.click("message.bounced the recipient was refused").await;
    alice.click("Only some domains").await;
    alice.click("shop.example").await;
    alice.inspect("webhook-edit").await;
    alice.click("Save").await;
    alice.sees_no("The secret stays.").await;
    alice.sees("Ledger").await;
    alice.sees("shop.example").await;
    alice.sees("10 events").await;
    let changed = webhook(&app, issued.webhook.id).await;
    assert_eq!((changed.name.as_str(), changed.domains.join(" ").as_str()), ("Ledger", "shop.example"));
    assert_eq!(changed.events.len(), 10);

    alice.click("Ledger").await;
    alice.click("Rotate secret").await;
    alice.sees("When does the old secret stop?").await;
    alice.inspect("webhook-rotate").await;
    alice.click("Rotate secret").await;
    alice.sees("Copy the secret of Ledger").await;
    assert_ne!(alice.value_of("Secret").await, issued.secret.expose());
    alice.click("Copy secret").await;
    alice.click("Done").await;
    alice.sees("The old secret signs too until").await;
    alice.inspect("webhook-in-overlap").await;
    alice.click("End overlap now").await;
    alice.sees_no("The old secret signs too until").await;

    alice.click("Disable").await;
    alice.sees("Disabled").await;
    assert!(!webhook(&app, issued.webhook.id).await.enabled);
    alice.click("Enable").await;
    alice.sees("Enabled").await;
    assert!(webhook(&app, issued.webhook.id).await.enabled);
    alice.click("Delete").await;
    alice.sees("It is gone for good").await;
    alice.inspect("webhook-delete").await;
    alice.click("Delete webhook").await;
    alice.sees("Ledger is deleted.").await;
    alice.sees("No webhook yet").await;
    alice.goto("/activity").await;
    for said in ["Created webhook", "Edited webhook", "Rotated secret of webhook", "Deleted webhook Ledger"] {
        alice.sees(said).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn deliveries_are_shown_in_pages_and_by_their_status() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let shop = app.issue("Shop").await;
    receiver.hears(1).await;
    let recipients: Vec<String> = (0..30).map(|number| format!("r{number:02}@b.example")).collect();
    let recipients: Vec<_> =
        recipients.iter().map(|address| (address.as_str(), Outcome::Delivered)).collect();
    take_message(&app, &shop, &recipients).await;
    receiver.hears(61).await;
    eventually("all are written down", async || {
        (webhook(&app, issued.webhook.id).await.successes == 61).then_some(())
    })
    .await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(&format!("{HOME}/{}", issued.webhook.id)).await;
    alice.sees("61 succeeded, 0 failed").await;
    assert_eq!(alice.count("tbody tr").await, 50);
    alice.click("Older").await;
    eventually("the rest", async || (alice.count("tbody tr").await == 11).then_some(())).await;
    alice.sees("credential.created").await;
    alice.click("Newer").await;
    eventually("the newest", async || (alice.count("tbody tr").await == 50).then_some(())).await;
    alice.click("Failed").await;
    alice.sees("No failed deliveries.").await;
    let padding = "getComputedStyle(document.querySelector('#found > .none')).paddingLeft";
    assert_eq!(alice.evaluate(padding).await, Some("16px".into()), "it keeps off the edge");
    alice.close().await;
}

#[tokio::test]
async fn a_webhook_is_managed_on_a_phone() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let alice = app.alice_on_a_phone().await;
    alice.goto(HOME).await;
    alice.click("Create the first webhook").await;
    alice.fill("Name", "Shop system").await;
    alice.fill("URL", &receiver.url()).await;
    alice.click("Create webhook").await;
    alice.sees("Copy the secret of Shop system").await;
    alice.click("Copy secret").await;
    alice.click("Done").await;
    for fact in [receiver.url().as_str(), "Enabled", "Global", "never"] {
        alice.sees(fact).await;
    }
    alice.click("Menu").await;
    alice.click("Webhooks").await;
    alice.is_at(HOME).await;
    alice.click("Actions for Shop system").await;
    alice.click("Send test event").await;
    alice.sees("With data of nobody’s").await;
    alice.click("Send test event").await;
    alice.sees("HTTP 204").await;
    alice.close().await;
}

#[tokio::test]
async fn a_webhook_lives_from_creation_to_deletion_without_scripts() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let alice = app.alice_without_scripts().await;
    alice.goto(HOME).await;
    alice.click("Create webhook").await;
    alice.is_at(&format!("{HOME}/new")).await;
    alice.fill("Name", "Shop system").await;
    alice.fill("URL", &receiver.url()).await;
    alice.click("Create webhook").await;
    alice.sees("Copy the secret of Shop system").await;
    let secret = alice.value_of("Secret").await;
    alice.click("Show the secret").await;
    alice.sees(&secret).await;
    alice.click("Done").await;
    alice.click("Send test event").await;
    alice.sees("With data of nobody’s").await;
    alice.click("Send test event").await;
    alice.sees("The test event is on its way.").await;
    let page = alice.path().await;
    receiver.hears(1).await;
    eventually("its page tells how it went", async || {
        alice.goto(&page).await;
        alice.text().await.contains("HTTP 204").then_some(())
    })
    .await;
    alice.click("Redeliver").await;
    receiver.hears(2).await;
    alice.goto("/activity").await;
    alice.sees("Sent a test event to webhook Shop system").await;
    alice.sees("Redelivered an event to webhook Shop system").await;
    alice.goto(&page).await;
    alice.click("Shop system").await;
    alice.click("Edit").await;
    alice.fill("Name", "Ledger").await;
    alice.click("Save").await;
    alice.sees("Saved.").await;
    alice.click("Rotate secret").await;
    alice.sees("Rotate the secret of Ledger?").await;
    alice.click("Rotate secret").await;
    alice.sees("The old secret signs too until").await;
    assert_ne!(alice.value_of("Secret").await, secret);
    alice.click("Done").await;
    alice.click("End overlap now").await;
    alice.sees("The old secret signs no more.").await;
    alice.click("Disable").await;
    alice.sees("Disabled").await;
    alice.click("Enable").await;
    alice.sees("Enabled").await;
    alice.click("Delete").await;
    alice.click("Delete webhook").await;
    alice.is_at(HOME).await;
    alice.sees("No webhook yet").await;
    alice.close().await;
}

#[tokio::test]
async fn a_webhook_of_another_organization_is_not_there() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let nobodys = gatepost::id::WebhookId::new();
    for path in ["", "/edit", "/rotate", "/delete", "/test"] {
        assert_eq!(alice.get(&format!("{HOME}/{nobodys}{path}")).await.status, 404, "{path}");
    }
    for path in ["/edit", "/disable", "/enable", "/delete", "/end-overlap"] {
        let form = [("name", "x"), ("url", "https://a.example/"), ("events", "message.bounced")];
        assert_eq!(alice.post(&format!("{HOME}/{nobodys}{path}"), &form).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_form_that_was_opened_before_another_s_change_does_not_undo_it_unseen() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let alice = app.alice().await;
    let issued = create(&app, everything(&receiver.url())).await.webhook;
    let mark = issued.updated_at.as_micros().to_string();
    let form = [("name", "Ours"), ("url", &issued.url), ("events", "message.bounced"), ("seen", &mark)];
    let path = format!("{HOME}/{}/edit", issued.id);
    assert_eq!(alice.post(&path, &form).await.status, 303);
    let refused = alice.post(&path, &form).await;
    assert!(refused.status == 422 && refused.body.contains("Somebody changed it"), "{}", refused.body);
}

#[tokio::test]
async fn a_webhook_that_fails_or_was_disabled_says_so_and_why() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let page = format!("{HOME}/{}", issued.webhook.id);
    receiver.usually(Answer::Status(500));
    send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    receiver.hears_at_least(1).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&page).await;
    alice.sees("After 100 in a row Gatepost disables this webhook.").await;
    alice.sees("Failing").await;
    receiver.hears_at_least(2).await;
    alice.inspect("webhook-failing").await;
    // A hundred real failures stand in a test of their own.
    let disabled = "UPDATE webhooks SET enabled = 0, disabled_because = '100 requests in a row failed.'";
    app.installation.database().execute(disabled).await;
    alice.goto(&page).await;
    alice.sees("Gatepost has disabled this webhook: 100 requests in a row failed.").await;
    alice.sees("once enabled").await;
    alice.inspect("webhook-disabled").await;
    receiver.usually(Answer::Status(204));
    let before = receiver.heard().len();
    app.clock.advance(std::time::Duration::from_secs(3_600));
    alice.click("Enable").await;
    alice.sees("Enabled").await;
    alice.sees_no("Gatepost has disabled this webhook").await;
    receiver.hears_at_least(before + 1).await;
    alice.sees("Delivered").await;
    let listed = app.installation.run(&["webhook", "list"]).await.stdout();
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines[1].contains("enabled"), "{listed}");
    alice.close().await;
}
