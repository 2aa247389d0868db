//! What was sent, month by month: of the organization, of one credential, of each credential in one month.

use std::collections::HashMap;

use sqlx::AnyConnection;

use super::{Month, Usage};
use crate::db::places;
use crate::error::{Error, Result};
use crate::id::{CredentialId, OrganizationId};
use crate::model::credential::{LABEL, Mode};
use crate::model::page::{Keyset, Order, Page, Turn};

/// How many messages were sent, and to how many recipients those of production went: one credit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    pub production: i64,
    pub recipients: i64,
    pub sandbox: i64,
}

/// Some months in a row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: Month,
    pub last: Month,
}

/// What one credential sent in a month.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CredentialCounts {
    pub id: CredentialId,
    /// Its newest name, or its username; it may be deleted.
    pub label: String,
    /// Of both modes.
    pub messages: i64,
    #[sqlx(flatten)]
    pub counts: Counts,
}

/// Each month of a span, newest first.
pub type Months = Vec<(Month, Counts)>;

/// One line of the table as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct UsageRow {
    pub month: Month,
    pub credential: CredentialId,
    pub credential_label: String,
    pub mode: Mode,
    pub messages: i64,
    pub recipients: i64,
}

#[derive(sqlx::FromRow)]
struct MonthCounts {
    month: Month,
    #[sqlx(flatten)]
    counts: Counts,
}

#[derive(sqlx::FromRow)]
struct CredentialMonth {
    credential: CredentialId,
    month: Month,
    #[sqlx(flatten)]
    counts: Counts,
}

const SUMS: &str = "CAST(SUM(CASE WHEN mode = 'production' THEN messages ELSE 0 END) AS BIGINT) AS production, \
     CAST(SUM(CASE WHEN mode = 'production' THEN recipients ELSE 0 END) AS BIGINT) AS recipients, \
     CAST(SUM(CASE WHEN mode = 'sandbox' THEN messages ELSE 0 END) AS BIGINT) AS sandbox";

impl Span {
    /// So many months up to `last`.
    pub fn up_to(last: Month, months: u32) -> Self {
        Self { first: last.back(months.saturating_sub(1)), last }
    }

    /// Newest first.
    pub fn months(self) -> impl DoubleEndedIterator<Item = Month> {
        (0..=self.last.months_since(self.first)).map(move |months| self.last.back(months))
    }

    /// Each month with what is counted of it; nothing was sent in the others.
    fn filled(self, counted: impl Fn(Month) -> Option<Counts>) -> Months {
        self.months().map(|month| (month, counted(month).unwrap_or_default())).collect()
    }
}

impl Counts {
    /// Messages of both modes.
    pub fn messages(&self) -> i64 {
        self.production.saturating_add(self.sandbox)
    }
}

impl Usage {
    /// Each month of the span, newest first; those without anything sent too. `credential`: that one alone.
    pub async fn months(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        credential: Option<CredentialId>,
        span: Span,
    ) -> Result<Months> {
        let of_one = if credential.is_some() { " AND credential = $4" } else { "" };
        let sql = format!(
            "SELECT month, {SUMS} FROM usage WHERE organization = $1 AND month >= $2 AND month <= $3{of_one} GROUP BY month"
        );
        let query =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(span.first).bind(span.last);
        let query = match credential {
            Some(id) => query.bind(id),
            None => query,
        };
        let rows: Vec<MonthCounts> = query.fetch_all(connection).await?;
        let counted: HashMap<Month, Counts> = rows.into_iter().map(|row| (row.month, row.counts)).collect();
        Ok(span.filled(|month| counted.get(&month).copied()))
    }

    /// The same of some credentials, each by itself.
    pub async fn months_of_each(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        credentials: &[CredentialId],
        span: Span,
    ) -> Result<HashMap<CredentialId, Months>> {
        if credentials.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "SELECT credential, month, {SUMS} FROM usage WHERE organization = $1 AND month >= $2 AND month <= $3 \
             AND credential IN ({}) GROUP BY credential, month",
            places(4, credentials.len())
        );
        let query =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(span.first).bind(span.last);
        let query = credentials.iter().fold(query, |query, id| query.bind(*id));
        let rows: Vec<CredentialMonth> = query.fetch_all(connection).await?;
        let counted: HashMap<_, _> =
            rows.into_iter().map(|row| ((row.credential, row.month), row.counts)).collect();
        let months = |id: &CredentialId| span.filled(|month| counted.get(&(*id, month)).copied());
        Ok(credentials.iter().map(|id| (*id, months(id))).collect())
    }

    /// Whether anything was sent before a month.
    pub async fn is_before(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        credential: Option<CredentialId>,
        month: Month,
    ) -> Result<bool> {
        let of_one = if credential.is_some() { " AND credential = $3" } else { "" };
        let sql = format!(
            "SELECT CAST(1 AS BIGINT) FROM usage WHERE organization = $1 AND month < $2{of_one} LIMIT 1"
        );
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization).bind(month);
        let query = match credential {
            Some(id) => query.bind(id),
            None => query,
        };
        let found: Option<i64> = query.fetch_optional(connection).await?;
        Ok(found.is_some())
    }

    /// The credentials that sent in a month, those first that sent most.
    pub async fn by_credential(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        month: Month,
        turn: &Turn,
    ) -> Result<Page<CredentialCounts>> {
        let keyset = Keyset::new(Order { column: "messages", is_number: true, descending: true }, turn)?;
        let sql = format!(
            "SELECT id, label, messages, production, recipients, sandbox FROM (SELECT credential AS id, \
             MAX(credential_label) AS label, CAST(SUM(messages) AS BIGINT) AS messages, {SUMS} FROM usage \
             WHERE organization = $1 AND month = $2 GROUP BY credential) AS sums WHERE messages > 0{}",
            keyset.tail(3)
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(month);
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |row: &CredentialCounts| (row.messages.to_string(), row.id.to_string())))
    }

    /// What people call a credential that has sent something, also when it is deleted.
    pub async fn label(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: CredentialId,
    ) -> Result<String> {
        let sql = format!("SELECT {LABEL} FROM credentials WHERE organization = $1 AND id = $2");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        let known: Option<String> = query.fetch_optional(&mut *connection).await?;
        if let Some(label) = known {
            return Ok(label);
        }
        let sql = "SELECT credential_label FROM usage WHERE organization = $1 AND credential = $2 \
                   ORDER BY month DESC LIMIT 1";
        let found = sqlx::query_scalar(sql).bind(organization).bind(id).fetch_optional(connection).await?;
        found.ok_or(Error::NotFound("credential"))
    }

    /// The lines behind one, by month, credential and mode; at most `limit`.
    pub async fn lines(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        behind: Option<&UsageRow>,
        limit: i64,
    ) -> Result<Vec<UsageRow>> {
        let condition = if behind.is_some() { " AND (month, credential, mode) > ($3, $4, $5)" } else { "" };
        let sql = format!(
            "SELECT month, credential, credential_label, mode, messages, recipients FROM usage \
             WHERE organization = $1 AND messages > 0{condition} ORDER BY month, credential, mode LIMIT $2"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(limit);
        let query = match behind {
            Some(row) => query.bind(row.month).bind(row.credential).bind(row.mode),
            None => query,
        };
        Ok(query.fetch_all(connection).await?)
    }
}
