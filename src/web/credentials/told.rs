//! How a change is told: in the page that is open, or by going to the one that shows it.

use askama::Template;
use axum::response::{IntoResponse, Redirect};

use super::list::ListPage;
use super::query::Query;
use super::show::ShowPage;
use super::{HOME, address};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::{Mode, Status};
use crate::web::failure::Answer;
use crate::web::htmx::{REDIRECT, Tell, piece};
use crate::web::page::{HTML, render};
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
    if !who.htmx.partial {
        who.notice(text).await?;
        return Ok(Redirect::to(&address(&id)).into_response());
    }
    let pieces = pieces(who, id).await?;
    Ok((Tell::Done(text.to_owned()), [HTML], pieces).into_response())
}

/// What of the open page shows this credential, as it is now.
pub async fn pieces(who: &SignedIn, id: CredentialId) -> Result<String> {
    if who.htmx.is_at(&address(&id)) {
        let page = ShowPage::read(who, id).await?;
        return Ok(piece("credential", "outerHTML", &render(&page.as_credential())?));
    }
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let row = render(&Row { credential: &credential, now: who.now, changed: Some(id) })?;
    Ok(piece(&format!("credential-{id}"), "outerHTML", &row))
}

/// The list with one more or one less, if it is open.
pub async fn list(who: &SignedIn, changed: Option<CredentialId>) -> Result<String> {
    if !who.htmx.is_at(HOME) {
        return Ok(String::new());
    }
    let query =
        who.htmx.current.as_ref().and_then(|uri| axum::extract::Query::<Query>::try_from_uri(uri).ok());
    let query = query.map(|query| query.0).unwrap_or_default();
    let page = ListPage::read(who, query, changed).await?;
    Ok(piece("list", "outerHTML", &render(&page.as_list())?))
}

/// A credential is gone.
pub async fn deleted(who: &SignedIn, id: CredentialId, text: &str) -> Answer {
    if !who.htmx.partial || who.htmx.is_at(&address(&id)) {
        who.notice(text).await?;
        return Ok(match who.htmx.partial {
            true => ([(REDIRECT, HOME)], ()).into_response(),
            false => Redirect::to(HOME).into_response(),
        });
    }
    Ok((Tell::Done(text.to_owned()), [HTML], list(who, None).await?).into_response())
}
