//! Disable, enable, delete.

use askama::Template;
use axum::extract::{Path, State};

use super::told;
use crate::app::App;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::web::failure::Answer;
use crate::web::htmx::Htmx;
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
pub async fn disable(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<WebhookId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    Webhook::disable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&app, &who, &htmx, id, "Disabled. What happens from now on is not sent to it.").await
}

/// `POST /settings/webhooks/{id}/enable`
pub async fn enable(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<WebhookId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    Webhook::enable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&app, &who, &htmx, id, "Enabled. What waited for it is sent now.").await
}

/// `GET /settings/webhooks/{id}/delete`
pub async fn ask_delete(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Path(id): Path<WebhookId>,
) -> Answer {
    let webhook = Webhook::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let page = DeletePage { frame: who.frame(Here::Webhooks).await?, in_dialog: htmx.partial, webhook };
    htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/webhooks/{id}/delete`
pub async fn delete(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<WebhookId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    let webhook = Webhook::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::deleted(&app, &who, &htmx, &webhook).await
}
