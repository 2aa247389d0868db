//! How a change is told: in the page that is open, or by going to the one that shows it.

use askama::Template;
use axum::response::{IntoResponse, Redirect};

use super::list::ListPage;
use super::query::Query;
use super::show::ShowPage;
use super::{HOME, address};
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::credential::{Mode, Status};
use crate::web::failure::Answer;
use crate::web::htmx::{Htmx, REDIRECT, Tell, piece};
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
pub async fn changed(app: &App, who: &SignedIn, htmx: &Htmx, id: CredentialId, text: &str) -> Answer {
    if !htmx.partial {
        who.notice(text).await?;
        return Ok(Redirect::to(&address(&id)).into_response());
    }
    let pieces = pieces(app, who, htmx, id).await?;
    Ok((Tell::Done(text.to_owned()), [HTML], pieces).into_response())
}

/// What of the open page shows this credential, as it is now.
pub async fn pieces(app: &App, who: &SignedIn, htmx: &Htmx, id: CredentialId) -> Result<String> {
    if htmx.is_at(&address(&id)) {
        let page = ShowPage::read(app, who, id).await?;
        return Ok(piece("credential", "outerHTML", &render(&page.as_credential())?));
    }
    let credential = Credential::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let row = render(&Row { credential: &credential, now: who.now, changed: Some(id) })?;
    Ok(piece(&format!("credential-{id}"), "outerHTML", &row))
}

/// The list with one more or one less, if it is open.
pub async fn list(app: &App, who: &SignedIn, htmx: &Htmx, changed: Option<CredentialId>) -> Result<String> {
    if !htmx.is_at(HOME) {
        return Ok(String::new());
    }
    let query = htmx.current.as_ref().and_then(|uri| axum::extract::Query::<Query>::try_from_uri(uri).ok());
    let query = query.map(|query| query.0).unwrap_or_default();
    let page = ListPage::read(app, who, query, changed).await?;
    Ok(piece("list", "outerHTML", &render(&page.as_list())?))
}

/// A credential is gone.
pub async fn deleted(app: &App, who: &SignedIn, htmx: &Htmx, id: CredentialId, text: &str) -> Answer {
    if !htmx.partial || htmx.is_at(&address(&id)) {
        who.notice(text).await?;
        return Ok(match htmx.partial {
            true => ([(REDIRECT, HOME)], ()).into_response(),
            false => Redirect::to(HOME).into_response(),
        });
    }
    Ok((Tell::Done(text.to_owned()), [HTML], list(app, who, htmx, None).await?).into_response())
}
