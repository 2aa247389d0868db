//! Delete.

use askama::Template;
use axum::extract::Path;

use super::list::changed;
use crate::id::ApiKeyId;
use crate::model::ApiKey;
use crate::web::answer::Answer;
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
pub async fn ask_delete(who: SignedIn, Path(id): Path<ApiKeyId>) -> Answer {
    let key = ApiKey::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let page = DeletePage { frame: who.frame(Here::ApiKeys).await?, in_dialog: who.htmx.partial, key };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/api-keys/{id}/delete`
pub async fn delete(who: SignedIn, Path(id): Path<ApiKeyId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let key = ApiKey::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    changed(&who, None, &format!("{} is deleted.", key.label)).await
}
