//! Disable, enable, delete.

use askama::Template;
use axum::extract::Path;

use super::told;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "webhooks/delete.html", blocks = ["dialog"])]
struct DeletePage {
    frame: Frame,
    in_dialog: bool,
    webhook: Webhook,
}

/// `POST /settings/webhooks/{id}/disable`
pub async fn disable(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    Webhook::disable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&who, id, "Disabled. What happens from now on is not sent to it.").await
}

/// `POST /settings/webhooks/{id}/enable`
pub async fn enable(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    Webhook::enable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&who, id, "Enabled. What waited for it is sent now.").await
}

/// `GET /settings/webhooks/{id}/delete`
pub async fn ask_delete(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let webhook = Webhook::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let page = DeletePage { frame: who.frame(Here::Webhooks).await?, in_dialog: who.htmx.partial, webhook };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/webhooks/{id}/delete`
pub async fn delete(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let webhook = Webhook::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::deleted(&who, &webhook).await
}
