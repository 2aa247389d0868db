//! One webhook: facts, and its deliveries.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, Query};
use serde::Deserialize;

use super::address;
use crate::error::Result;
use crate::id::WebhookId;
use crate::model::credential::Scope;
use crate::model::page::PAGE_SIZE;
use crate::model::webhook::Delivery;
use crate::model::webhook::claim::MAX_TRIES;
use crate::model::webhook::delivery::Status;
use crate::model::{Page, Turn, Webhook};
use crate::web::answer::Answer;
use crate::web::examples::{Tab, receivers};
use crate::web::page::{Frame, Here};
use crate::web::signed_in::SignedIn;
use crate::web::{shown, urlencoded};

#[derive(Template)]
#[template(path = "webhooks/show.html", blocks = ["webhook", "found"])]
pub struct ShowPage {
    frame: Frame,
    webhook: Webhook,
    search: Search,
    page: Page<Delivery>,
    examples: Vec<Tab>,
    /// How long deliveries are kept.
    kept: Duration,
}

/// As it was chosen or linked; what can't be understood is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Search {
    status: String,
    after: String,
    before: String,
}

/// `GET /settings/webhooks/{id}`
pub async fn show(who: SignedIn, Path(id): Path<WebhookId>, Query(search): Query<Search>) -> Answer {
    let page = ShowPage::read(&who, id, search).await?;
    who.htmx.answer(&page, &page.as_found())
}

impl ShowPage {
    pub async fn read(who: &SignedIn, id: WebhookId, search: Search) -> Result<Self> {
        let turn = Turn::new(Some(&search.after), Some(&search.before), PAGE_SIZE)?;
        let mut connection = who.app.db.read().await?;
        let webhook = Webhook::find(&mut connection, who.organization(), id).await?;
        let page = Delivery::page(&mut connection, (who.organization(), id), search.status(), &turn).await?;
        drop(connection);
        let (frame, kept) = (who.frame(Here::Webhooks).await?, who.app.config.keep_messages);
        Ok(Self { frame, webhook, search, page, examples: receivers(), kept })
    }

    /// Whether something on this page is about to change by itself.
    fn is_moving(&self) -> bool {
        let soon = |delivery: &Delivery| delivery.next_at <= self.frame.now.plus(Duration::from_secs(30));
        self.webhook.enabled
            && self.page.rows.iter().any(|delivery| delivery.status == Status::Pending && soon(delivery))
    }

    /// This very page.
    fn address(&self) -> String {
        self.search.address(&self.webhook.id, &self.search.after, &self.search.before)
    }

    fn turned(&self, after: &str, before: &str) -> String {
        self.search.address(&self.webhook.id, after, before)
    }

    /// The first page of those with this status; empty: all.
    fn with(&self, status: &str) -> String {
        Search { status: status.to_owned(), ..Search::default() }.address(&self.webhook.id, "", "")
    }
}

impl Search {
    fn status(&self) -> Option<Status> {
        self.status.parse().ok()
    }

    fn address(&self, id: &WebhookId, after: &str, before: &str) -> String {
        let query = urlencoded::query(&[("status", &self.status), ("after", after), ("before", before)]);
        if query.is_empty() { address(id) } else { format!("{}?{query}", address(id)) }
    }
}
