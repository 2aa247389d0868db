//! How a change is told: in the page that is open, or by going to the one that shows it.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect};

use super::list::ListPage;
use super::show::{Search, ShowPage};
use super::{HOME, address};
use crate::error::Result;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::web::failure::Answer;
use crate::web::htmx::{REDIRECT, Tell, piece};
use crate::web::page::{HTML, render};
use crate::web::signed_in::SignedIn;

/// A webhook has changed: the list, or its page, changes in place.
pub async fn changed(who: &SignedIn, id: WebhookId, text: &str) -> Answer {
    if !who.htmx.partial {
        who.notice(text).await?;
        return Ok(Redirect::to(&address(&id)).into_response());
    }
    Ok((Tell::Done(text.to_owned()), [HTML], pieces(who, id).await?).into_response())
}

/// What of the open page shows this webhook, as it is now.
pub async fn pieces(who: &SignedIn, id: WebhookId) -> Result<String> {
    if who.htmx.is_at(&address(&id)) {
        let search = who.htmx.current.as_ref().and_then(|uri| Query::<Search>::try_from_uri(uri).ok());
        let search = search.map(|search| search.0).unwrap_or_default();
        let page = ShowPage::read(who, id, search).await?;
        return Ok(piece("webhook", "outerHTML", &render(&page.as_webhook())?));
    }
    let page = ListPage::read(who, Some(id)).await?;
    Ok(piece("list", "outerHTML", &render(&page.as_list())?))
}

/// A webhook is gone.
pub async fn deleted(who: &SignedIn, webhook: &Webhook) -> Answer {
    let text = format!("{} is deleted.", webhook.name);
    if who.htmx.is_at(HOME) {
        let page = ListPage::read(who, None).await?;
        let list = piece("list", "outerHTML", &render(&page.as_list())?);
        return Ok((Tell::Done(text), [HTML], list).into_response());
    }
    who.notice(&text).await?;
    Ok(match who.htmx.partial {
        true => ([(REDIRECT, HOME)], ()).into_response(),
        false => Redirect::to(HOME).into_response(),
    })
}
