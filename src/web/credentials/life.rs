//! Revoke, re-enable, delete.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::told;
use crate::error::{Problems, Result};
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::State as Shown;
use crate::web::answer::Answer;
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
pub async fn ask_revoke(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let page =
        RevokePage { frame: who.frame(Here::Credentials).await?, in_dialog: who.htmx.partial, credential };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/smtp-credentials/{id}/revoke`
pub async fn revoke(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let credential = Credential::revoke(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    let text = format!("{} is revoked: it is refused from now on.", credential.label());
    told::changed(&who, id, &text).await
}

/// `POST /settings/smtp-credentials/{id}/enable`
pub async fn enable(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let credential = Credential::enable(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    let what = match credential.state(who.now) {
        Shown::Expired => "re-enabled, but expired: give it a later expiry to let it in.",
        _ => "re-enabled: the same password works again.",
    };
    told::changed(&who, id, &format!("{} is {what}", credential.label())).await
}

/// `GET /settings/smtp-credentials/{id}/delete`
pub async fn ask_delete(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let page = delete_page(&who, id).await?;
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/smtp-credentials/{id}/delete`
pub async fn delete(
    who: SignedIn,
    Path(id): Path<CredentialId>,
    Form(Confirmation { confirmation }): Form<Confirmation>,
) -> Answer {
    let page = delete_page(&who, id).await?;
    if let Err(error) = page.credential.check_confirmation(&confirmation) {
        let page = DeletePage { confirmation, problems: error.problems()?, ..page };
        return who.htmx.refuse(&page, &page.as_dialog());
    }
    let mut tx = who.app.db.begin().await?;
    let credential = Credential::delete(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    told::deleted(&who, id, &format!("{} is deleted.", credential.label())).await
}

async fn delete_page(who: &SignedIn, id: CredentialId) -> Result<DeletePage> {
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let (frame, in_dialog) = (who.frame(Here::Credentials).await?, who.htmx.partial);
    Ok(DeletePage {
        frame,
        in_dialog,
        credential,
        confirmation: String::new(),
        problems: Problems::default(),
    })
}
