//! Webhooks: endpoints that hear what happens to messages and credentials, signed as Standard Webhooks says.
//!
//! What is to be told is written to the database in the transaction of what it reports ([`Report`]); a job delivers it at least
//! once ([`claim`], [`delivery`]).

pub mod address;
mod change;
pub mod claim;
pub mod delivery;
mod draft;
mod event_type;
mod outbox;
mod sample;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

pub use address::AllowedNetworks;
pub use change::Overlap;
pub use delivery::Delivery;
pub use draft::Draft;
pub use event_type::EventType;
pub use outbox::{News, Report, Told};

use super::credential::{Scope, split_domains};
use super::event::Subject;
use super::hold;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{OrganizationId, WebhookId};
use crate::secret::WebhookSecret;

/// The most webhooks that one organization may have: each message writes a line for each of them.
pub const MAX_WEBHOOKS: i64 = 20;

/// A webhook as its members see it: without its secret.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: WebhookId,
    pub name: String,
    pub url: String,
    /// None: it is told of nothing.
    pub events: Vec<EventType>,
    pub scope: Scope,
    /// Names of the domains of a scoped one, in order; empty for a global one.
    pub domains: Vec<String>,
    pub enabled: bool,
    /// A sentence, where Gatepost switched it off by itself; or empty.
    pub disabled_because: String,
    /// How long the secret before the last rotation goes on signing too.
    pub previous_until: Option<Timestamp>,
    /// Tries with and without success, since it was made.
    pub successes: i64,
    pub failures: i64,
    /// … since the last success.
    pub failures_in_a_row: i64,
    pub last_request_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The newest change by whoever; tries change nothing.
    pub updated_at: Timestamp,
    /// The label of who created it.
    pub created_by: String,
}

/// A webhook together with its secret: after creation and rotation, once.
#[derive(Debug)]
pub struct IssuedWebhook {
    pub webhook: Webhook,
    pub secret: WebhookSecret,
}

const SELECT: &str = "SELECT id, name, url, events, scope, domains, enabled, disabled_because, previous_until, successes, \
     failures, failures_in_a_row, last_request_at, created_at, updated_at, created_by FROM webhooks";

impl Webhook {
    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: WebhookId,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE organization = $1 AND id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("webhook"))
    }

    /// Finds it, and lets nobody else change it until the transaction ends.
    pub async fn find_to_change(tx: &mut Tx, organization: OrganizationId, id: WebhookId) -> Result<Self> {
        hold(tx, "webhooks", organization, id.to_string()).await?;
        Self::find(tx, organization, id).await
    }

    /// All of them (at most [`MAX_WEBHOOKS`]), by name.
    pub async fn all(connection: &mut AnyConnection, organization: OrganizationId) -> Result<Vec<Self>> {
        let sql = format!("{SELECT} WHERE organization = $1 ORDER BY sort_name, id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).fetch_all(connection).await?)
    }

    /// Until when two secrets sign, while they do.
    pub fn overlap(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous_until.filter(|until| *until > now)
    }

    fn subject(&self) -> Subject<'_, WebhookId> {
        Subject { id: self.id, label: &self.name }
    }
}

impl<'r> sqlx::FromRow<'r, AnyRow> for Webhook {
    fn from_row(row: &'r AnyRow) -> sqlx::Result<Self> {
        let enabled: i16 = row.try_get("enabled")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            url: row.try_get("url")?,
            events: EventType::split(row.try_get("events")?),
            scope: row.try_get("scope")?,
            domains: split_domains(row.try_get("domains")?),
            enabled: enabled == 1,
            disabled_because: row.try_get("disabled_because")?,
            previous_until: row.try_get("previous_until")?,
            successes: row.try_get("successes")?,
            failures: row.try_get("failures")?,
            failures_in_a_row: row.try_get("failures_in_a_row")?,
            last_request_at: row.try_get("last_request_at")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            created_by: row.try_get("created_by")?,
        })
    }
}
