//! One delivery: what was sent, what came back each time; sending it again, and sending a test event.

use std::time::Duration;

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::delivery_address;
use crate::id::{DeliveryId, WebhookId};
use crate::model::Webhook;
use crate::model::webhook::claim::MAX_TRIES;
use crate::model::webhook::delivery::{Attempt, Status};
use crate::model::webhook::{Delivery, EventType};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "webhooks/delivery.html", blocks = ["delivery"])]
struct DeliveryPage {
    frame: Frame,
    webhook: Webhook,
    delivery: Delivery,
    attempts: Vec<Attempt>,
}

#[derive(Template)]
#[template(path = "webhooks/test.html", blocks = ["dialog"])]
struct TestPage {
    frame: Frame,
    in_dialog: bool,
    webhook: Webhook,
}

#[derive(Deserialize)]
pub struct Chosen {
    event: EventType,
}

/// `GET /settings/webhooks/{id}/deliveries/{delivery}`
pub async fn show(who: SignedIn, Path((id, delivery)): Path<(WebhookId, DeliveryId)>) -> Answer {
    let mut connection = who.app.db.read().await?;
    let webhook = Webhook::find(&mut connection, who.organization(), id).await?;
    let delivery = Delivery::find(&mut connection, (who.organization(), id), delivery).await?;
    let attempts = Delivery::attempts(&mut connection, who.organization(), delivery.id).await?;
    drop(connection);
    let page = DeliveryPage { frame: who.frame(Here::Webhooks).await?, webhook, delivery, attempts };
    who.htmx.answer(&page, &page.as_delivery())
}

/// `POST /settings/webhooks/{id}/deliveries/{delivery}/redeliver`
pub async fn redeliver(who: SignedIn, Path((id, delivery)): Path<(WebhookId, DeliveryId)>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    Delivery::redeliver(&mut tx, &who.actor(), id, delivery).await?;
    tx.commit().await?;
    who.told_at("It is sent again, with the same id.", &delivery_address(&id, &delivery)).await
}

/// `GET /settings/webhooks/{id}/test`
pub async fn ask_test(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let webhook = Webhook::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let page = TestPage { frame: who.frame(Here::Webhooks).await?, in_dialog: who.htmx.partial, webhook };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/webhooks/{id}/test`
pub async fn send_test(
    who: SignedIn,
    Path(id): Path<WebhookId>,
    Form(Chosen { event }): Form<Chosen>,
) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let delivery = Webhook::send_test(&mut tx, &who.actor(), id, event).await?;
    tx.commit().await?;
    who.told_at("The test event is on its way.", &delivery_address(&id, &delivery)).await
}

impl DeliveryPage {
    /// Whether it is about to change by itself.
    fn is_moving(&self) -> bool {
        let soon = self.frame.now.plus(Duration::from_secs(30));
        self.webhook.enabled && self.delivery.status == Status::Pending && self.delivery.next_at <= soon
    }

    /// Whether it can be sent again, or now: it is not on its way.
    fn can_be_sent(&self) -> bool {
        let waits = self.delivery.status == Status::Pending && self.delivery.next_at <= self.frame.now;
        self.webhook.enabled && !waits
    }

    /// The headers of one request that tell it from others, as they were sent.
    fn headers(&self, attempt: &Attempt) -> String {
        format!(
            "POST {}\ncontent-type: application/json\nwebhook-id: {}\nwebhook-timestamp: {}\n\
             webhook-signature: {}",
            attempt.url,
            self.delivery.id,
            attempt.at.unix_seconds(),
            attempt.signature
        )
    }

    /// How long a request took.
    fn took(&self, attempt: &Attempt) -> String {
        shown::millis(&Duration::from_micros(u64::try_from(attempt.took).unwrap_or_default()))
    }
}
