//! Several processes and one outbox: each delivery once in the normal case, at least once in every other.

use std::collections::HashMap;

use gatepost::model::webhook::claim::{self, Claim};
use gatepost::model::webhook::delivery::Status;
use serde_json::Value;

use super::receiver::{Answer, Heard};
use super::*;
use crate::support::{GatepostProcess, Installation, on_postgres};

/// A server that may tell endpoints on this machine.
async fn node(here: &Installation) -> GatepostProcess {
    GatepostProcess::start_with(here, |command| {
        command.env("GATEPOST_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")
    })
    .await
}

/// The secret that a page shows once.
fn secret_in(html: &str) -> String {
    let start = html.find("value=\"whsec_").expect("a secret") + "value=\"".len();
    let secret: String = html[start..].chars().take_while(|c| *c != '"').collect();
    assert_eq!(secret.len(), 50, "{secret}");
    secret
}

/// How often each id was heard.
fn times(heard: &[Heard]) -> HashMap<&str, usize> {
    let mut times = HashMap::new();
    heard.iter().for_each(|one| *times.entry(one.id()).or_default() += 1);
    times
}

fn claim_of(
    app: &TestApp,
    organization: gatepost::id::OrganizationId,
    id: WebhookId,
) -> impl AsyncFn() -> Claim {
    let db = app.app.db.clone();
    let clock = app.clock.clone();
    async move || {
        let mut tx = db.begin().await.unwrap();
        let lease = Duration::from_secs(15);
        let taken = Claim::take(&mut tx, (organization, id), "another node", (clock.now(), lease)).await;
        tx.commit().await.unwrap();
        taken.unwrap().expect("nobody else has it")
    }
}

#[tokio::test]
async fn two_nodes_share_the_work_and_tell_each_event_once() {
    let here = Installation::new().await;
    let one = node(&here).await;
    // SQLite is for one server; there the commands are the other writer.
    let two = if on_postgres() { Some(node(&here).await) } else { None };
    let alice = one.visitor();
    alice
        .set_up(one.setup_link.as_deref().unwrap(), "alice@acme.example", "correct horse battery staple")
        .await;
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let mut secrets = Vec::new();
    for (number, receiver) in receivers.iter().enumerate() {
        let (name, url) = (format!("Hook {number}"), receiver.url());
        let mut form = vec![("name", name.as_str()), ("url", url.as_str())];
        form.extend(EventType::ALL.iter().map(|event| ("events", event.as_str())));
        let created = alice.post("/settings/webhooks", &form).await;
        assert_eq!(created.status, 200, "{}", created.body);
        secrets.push(secret_in(&created.body));
    }
    // Changes come from both nodes and from commands at once.
    let doors: Vec<_> = std::iter::once(&one).chain(&two).map(GatepostProcess::visitor).collect();
    for visitor in &doors[1..] {
        visitor.log_in("alice@acme.example", "correct horse battery staple").await;
    }
    for number in 0..20 {
        let visitor = if number % 2 == 0 { &alice } else { doors.last().unwrap() };
        let visitor = if on_postgres() { visitor } else { &alice };
        let name = format!("credential {number}");
        assert_eq!(visitor.post("/settings/smtp-credentials", &[("name", &name)]).await.status, 200);
        if number % 5 == 0 {
            here.run(&["credential", "create"]).await.stdout();
        }
    }
    for receiver in &receivers {
        let heard = receiver.hears(24).await;
        assert!(times(&heard).values().all(|times| *times == 1), "{:?}", times(&heard));
        assert!(heard.iter().all(|one| one.kind() == "credential.created"));
    }
    let listed = eventually("all are counted", async || {
        let listed = here.run(&["webhook", "list", "--json"]).await.stdout();
        let count = |line: &str| line.parse::<Value>().unwrap()["success_count"].as_i64().unwrap();
        let counts: Vec<i64> = listed.lines().map(count).collect();
        assert!(counts.iter().all(|count| *count <= 24), "{counts:?}");
        (counts == [24, 24, 24]).then_some(listed)
    })
    .await;
    assert!(!listed.contains("whsec_"), "no secret is listed");
    for process in std::iter::once(one).chain(two) {
        let log = process.log();
        assert!(secrets.iter().all(|secret| !log.contains(secret)), "no secret is logged");
        assert!(process.stop().await.success());
    }
}

#[tokio::test]
async fn what_a_command_changes_the_running_server_tells() {
    let app = start().await;
    let receiver = Receiver::start().await;
    create(&app, everything(&receiver.url())).await;
    let mut command = app.installation.command(&["credential", "create", "--name", "Shop"]);
    command.env("GATEPOST_LOG_LEVEL", "warn");
    crate::support::finish(command, "").await.stdout();
    let heard = receiver.hears(1).await;
    assert_eq!(heard[0].json()["data"]["name"], "Shop");
}

#[tokio::test]
async fn a_webhook_that_another_node_serves_is_left_to_it_until_its_claim_runs_out() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let organization = app.operator().await.organization;
    let claim = claim_of(&app, organization, issued.webhook.id)().await;
    send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    let now = app.clock.now();
    let mut connection = app.app.db.read().await.unwrap();
    let due = claim.next(&mut connection, now).await.unwrap().expect("the other node finds it");
    assert_eq!(due.event, EventType::MessageBounced);
    assert!(claim::waiting(&mut connection, now, 10).await.unwrap().is_empty(), "nobody else does");
    drop(connection);
    let mut tx = app.app.db.begin().await.unwrap();
    let whose = (organization, issued.webhook.id);
    let second = Claim::take(&mut tx, whose, "a third", (now, Duration::from_secs(15))).await.unwrap();
    assert!(second.is_none(), "one claim at a time");
    tx.commit().await.unwrap();
    assert_eq!(receiver.heard().len(), 0);

    // The other node has crashed.
    app.clock.advance(Duration::from_secs(16));
    let heard = receiver.hears(1).await;
    assert_eq!(heard[0].id(), due.id.to_string());
    let mut connection = app.app.db.read().await.unwrap();
    assert!(claim.next(&mut connection, app.clock.now()).await.unwrap().is_none(), "its claim is lost");
}

#[tokio::test]
async fn who_was_told_longest_ago_is_next() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let organization = app.operator().await.organization;
    let (busy, quiet) =
        (create(&app, everything(&receiver.url())).await, create(&app, everything(&receiver.url())).await);
    send_test(&app, busy.webhook.id, EventType::MessageBounced).await;
    receiver.hears(1).await;
    eventually("the first is given back", async || {
        let mut tx = app.app.db.begin().await.unwrap();
        let (whose, term) = ((organization, busy.webhook.id), (app.clock.now(), Duration::from_secs(15)));
        let taken = Claim::take(&mut tx, whose, "another node", term).await.unwrap();
        tx.commit().await.unwrap();
        taken
    })
    .await;
    claim_of(&app, organization, quiet.webhook.id)().await;
    for issued in [&busy, &quiet] {
        send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    }
    let later = app.clock.now().plus(Duration::from_secs(16));
    let waiting = claim::waiting(&mut app.app.db.read().await.unwrap(), later, 1).await.unwrap();
    assert_eq!(waiting, [(organization, quiet.webhook.id)]);
}

#[tokio::test]
async fn what_a_killed_process_has_not_delivered_the_next_one_delivers() {
    let here = Installation::new().await;
    let first = node(&here).await;
    let alice = first.visitor();
    alice
        .set_up(first.setup_link.as_deref().unwrap(), "alice@acme.example", "correct horse battery staple")
        .await;
    let receiver = Receiver::start().await;
    receiver.usually(Answer::Never);
    let url = receiver.url();
    let form = [("name", "Shop system"), ("url", url.as_str()), ("events", "credential.created")];
    assert_eq!(alice.post("/settings/webhooks", &form).await.status, 200);
    for name in ["one", "two", "three"] {
        assert_eq!(alice.post("/settings/smtp-credentials", &[("name", name)]).await.status, 200);
    }
    let cut_off = receiver.hears(1).await.remove(0);
    first.kill().await;
    receiver.usually(Answer::Status(204));

    // Its claim still stands; a test can't wait for it to run out in a process whose clock it can't set.
    here.database().execute("UPDATE webhooks SET claimed_until = 0").await;
    let second = node(&here).await;
    let heard = receiver.hears(4).await;
    assert_eq!(heard[1].id(), cut_off.id(), "what was cut off comes again first, with the same id");
    let names: Vec<Value> = heard[1..].iter().map(|one| one.json()["data"]["name"].clone()).collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert!(second.stop().await.success());
}

#[tokio::test]
async fn sigterm_lets_a_request_finish_and_leaves_the_rest_for_the_next_start() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    for _ in 0..120 {
        send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    }
    let app = TestApp::on(app.stop().await, allow_loopback).await;
    eventually("all is delivered", async || {
        let rows = deliveries(&app, issued.webhook.id).await;
        rows.iter().all(|delivery| delivery.status == Status::Delivered).then_some(())
    })
    .await;
    let heard = receiver.hears(120).await;
    assert_eq!(times(&heard).len(), 120, "each once, though a node gives a webhook back in between");
}

#[tokio::test]
async fn deliveries_are_forgotten_with_the_messages_they_tell_of() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    eventually("it is delivered", async || {
        (webhook(&app, issued.webhook.id).await.successes == 1).then_some(())
    })
    .await;
    app.clock.advance(app.app.config.keep_messages - Duration::from_secs(60));
    gatepost::jobs::run_once(&app.app).await.unwrap();
    assert_eq!(deliveries(&app, issued.webhook.id).await.len(), 1);
    app.clock.advance(Duration::from_secs(61));
    gatepost::jobs::run_once(&app.app).await.unwrap();
    assert_eq!(deliveries(&app, issued.webhook.id).await.len(), 0);
}

#[tokio::test]
async fn a_deleted_webhook_is_told_nothing_and_its_deliveries_are_forgotten() {
    let app = start().await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    receiver.usually(Answer::Status(500));
    let (gone, kept) =
        (create(&app, everything(&receiver.url())).await, create(&app, everything(&other.url())).await);
    for issued in [&gone, &kept] {
        send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    }
    // After the second try there is time until the third.
    receiver.hears(2).await;
    other.hears(1).await;
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Webhook::delete(&mut tx, &actor, gone.webhook.id).await.unwrap();
    tx.commit().await.unwrap();
    gatepost::jobs::run_once(&app.app).await.unwrap();
    assert_eq!(deliveries(&app, gone.webhook.id).await.len(), 0);
    assert_eq!(deliveries(&app, kept.webhook.id).await.len(), 1);
    app.clock.advance(Duration::from_secs(60));
    app.issue("Shop").await;
    other.hears(2).await;
    receiver.hears(2).await;
}
