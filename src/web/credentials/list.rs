//! The table of credentials.

use askama::Template;
use axum::extract::Query as Search;
use axum::response::IntoResponse;

use super::query::Query;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::credential::{Mode, Sort, State as Shown, Status};
use crate::model::{Credential, Page};
use crate::web::answer::Answer;
use crate::web::htmx::{PUSH_URL, REPLACE_URL};
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;
use crate::web::smtp_server::SmtpServer;

/// The columns in their order.
const COLUMNS: [(Sort, &str); 7] = [
    (Sort::Name, "Name"),
    (Sort::Username, "Username"),
    (Sort::Status, "Status"),
    (Sort::Mode, "Mode"),
    (Sort::Scope, "Scope"),
    (Sort::LastUsed, "Last used"),
    (Sort::Created, "Created"),
];

#[derive(Template)]
#[template(path = "credentials/list.html", blocks = ["list", "found"])]
pub struct ListPage {
    frame: Frame,
    /// Host and port that applications are told.
    server: String,
    query: Query,
    page: Page<Credential>,
    /// How many there are, as people say it.
    counted: String,
    /// The one that has just changed.
    changed: Option<CredentialId>,
}

/// `GET /settings/smtp-credentials`
pub async fn list(who: SignedIn, Search(query): Search<Query>) -> Answer {
    let (address, header) = (query.address(), if query.is_turned() { PUSH_URL } else { REPLACE_URL });
    let page = ListPage::read(&who, query, None).await?;
    match who.htmx.partial {
        true => Ok(([(header, address)], html(&page.as_found())?).into_response()),
        false => html(&page),
    }
}

/// Whether this is the one that has just changed.
pub fn is(changed: &Option<CredentialId>, id: &CredentialId) -> bool {
    changed.as_ref() == Some(id)
}

impl ListPage {
    pub async fn read(who: &SignedIn, query: Query, changed: Option<CredentialId>) -> Result<Self> {
        let listing = query.listing()?;
        let mut connection = who.app.db.read().await?;
        let page = Credential::list(&mut connection, who.organization(), &listing, who.now).await?;
        let count = match page.total() {
            Some(count) => count,
            None => Credential::count(&mut connection, who.organization(), &listing.filter, who.now).await?,
        };
        drop(connection);
        let limit = Credential::COUNT_LIMIT;
        let counted = match count > limit {
            true => format!("More than {limit} credentials"),
            false => shown::count(&count, "credential"),
        };
        let server = SmtpServer::of(&who.app).to_string();
        Ok(Self { frame: who.frame(Here::Credentials).await?, server, query, page, counted, changed })
    }

    /// Whether there is none at all.
    fn is_bare(&self) -> bool {
        self.page.rows.is_empty() && self.query.filter().is_empty() && self.page.previous.is_none()
    }

    /// Where a column stands in the order: for `aria-sort`.
    fn direction(&self, column: &Sort) -> Option<&'static str> {
        let descending = self.query.is_descending();
        (self.query.sort() == *column).then_some(if descending { "descending" } else { "ascending" })
    }
}
