//! Revoke, re-enable, delete.

use askama::Template;
use axum::extract::{Path, State};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::told;
use crate::app::App;
use crate::error::{Error, Problems, Result};
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::State as Shown;
use crate::web::failure::Answer;
use crate::web::htmx::Htmx;
use crate::web::page::{Frame, Here};
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "credentials/revoke.html", blocks = ["dialog"])]
struct RevokePage {
    frame: Frame,
    in_dialog: bool,
    credential: Credential,
}

#[derive(Template)]
#[template(path = "credentials/delete.html", blocks = ["dialog"])]
struct DeletePage {
    frame: Frame,
    in_dialog: bool,
    credential: Credential,
    /// What was typed.
    confirmation: String,
    problems: Problems,
}

#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    confirmation: String,
}

/// `GET /settings/smtp-credentials/{id}/revoke`
pub async fn ask_revoke(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Path(id): Path<CredentialId>,
) -> Answer {
    let credential = Credential::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let page = RevokePage { frame: who.frame(Here::Credentials).await?, in_dialog: htmx.partial, credential };
    htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/smtp-credentials/{id}/revoke`
pub async fn revoke(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<CredentialId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    Credential::revoke(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::changed(&app, &who, &htmx, id, "Revoked. It is refused from now on.").await
}

/// `POST /settings/smtp-credentials/{id}/enable`
pub async fn enable(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<CredentialId>,
) -> Answer {
    let mut tx = app.db.begin().await?;
    let credential = Credential::enable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    let text = match credential.state(who.now) {
        Shown::Expired => "Re-enabled, but expired: give it a later expiry to let it in.",
        _ => "Re-enabled. The same password works again.",
    };
    told::changed(&app, &who, &htmx, id, text).await
}

/// `GET /settings/smtp-credentials/{id}/delete`
pub async fn ask_delete(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Path(id): Path<CredentialId>,
) -> Answer {
    let page = delete_page(&app, &who, &htmx, id).await?;
    htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/smtp-credentials/{id}/delete`
pub async fn delete(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<CredentialId>,
    Form(Confirmation { confirmation }): Form<Confirmation>,
) -> Answer {
    let page = delete_page(&app, &who, &htmx, id).await?;
    if let Err(Error::Invalid(problems)) = page.credential.check_confirmation(&confirmation) {
        let page = DeletePage { confirmation, problems, ..page };
        return htmx.refuse(&page, &page.as_dialog());
    }
    let mut tx = app.db.begin().await?;
    let credential = Credential::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::deleted(&app, &who, &htmx, id, &format!("{} is deleted.", credential.label())).await
}

async fn delete_page(app: &App, who: &SignedIn, htmx: &Htmx, id: CredentialId) -> Result<DeletePage> {
    let credential = Credential::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let (frame, in_dialog) = (who.frame(Here::Credentials).await?, htmx.partial);
    Ok(DeletePage {
        frame,
        in_dialog,
        credential,
        confirmation: String::new(),
        problems: Problems::default(),
    })
}
