//! Denied log-ins with their true reason, so that a member can see why one failed. The outside never sees the reason.

mod alarm;

use sqlx::AnyConnection;

use super::page::{Keyset, Order, Page, Turn};
use super::words;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CredentialId, DenialId, OrganizationId};

words! {
    /// Why the gate refused.
    Reason {
        UnknownUsername = "unknown_username",
        WrongPassword = "wrong_password",
        /// Not of the form of any password that Gatepost gave out.
        MalformedPassword = "malformed_password",
        Revoked = "revoked",
        Expired = "expired",
        /// Too many failures before it; the password was not looked at.
        Throttled = "throttled",
        NotEncrypted = "not_encrypted",
        /// The client asked to act for someone else (RFC 4616 section 2); the password was not looked at.
        ForeignIdentity = "foreign_identity",
        /// A temporary failure of Gatepost; the password was not looked at.
        Unavailable = "unavailable",
    }
}

words! {
    /// Where a log-in came in.
    Door {
        Smtp = "smtp",
        Api = "api",
        Dashboard = "dashboard",
    }
}

/// One line of the journal.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Denial {
    pub id: DenialId,
    /// What the reply carried, for finding this line again.
    pub reference: String,
    pub at: Timestamp,
    pub reason: Reason,
    /// As it was sent, cut to 64 characters; for the dashboard a member's e-mail address, or empty.
    pub username: String,
    /// The credential of that username, if there was one.
    pub credential: Option<CredentialId>,
    pub door: Door,
    pub address: String,
    /// The client's EHLO name, or empty.
    pub hello: String,
}

/// Which denials to show.
#[derive(Clone, Debug, Default)]
pub struct DenialFilter {
    pub reference: Option<String>,
    pub credential: Option<CredentialId>,
}

const COLUMNS: &str = "id, reference, at, reason, username, credential, door, address, hello";

impl Denial {
    /// `organization`: of the credential, or the first one where the username is unknown.
    pub async fn record(&self, tx: &mut Tx, organization: OrganizationId) -> Result<()> {
        sqlx::query(
            "INSERT INTO denials (id, organization, reference, at, reason, username, credential, door, address, hello) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(self.id)
        .bind(organization)
        .bind(&self.reference)
        .bind(self.at)
        .bind(self.reason)
        .bind(&self.username)
        .bind(self.credential)
        .bind(self.door)
        .bind(&self.address)
        .bind(&self.hello)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The organization's denials, newest first.
    pub async fn page(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        filter: &DenialFilter,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(Order::newest_first("at"), turn)?;
        let mut sql = format!("SELECT {COLUMNS} FROM denials WHERE organization = $1");
        let mut values = Vec::new();
        let reference = filter.reference.as_ref().map(|reference| reference.trim().to_uppercase());
        for (column, value) in
            [("reference", reference), ("credential", filter.credential.map(|id| id.to_string()))]
        {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" AND {column} = ${}", values.len() + 1));
            }
        }
        sql.push_str(&keyset.tail(values.len() + 2));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(organization);
        let query = values.into_iter().fold(query, |query, value| query.bind(value));
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |denial: &Self| (denial.at.as_micros().to_string(), denial.id.to_string())))
    }

    /// Forgets a bounded number of denials before `limit`; returns how many.
    pub async fn forget_before(tx: &mut Tx, limit: Timestamp) -> Result<u64> {
        let sql =
            "DELETE FROM denials WHERE id IN (SELECT id FROM denials WHERE at < $1 ORDER BY at LIMIT 1000)";
        Ok(sqlx::query(sql).bind(limit).execute(&mut **tx).await?.rows_affected())
    }
}
