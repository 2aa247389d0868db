//! A password that is shown once: after creation and after rotation.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::told;
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::{Grace, IssuedCredential, State as Shown};
use crate::web::answer::Answer;
use crate::web::examples::{Tab, tabs};
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;
use crate::web::smtp_server::SmtpServer;

/// A new password on its way to the one who asked for it.
pub struct Issued {
    issued: IssuedCredential,
    /// Whether the credential is new too.
    created: bool,
}

#[derive(Template)]
#[template(path = "credentials/secret.html", blocks = ["dialog"])]
struct SecretPage<'a> {
    frame: Frame,
    created: bool,
    credential: &'a Credential,
    password: &'a str,
    server: SmtpServer,
    examples: Vec<Tab>,
}

#[derive(Template)]
#[template(path = "credentials/rotate.html", blocks = ["dialog"])]
struct RotatePage {
    frame: Frame,
    in_dialog: bool,
    credential: Credential,
    state: Shown,
}

#[derive(Deserialize)]
pub struct Rotation {
    grace: Grace,
}

/// `GET /settings/smtp-credentials/{id}/rotate`
pub async fn ask_rotate(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let state = credential.state(who.now);
    let frame = who.frame(Here::Credentials).await?;
    let page = RotatePage { frame, in_dialog: who.htmx.partial, credential, state };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/smtp-credentials/{id}/rotate`
pub async fn rotate(
    who: SignedIn,
    Path(id): Path<CredentialId>,
    Form(Rotation { grace }): Form<Rotation>,
) -> Answer {
    let current = Credential::current_hash(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let fresh = who.app.hashing().fresh_beside(current).await?;
    let mut tx = who.app.db.begin().await?;
    let issued = Credential::rotate(&mut tx, &who.actor(), id, grace.duration(), fresh).await?;
    tx.commit().await?;
    Issued { issued, created: false }.show(&who).await
}

/// `POST /settings/smtp-credentials/{id}/end-grace`
pub async fn end_grace(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let credential = Credential::end_grace(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    let text = format!("The old password of {} is refused from now on.", credential.label());
    told::changed(&who, id, &text).await
}

impl Issued {
    pub fn new(issued: IssuedCredential) -> Self {
        Self { issued, created: true }
    }

    /// The answer that holds the password.
    pub async fn show(self, who: &SignedIn) -> Answer {
        let Self { issued: IssuedCredential { credential, password }, created } = &self;
        let server = SmtpServer::of(&who.app);
        let page = SecretPage {
            frame: who.frame(Here::Credentials).await?,
            created: *created,
            examples: tabs(&server, &credential.username, Some(password)),
            credential,
            password: password.expose(),
            server,
        };
        let pieces = async {
            match created {
                true => told::list(who, Some(credential.id)).await,
                false => told::pieces(who, credential.id).await,
            }
        };
        who.shown_once(&page, &page.as_dialog(), pieces).await
    }
}
