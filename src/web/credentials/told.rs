//! How a change is told: in the page that is open, or by going to the one that shows it.

use askama::Template;

use super::list::ListPage;
use super::show::ShowPage;
use super::{HOME, address};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::{Mode, Status};
use crate::web::answer::Answer;
use crate::web::htmx::piece;
use crate::web::signed_in::SignedIn;

/// One row of the table, to go in place of the one that is there.
#[derive(Template)]
#[template(
    source = r#"{% import "credentials/row.html" as rows %}{{ rows::row(credential, now, changed) }}"#,
    ext = "html"
)]
struct Row<'a> {
    credential: &'a Credential,
    now: Timestamp,
    changed: Option<CredentialId>,
}

/// A credential has changed: its row, or its page, changes in place.
pub async fn changed(who: &SignedIn, id: CredentialId, text: &str) -> Answer {
    who.told(text, &address(&id), pieces(who, id)).await
}

/// What of the open page shows this credential, as it is now.
pub async fn pieces(who: &SignedIn, id: CredentialId) -> Result<String> {
    if who.htmx.is_at(&address(&id)) {
        return piece("credential", &ShowPage::read(who, id).await?.as_credential());
    }
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let row = Row { credential: &credential, now: who.now, changed: Some(id) };
    piece(&format!("credential-{id}"), &row)
}

/// The list with one more or one less, if it is open.
pub async fn list(who: &SignedIn, changed: Option<CredentialId>) -> Result<String> {
    if !who.htmx.is_at(HOME) {
        return Ok(String::new());
    }
    piece("list", &ListPage::read(who, who.htmx.query(), changed).await?.as_list())
}

/// A credential is gone.
pub async fn deleted(who: &SignedIn, id: CredentialId, text: &str) -> Answer {
    match who.htmx.is_at(&address(&id)) {
        true => who.told_at(text, HOME).await,
        false => who.told(text, HOME, list(who, None)).await,
    }
}
