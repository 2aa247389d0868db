//! From which domains a credential may send: those of its scope that are verified.

use sqlx::AnyConnection;

use super::{Domain, as_written};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{CredentialId, OrganizationId};

/// A domain of the organization that is verified, inside the scope of the credential `$2`, at the time `$3`.
const USABLE: &str = "FROM domains d JOIN credentials c ON c.organization = d.organization \
     WHERE d.organization = $1 AND c.id = $2 AND d.verified_at IS NOT NULL \
     AND (d.usable_until IS NULL OR d.usable_until > $3) AND (c.scope = 'global' OR EXISTS \
     (SELECT 1 FROM credential_domains s WHERE s.credential = c.id AND s.domain = d.id))";

/// Whose domains: a credential in its organization, now.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    pub organization: OrganizationId,
    pub credential: CredentialId,
    pub at: Timestamp,
}

impl Domain {
    /// Whether the credential may send from a domain, as it is written.
    pub async fn is_usable(connection: &mut AnyConnection, who: Sending, domain: &str) -> Result<bool> {
        let Some(name) = as_written(domain) else { return Ok(false) };
        let sql = format!("SELECT CAST(1 AS BIGINT) {USABLE} AND d.name = $4");
        let found: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(who.organization)
            .bind(who.credential)
            .bind(who.at)
            .bind(name)
            .fetch_optional(connection)
            .await?;
        Ok(found.is_some())
    }

    /// The first `limit` of the domains that the credential may send from, by name.
    pub async fn usable(connection: &mut AnyConnection, who: Sending, limit: i64) -> Result<Vec<String>> {
        let sql = format!("SELECT d.name {USABLE} ORDER BY d.name LIMIT $4");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(who.organization).bind(who.credential);
        Ok(query.bind(who.at).bind(limit).fetch_all(connection).await?)
    }
}
