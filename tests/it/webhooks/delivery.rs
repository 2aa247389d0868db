//! How deliveries go on their way, fail, and are tried again.

use gatepost::id::DeliveryId;
use gatepost::model::webhook::delivery::Status;
use gatepost::model::{Event, Webhook};

use super::receiver::{Answer, Heard};
use super::*;

/// The gap after so many failures, at its longest, and a little.
fn gap(failures: u64) -> Duration {
    Duration::from_secs(failures.pow(4) * 11 / 10 + 1)
}

/// The status of the only delivery, and how its tries went.
async fn only(app: &TestApp, id: WebhookId) -> (Status, Vec<Attempt>) {
    let mut rows = deliveries(app, id).await;
    assert_eq!(rows.len(), 1);
    let tries = attempts(app, &rows.remove(0)).await;
    // Read after the tries, so that it is not older than they are.
    (deliveries(app, id).await[0].status, tries)
}

/// Waits until the only delivery has so many tries; it may have more where the gap before the next one is short.
async fn tried(app: &TestApp, id: WebhookId, times: usize) -> (Status, Vec<Attempt>) {
    eventually(&format!("{times} tries"), async || {
        let (status, tries) = only(app, id).await;
        (tries.len() >= times).then_some((status, tries))
    })
    .await
}

#[tokio::test]
async fn a_request_is_a_signed_post_of_json() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    send_test(&app, issued.webhook.id, EventType::MessageDelivered).await;
    let heard = receiver.hears(1).await.remove(0);
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/hook"));
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(heard.header("user-agent"), concat!("Gatepost/", env!("CARGO_PKG_VERSION")));
    let sent_at: i64 = heard.header("webhook-timestamp").parse().unwrap();
    assert!((app.clock.now().unix_seconds() - sent_at).abs() < 60);
    let at = gatepost::clock::Timestamp::from_micros(sent_at * 1_000_000);
    assert_eq!(heard.header("webhook-signature"), issued.secret.sign(heard.id(), at, &heard.body).unwrap());
    let (status, tries) = tried(&app, issued.webhook.id, 1).await;
    assert_eq!((status, tries[0].status), (Status::Delivered, Some(204)));
    let seen = webhook(&app, issued.webhook.id).await;
    assert_eq!((seen.successes, seen.failures, seen.failures_in_a_row), (1, 0, 0));
    assert!(seen.last_request_at.is_some());
}

#[tokio::test]
async fn what_fails_is_tried_six_times_with_growing_gaps_and_an_unchanged_id() {
    let app = start().await;
    let receiver = Receiver::start().await;
    receiver.usually(Answer::Text(500, "no\0such thing".to_owned()));
    let issued = create(&app, everything(&receiver.url())).await;
    send_test(&app, issued.webhook.id, EventType::MessageDelivered).await;
    tried(&app, issued.webhook.id, 1).await;
    for failures in 1..=5_u64 {
        let row = deliveries(&app, issued.webhook.id).await.remove(0);
        let (_, tries) = only(&app, issued.webhook.id).await;
        let last = tries.last().unwrap();
        let planned = failures.pow(4) as f64;
        // On a busy machine the first gap may be over already.
        if tries.len() == usize::try_from(failures).unwrap() {
            let waits = row.next_at.since(last.at).as_secs_f64() - last.took as f64 / 1e6;
            assert!((planned * 0.9 - 0.1..planned * 1.1 + 2.0).contains(&waits), "{failures}: {waits} s");
        }
        app.clock.advance(gap(failures));
        let (status, _) = tried(&app, issued.webhook.id, usize::try_from(failures).unwrap() + 1).await;
        assert_eq!(status, if failures == 5 { Status::Failed } else { Status::Pending });
    }
    app.clock.advance(Duration::from_secs(86_400));
    send_test(&app, issued.webhook.id, EventType::MessageReception).await;
    let heard = receiver.hears(7).await;
    assert!(heard[..6].iter().all(|one| one.id() == heard[0].id() && one.body == heard[0].body));
    assert_ne!(heard[6].id(), heard[0].id(), "the seventh is of the other delivery");
    let timestamps: std::collections::BTreeSet<&str> =
        heard[..6].iter().map(|one| one.header("webhook-timestamp")).collect();
    assert_eq!(timestamps.len(), 6, "each try is signed anew");
    let failed = deliveries(&app, issued.webhook.id).await.remove(0);
    assert_eq!(attempts(&app, &failed).await[0].answer, "no\u{fffd}such thing");
}

#[tokio::test]
async fn one_that_fails_holds_back_those_behind_it_until_its_second_try() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    receiver.next([Answer::Status(500)]);
    let kinds = |heard: &[Heard]| heard.iter().map(Heard::kind).collect::<Vec<_>>();
    for event in [EventType::MessageReception, EventType::MessageDelivered, EventType::MessageBounced] {
        send_test(&app, issued.webhook.id, event).await;
    }
    let heard = receiver.hears(4).await;
    let [first, second, third] = ["message.reception", "message.delivered", "message.bounced"];
    assert_eq!(kinds(&heard), [first, first, second, third], "a short failure keeps the order");

    receiver.next([Answer::Status(500), Answer::Status(500)]);
    for event in [EventType::MessageReception, EventType::MessageDelivered, EventType::MessageBounced] {
        send_test(&app, issued.webhook.id, event).await;
    }
    let heard = receiver.hears(8).await;
    assert_eq!(kinds(&heard[4..]), [first, first, second, third], "a long one does not hold them up");
    app.clock.advance(gap(2));
    assert_eq!(kinds(&receiver.hears(9).await[8..]), [first], "it comes again when its gap is over");
}

#[tokio::test]
async fn a_hundred_failures_in_a_row_disable_a_webhook_until_a_member_enables_it() {
    let app = start().await;
    let receiver = Receiver::start().await;
    receiver.usually(Answer::Status(410));
    let issued = create(&app, everything(&receiver.url())).await;
    let id = issued.webhook.id;
    // What is sent to it wakes the courier.
    let bell = create(&app, everything(&Receiver::start().await.url())).await.webhook.id;
    for _ in 0..60 {
        send_test(&app, id, EventType::MessageReception).await;
    }
    let mut failures = 0;
    let disabled = eventually("it is disabled", async || {
        let webhook = webhook(&app, id).await;
        // Time goes on while nothing else does: a claim must not run out in the middle of a request.
        let is_idle =
            webhook.failures == failures && i64::try_from(receiver.heard().len()).unwrap() == failures;
        failures = webhook.failures;
        if is_idle {
            app.clock.advance(Duration::from_secs(2));
            send_test(&app, bell, EventType::MessageReception).await;
        }
        Some(webhook).filter(|webhook| !webhook.enabled)
    })
    .await;
    assert_eq!((disabled.failures_in_a_row, disabled.failures), (100, 100));
    assert_eq!(disabled.disabled_because, "100 requests in a row failed.");
    let organization = app.operator().await.organization;
    let events = Event::page(&mut app.app.db.read().await.unwrap(), organization, &Turn::first(10))
        .await
        .unwrap()
        .rows;
    let event = events.iter().find(|event| event.action.as_str() == "webhook.disabled");
    assert_eq!(event.expect("it is told").actor_label, "Gatepost");

    // What happens now is not kept for it; what waited is sent once it is enabled.
    app.issue("Shop").await;
    let rows = deliveries(&app, id).await;
    assert_eq!(rows.len(), 60);
    let waiting = rows.iter().filter(|delivery| delivery.status == Status::Pending);
    let waiting: Vec<DeliveryId> = waiting.map(|delivery| delivery.id).collect();
    assert!(!waiting.is_empty());
    receiver.hears(100).await;
    receiver.usually(Answer::Status(204));
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Webhook::enable(&mut tx, &actor, id).await.unwrap();
    tx.commit().await.unwrap();
    eventually("what waited is delivered at once", async || {
        let rows = deliveries(&app, id).await;
        let is_delivered =
            |id| rows.iter().any(|delivery| delivery.id == id && delivery.status == Status::Delivered);
        waiting.iter().all(|id| is_delivered(*id)).then_some(())
    })
    .await;
    assert_eq!(webhook(&app, id).await.failures_in_a_row, 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let app = start().await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    receiver.usually(Answer::Redirect(other.url()));
    let issued = create(&app, everything(&receiver.url())).await;
    send_test(&app, issued.webhook.id, EventType::MessageReception).await;
    let (status, tries) = tried(&app, issued.webhook.id, 1).await;
    assert_eq!((status, tries[0].status), (Status::Pending, Some(307)));
    receiver.hears(2).await;
    assert_eq!(other.heard().len(), 0);
}

#[tokio::test]
async fn slow_and_endless_answers_are_cut() {
    let app = TestApp::with_config(|config| {
        allow_loopback(config);
        config.webhook_timeout = Duration::from_secs(2);
    })
    .await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    let long = "x".repeat(100_000);
    receiver.next([Answer::Never, Answer::Endless(Duration::from_millis(20)), Answer::Text(200, long)]);
    send_test(&app, issued.webhook.id, EventType::MessageReception).await;
    let (_, tries) = tried(&app, issued.webhook.id, 1).await;
    assert_eq!((tries[0].status, tries[0].error.as_str()), (None, "No answer within 2 s."));
    let (status, tries) = tried(&app, issued.webhook.id, 2).await;
    assert_eq!(
        (status, tries[1].status),
        (Status::Delivered, Some(200)),
        "2xx came in time: that is success"
    );
    assert!(tries[1].answer.starts_with("drop "), "{}", tries[1].answer);
    send_test(&app, issued.webhook.id, EventType::MessageReception).await;
    let answer = eventually("the long answer", async || {
        let last = deliveries(&app, issued.webhook.id).await.pop().unwrap();
        attempts(&app, &last).await.pop()
    })
    .await;
    assert_eq!(answer.answer, "x".repeat(2_048));
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_said_to_be_so() {
    let app = start().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, said) in [
        (format!("http://{closed}/"), "No connection: "),
        ("https://nobody.invalid/".to_owned(), "The name was not found: "),
        (format!("https://{}/", Receiver::start().await.address), "No connection: "),
    ] {
        let issued = create(&app, everything(&url)).await;
        send_test(&app, issued.webhook.id, EventType::MessageReception).await;
        let (_, tries) = tried(&app, issued.webhook.id, 1).await;
        assert!(tries[0].error.starts_with(said), "{url}: {}", tries[0].error);
    }
}

#[tokio::test]
async fn addresses_that_are_not_of_the_internet_are_asked_nothing_once_they_are_not_allowed() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let by_name = format!("http://localhost:{}/hook", receiver.address.port());
    let webhooks =
        [create(&app, everything(&receiver.url())).await, create(&app, everything(&by_name)).await];
    for issued in &webhooks {
        send_test(&app, issued.webhook.id, EventType::MessageReception).await;
    }
    receiver.hears(2).await;
    let app = TestApp::on(app.stop().await, |_| ()).await;
    for issued in &webhooks {
        send_test(&app, issued.webhook.id, EventType::MessageReception).await;
        let refused = eventually("it is refused", async || {
            let last = deliveries(&app, issued.webhook.id).await.pop().unwrap();
            attempts(&app, &last).await.pop()
        })
        .await;
        assert!(refused.error.contains("is not on the Internet"), "{}", refused.error);
    }
    assert_eq!(receiver.heard().len(), 2, "nothing was sent");
}

#[tokio::test]
async fn one_that_waits_between_two_tries_can_be_sent_now_and_its_tries_go_on() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let id = create(&app, everything(&receiver.url())).await.webhook.id;
    receiver.next([Answer::Status(500), Answer::Status(500)]);
    send_test(&app, id, EventType::MessageDelivered).await;
    receiver.hears(2).await;
    tried(&app, id, 2).await;
    let waiting = deliveries(&app, id).await.remove(0);
    assert!(waiting.next_at > app.clock.now(), "16 seconds");
    let alice = app.alice_at_a_desk().await;
    alice.goto(&format!("/settings/webhooks/{id}/deliveries/{}", waiting.id)).await;
    alice.click("Redeliver").await;
    alice.sees("It is sent again, with the same id.").await;
    let heard = receiver.hears(3).await;
    assert_eq!(heard[0].id(), heard[2].id());
    let (status, tries) = tried(&app, id, 3).await;
    assert_eq!((status, tries.len()), (Status::Delivered, 3));
    assert_eq!(deliveries(&app, id).await[0].tries, 3);
    alice.close().await;
}
