//! The table of credentials: search, filters, order, pages by cursor.

use std::time::Duration;

use sqlx::AnyConnection;

use super::{Credential, Mode, SELECT, State};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::OrganizationId;
use crate::model::name;
use crate::model::page::{Keyset, Order, Page, Turn, Value, part_of_text};
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
    /// Only those that are scoped to some of these domains, and to no others.
    pub within: Option<Vec<String>>,
}

/// A list to read: what, in which order, which page.
#[derive(Clone, Debug)]
pub struct Listing {
    pub filter: Filter,
    pub sort: Sort,
    pub descending: bool,
    pub turn: Turn,
}

impl Filter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.search.trim().is_empty()
            && self.state.is_none()
            && self.mode.is_none()
            && self.unused_for.is_none()
            && self.within.is_none()
    }

    /// The conditions, with their parameters from `$2` on (`$1` is the organization).
    fn conditions(&self, now: Timestamp) -> (String, Vec<Value>) {
        let mut sql = String::from(" WHERE organization = $1");
        let mut values = Vec::new();
        let mut parameter = |value: Value| {
            values.push(value);
            format!("${}", values.len() + 1)
        };
        if let Some(part) = part_of_text(&self.search, name::MAX_CHARACTERS) {
            let part = parameter(part);
            sql.push_str(&format!(
                " AND (sort_name LIKE {part} ESCAPE '\\' OR lower(username) LIKE {part} ESCAPE '\\')"
            ));
        }
        sql.push_str(match self.state {
            None => "",
            Some(State::Revoked) => " AND status = 'revoked'",
            Some(State::Active | State::Expired) => " AND status = 'active'",
        });
        if let Some(state @ (State::Active | State::Expired)) = self.state {
            let now = parameter(Value::Number(now.as_micros()));
            sql.push_str(&match state {
                State::Expired => format!(" AND expires_at <= {now}"),
                _ => format!(" AND (expires_at IS NULL OR expires_at > {now})"),
            });
        }
        if let Some(mode) = self.mode {
            sql.push_str(&format!(" AND mode = {}", parameter(Value::Text(mode.to_string()))));
        }
        if let Some(unused) = self.unused_for {
            let limit = parameter(Value::Number(now.minus(unused).as_micros()));
            sql.push_str(&format!(" AND last_used_at < {limit} AND created_at < {limit}"));
        }
        if let Some(within) = &self.within {
            let names: Vec<String> = within.iter().map(|name| parameter(Value::Text(name.clone()))).collect();
            let names = if names.is_empty() { "''".to_owned() } else { names.join(", ") };
            let scoped = "SELECT 1 FROM credential_domains s JOIN domains d ON d.id = s.domain \
                          WHERE s.credential = credentials.id";
            sql.push_str(&format!(
                " AND scope = 'scoped' AND EXISTS ({scoped}) AND NOT EXISTS ({scoped} AND d.name NOT IN ({names}))"
            ));
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
    /// Credentials are counted up to this many: beyond it the exact number tells nobody anything, and costs time.
    pub const COUNT_LIMIT: i64 = 500;

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
        let query = values.into_iter().fold(query, |query, value| value.bind(query));
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |credential: &Self| (listing.sort.key(credential), credential.id.to_string())))
    }

    /// How many there are, at most [`Credential::COUNT_LIMIT`] + 1.
    pub async fn count(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        filter: &Filter,
        now: Timestamp,
    ) -> Result<i64> {
        let (conditions, values) = filter.conditions(now);
        let limit = Self::COUNT_LIMIT + 1;
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM credentials{conditions} LIMIT {limit}) AS counted"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
        let query = values.into_iter().fold(query, |query, value| value.bind(query));
        let (count,): (i64,) = query.fetch_one(connection).await?;
        Ok(count)
    }
}
