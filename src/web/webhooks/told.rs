//! How a change is told: in the page that is open, or by going to the one that shows it.

use super::list::ListPage;
use super::show::ShowPage;
use super::{HOME, address};
use crate::error::Result;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::web::answer::Answer;
use crate::web::htmx::piece;
use crate::web::signed_in::SignedIn;

/// A webhook has changed: the list, or its page, changes in place.
pub async fn changed(who: &SignedIn, id: WebhookId, text: &str) -> Answer {
    who.told(text, &address(&id), pieces(who, id)).await
}

/// What of the open page shows this webhook, as it is now.
pub async fn pieces(who: &SignedIn, id: WebhookId) -> Result<String> {
    if who.htmx.is_at(&address(&id)) {
        return piece("webhook", &ShowPage::read(who, id, who.htmx.query()).await?.as_webhook());
    }
    list(who, Some(id)).await
}

async fn list(who: &SignedIn, changed: Option<WebhookId>) -> Result<String> {
    piece("list", &ListPage::read(who, changed).await?.as_list())
}

/// A webhook is gone.
pub async fn deleted(who: &SignedIn, webhook: &Webhook) -> Answer {
    let text = format!("{} is deleted.", webhook.name);
    match who.htmx.is_at(HOME) {
        true => who.told(&text, HOME, list(who, None)).await,
        false => who.told_at(&text, HOME).await,
    }
}
