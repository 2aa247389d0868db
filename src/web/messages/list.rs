//! The table of messages. While its first page is looked at, it asks every few seconds for news, and is given the table only
//! when that has changed.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::Query as Search;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use super::query::Query;
use crate::error::Result;
use crate::http::requests::Routine;
use crate::id::{CredentialId, OrganizationId};
use crate::model::credential::{self, Mode};
use crate::model::message::{Found, Listing, Outcome};
use crate::model::{Credential, Domain, Message, Turn};
use crate::secret::hex;
use crate::web::answer::Answer;
use crate::web::htmx::{PUSH_URL, REPLACE_URL};
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;
use crate::web::smtp_server::SmtpServer;

/// Credentials to choose from, those that were used last. The page of each of the others leads here too.
const CREDENTIALS: usize = 100;
/// What a page has seen that shows no message.
const NONE: &str = "none";

#[derive(Template)]
#[template(path = "messages/list.html", blocks = ["list", "found"])]
struct ListPage {
    frame: Frame,
    query: Query,
    found: Found,
    /// How many of the first rows have come since the page was shown that asks.
    fresh: usize,
    credentials: Vec<Credential>,
    /// Where nothing is found: the filters without which there is something.
    better: Vec<(&'static str, Query)>,
    /// Where there is no message at all: what is to be done about the domains before one can be sent.
    first_step: Option<&'static str>,
    /// Host and port that applications are told.
    server: String,
    /// How long lines, and what messages hold, are kept.
    kept: (Duration, Duration),
}

/// `GET /messages`
pub async fn list(who: SignedIn, Search(mut query): Search<Query>) -> Answer {
    let seen = std::mem::take(&mut query.seen);
    let has_filters = !who.htmx.partial || seen == NONE;
    let mut page = ListPage::read(&who, query, has_filters).await?;
    if page.found.page.rows.is_empty() && seen.is_empty() {
        page.better = better(&mut *who.app.db.read().await?, who.organization(), &page.query).await?;
    }
    Ok(match (who.htmx.partial, seen.as_str()) {
        (false, _) => html(&page)?,
        (true, "") => {
            let header = if page.query.is_first_page() { REPLACE_URL } else { PUSH_URL };
            ([(header, page.query.address())], html(&page.as_found())?).into_response()
        }
        (true, seen) => (Extension(Routine), page.news_since(seen)?).into_response(),
    })
}

impl ListPage {
    /// `has_filters`: whether it is shown with them, or is put below them.
    async fn read(who: &SignedIn, mut query: Query, has_filters: bool) -> Result<Self> {
        let organization = who.organization();
        let mut connection = who.app.db.read().await?;
        let mut found = Message::list(&mut connection, organization, &query.listing()?).await?;
        if !query.before.is_empty() && found.page.previous.is_none() {
            // Back at the beginning: the first page, whole, where new messages appear.
            query.before.clear();
            found = Message::list(&mut connection, organization, &query.listing()?).await?;
        }
        let credentials = match has_filters {
            true => credentials(&mut connection, who, &query).await?,
            false => Vec::new(),
        };
        let first_step = match found.page.rows.is_empty() {
            true => first_step(&mut connection, who).await?,
            false => None,
        };
        drop(connection);
        let frame = who.frame(Here::Messages).await?;
        let kept = (who.app.config.keep_messages, who.app.config.keep_message_content);
        let server = SmtpServer::of(&who.app).to_string();
        let (fresh, better) = (0, Vec::new());
        Ok(Self { frame, query, found, fresh, credentials, better, first_step, server, kept })
    }

    /// Whether there is none at all.
    fn is_bare(&self) -> bool {
        self.found.page.rows.is_empty() && self.query.filter().is_empty() && self.query.is_first_page()
    }

    /// The id of the first row, or nothing, and a sum over all rows that changes once a minute too, with the times that they show.
    fn seen(&self) -> String {
        let rows = &self.found.page.rows;
        let Some(first) = rows.first() else { return NONE.to_owned() };
        let mut sum = Sha256::new();
        rows.iter().for_each(|message| sum.update(format!("{} {} ", message.id, message.outcome)));
        sum.update((self.frame.now.as_micros() / 60_000_000).to_string());
        format!("{}.{}", first.id, hex(&sum.finalize()[..6]))
    }

    /// The answer to a page that has `seen` shown: nothing where it would show the same again. A page without any message has
    /// no filters either, and is given both.
    fn news_since(mut self, seen: &str) -> Answer {
        if self.seen() == seen {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let first = seen.split('.').next().unwrap_or_default();
        let rows = &self.found.page.rows;
        self.fresh = rows.iter().position(|message| message.id.to_string() == first).unwrap_or(rows.len());
        match seen == NONE && self.query.filter().is_empty() {
            true => html(&self.as_list()),
            false => html(&self.as_found()),
        }
    }

    /// What is said of the news to those who don't see them appear.
    fn told(&self) -> String {
        match (self.fresh, self.found.page.rows.first()) {
            (1, Some(message)) => format!("New message: {}", subject(&message.subject)),
            (0, _) | (_, None) => String::new(),
            (many, _) => format!("{many} new messages"),
        }
    }

    fn is_chosen(&self, id: &CredentialId) -> bool {
        self.query.filter().credential.as_ref() == Some(id)
    }

    /// Whether the credential that was chosen is not among those to choose from.
    fn has_other_chosen(&self) -> bool {
        self.query.filter().credential.is_some()
            && !self.credentials.iter().any(|one| self.is_chosen(&one.id))
    }
}

/// The subject, or that there is none.
pub fn subject(text: &str) -> &str {
    if text.trim().is_empty() { "No subject" } else { text }
}

/// What is missing while no domain can send.
async fn first_step(connection: &mut AnyConnection, who: &SignedIn) -> Result<Option<&'static str>> {
    let domains = Domain::all(connection, who.organization()).await?;
    Ok(match domains.iter().any(|domain| domain.is_usable_at(who.now)) {
        true => None,
        false if domains.is_empty() => Some("Add a domain"),
        false => Some("Verify a domain"),
    })
}

/// Those that were used last, and the chosen one.
async fn credentials(
    connection: &mut AnyConnection,
    who: &SignedIn,
    query: &Query,
) -> Result<Vec<Credential>> {
    let listing = credential::Listing {
        filter: credential::Filter::default(),
        sort: credential::Sort::LastUsed,
        descending: true,
        turn: Turn::first(CREDENTIALS),
    };
    let mut found = Credential::list(connection, who.organization(), &listing, who.now).await?.rows;
    let chosen = query.filter().credential;
    if let Some(id) = chosen.filter(|id| !found.iter().any(|one| one.id == *id)) {
        found.extend(Credential::find(connection, who.organization(), id).await.ok());
    }
    Ok(found)
}

/// The filters without which there is at least one message.
async fn better(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    query: &Query,
) -> Result<Vec<(&'static str, Query)>> {
    let mut better = Vec::new();
    for (name, less) in query.without_one() {
        let listing = Listing { filter: less.filter(), turn: Turn::first(1) };
        if !Message::list(connection, organization, &listing).await?.page.rows.is_empty() {
            better.push((name, less));
        }
    }
    Ok(better)
}
