//! A secret that is shown once: after creation and after rotation.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::told;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::model::webhook::{IssuedWebhook, Overlap};
use crate::web::answer::Answer;
use crate::web::examples::{Tab, receivers};
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

/// A new secret on its way to the one who asked for it.
pub struct Issued {
    issued: IssuedWebhook,
    /// Whether the webhook is new too.
    created: bool,
}

#[derive(Template)]
#[template(path = "webhooks/secret.html", blocks = ["dialog"])]
struct SecretPage<'a> {
    frame: Frame,
    created: bool,
    webhook: &'a Webhook,
    secret: &'a str,
    examples: Vec<Tab>,
}

#[derive(Template)]
#[template(path = "webhooks/rotate.html", blocks = ["dialog"])]
struct RotatePage {
    frame: Frame,
    in_dialog: bool,
    webhook: Webhook,
}

#[derive(Deserialize)]
pub struct Rotation {
    overlap: Overlap,
}

/// `GET /settings/webhooks/{id}/rotate`
pub async fn ask_rotate(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let webhook = Webhook::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let page = RotatePage { frame: who.frame(Here::Webhooks).await?, in_dialog: who.htmx.partial, webhook };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/webhooks/{id}/rotate`
pub async fn rotate(
    who: SignedIn,
    Path(id): Path<WebhookId>,
    Form(Rotation { overlap }): Form<Rotation>,
) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let issued = Webhook::rotate_secret(&mut tx, &who.actor(), id, overlap.duration()).await?;
    tx.commit().await?;
    Issued { issued, created: false }.show(&who).await
}

/// `POST /settings/webhooks/{id}/end-overlap`
pub async fn end_overlap(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    Webhook::end_overlap(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&who, id, "The old secret signs no more.").await
}

impl Issued {
    pub fn new(issued: IssuedWebhook) -> Self {
        Self { issued, created: true }
    }

    /// The answer that holds the secret.
    pub async fn show(self, who: &SignedIn) -> Answer {
        let Self { issued: IssuedWebhook { webhook, secret }, created } = &self;
        let frame = who.frame(Here::Webhooks).await?;
        let (secret, examples) = (secret.expose(), receivers());
        let page = SecretPage { frame, created: *created, webhook, secret, examples };
        who.shown_once(&page, &page.as_dialog(), told::pieces(who, webhook.id)).await
    }
}
