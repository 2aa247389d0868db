//! The table of credentials: search, filters, order, pages by cursor.

use std::time::Duration;

use sqlx::AnyConnection;

use super::{Credential, Mode, SELECT, State};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::OrganizationId;
use crate::model::page::{Keyset, Order, Page, Turn};
use crate::model::words;

words! {
    /// The column that the table is sorted by.
    Sort {
        Name = "name",
        Username = "username",
        Status = "status",
        Mode = "mode",
        Scope = "scope",
        LastUsed = "last_used",
        Created = "created",
    }
}

/// Which credentials to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name or username, in any case; empty: all.
    pub search: String,
    pub state: Option<State>,
    pub mode: Option<Mode>,
    /// Neither used nor created within this time.
    pub unused_for: Option<Duration>,
}

/// A list to read: what, in which order, which page.
#[derive(Clone, Debug)]
pub struct Listing {
    pub filter: Filter,
    pub sort: Sort,
    pub descending: bool,
    pub turn: Turn,
}

/// Credentials are counted up to this many: beyond it the exact number tells nobody anything, and costs time.
pub const COUNT_LIMIT: i64 = 1_000;

impl Filter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.search.trim().is_empty()
            && self.state.is_none()
            && self.mode.is_none()
            && self.unused_for.is_none()
    }

    /// The conditions, with their text parameters from `$2` on (`$1` is the organization).
    fn conditions(&self, now: Timestamp) -> (String, Vec<String>) {
        let mut sql = String::from(" WHERE organization = $1");
        let mut values = Vec::new();
        let search = self.search.trim();
        if !search.is_empty() {
            values.push(format!("%{}%", escape_like(&search.to_lowercase())));
            sql.push_str(" AND (sort_name LIKE $2 ESCAPE '\\' OR lower(username) LIKE $2 ESCAPE '\\')");
        }
        let now_micros = now.as_micros();
        sql.push_str(&match self.state {
            None => String::new(),
            Some(State::Revoked) => " AND status = 'revoked'".to_owned(),
            Some(State::Active) => {
                format!(" AND status = 'active' AND (expires_at IS NULL OR expires_at > {now_micros})")
            }
            Some(State::Expired) => format!(" AND status = 'active' AND expires_at <= {now_micros}"),
        });
        if let Some(mode) = self.mode {
            sql.push_str(&format!(" AND mode = '{mode}'"));
        }
        if let Some(unused) = self.unused_for {
            let limit = now.minus(unused).as_micros();
            sql.push_str(&format!(" AND last_used_at < {limit} AND created_at < {limit}"));
        }
        (sql, values)
    }
}

impl Sort {
    const fn order(self, descending: bool) -> Order {
        let (column, is_number) = match self {
            Self::Name => ("sort_name", false),
            Self::Username => ("username", false),
            Self::Status => ("status", false),
            Self::Mode => ("mode", false),
            Self::Scope => ("scope", false),
            Self::LastUsed => ("last_used_at", true),
            Self::Created => ("created_at", true),
        };
        Order { column, is_number, descending }
    }

    /// A credential's value in the column.
    fn key(self, credential: &Credential) -> String {
        match self {
            Self::Name => credential.name.to_lowercase(),
            Self::Username => credential.username.clone(),
            Self::Status => credential.status.to_string(),
            Self::Mode => credential.mode.to_string(),
            Self::Scope => credential.scope.to_string(),
            Self::LastUsed => credential.last_used.as_ref().map_or(0, |used| used.at.as_micros()).to_string(),
            Self::Created => credential.created_at.as_micros().to_string(),
        }
    }
}

impl Credential {
    pub async fn list(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(listing.sort.order(listing.descending), &listing.turn)?;
        let (conditions, values) = listing.filter.conditions(now);
        let sql = format!("{SELECT}{conditions}{}", keyset.tail(values.len() + 2));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
        let query = values.into_iter().fold(query, |query, value| query.bind(value));
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |credential: &Self| (listing.sort.key(credential), credential.id.to_string())))
    }

    /// How many there are, at most [`COUNT_LIMIT`] + 1.
    pub async fn count(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        filter: &Filter,
        now: Timestamp,
    ) -> Result<i64> {
        let (conditions, values) = filter.conditions(now);
        let limit = COUNT_LIMIT + 1;
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM credentials{conditions} LIMIT {limit}) AS some"
        );
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization);
        let query = values.into_iter().fold(query, |query, value| query.bind(value));
        Ok(query.fetch_one(connection).await?)
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
