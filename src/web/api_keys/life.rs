//! Delete.

use askama::Template;
use axum::extract::{Path, State};

use super::list::changed;
use crate::app::App;
use crate::id::ApiKeyId;
use crate::model::ApiKey;
use crate::web::failure::Answer;
use crate::web::htmx::Htmx;
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "api_keys/delete.html", blocks = ["dialog"])]
struct DeletePage {
    frame: Frame,
    in_dialog: bool,
    key: ApiKey,
}

/// `GET /settings/api-keys/{id}/delete`
pub async fn ask_delete(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Path(id): Path<ApiKeyId>,
) -> Answer {
    let key = ApiKey::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let page = DeletePage { frame: who.frame(Here::ApiKeys).await?, in_dialog: htmx.partial, key };
    htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/api-keys/{id}/delete`
pub async fn delete(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<ApiKeyId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    let key = ApiKey::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    changed(&app, &who, &htmx, None, &format!("{} is deleted.", key.label)).await
}
