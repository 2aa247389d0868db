//! Successful log-ins of credentials: who used which password, from where, how often.

use std::net::IpAddr;

use sqlx::AnyConnection;

use super::credential::Credential;
use super::denial::Door;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CredentialId, LoginId, OrganizationId, PasswordId};

/// The log-ins of one credential with one password through one door from one address.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Login {
    pub password: PasswordId,
    pub door: Door,
    pub address: String,
    /// The newest EHLO name, or empty.
    pub hello: String,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub times: i64,
}

/// Whose log-ins are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoginKey {
    pub organization: OrganizationId,
    pub credential: CredentialId,
    pub password: PasswordId,
    pub door: Door,
    pub address: IpAddr,
}

/// Log-ins that have not been written yet.
#[derive(Clone, Debug)]
pub struct LoginCount {
    pub last_at: Timestamp,
    pub hello: String,
    pub times: i64,
}

const SELECT: &str = "SELECT password, door, address, hello, first_at, last_at, times FROM logins \
     WHERE organization = $1 AND credential = $2";

impl Login {
    /// Adds log-ins to what is known, and moves the credential's last use forward; webhooks hear of the very first. Nothing
    /// happens to a credential that has been deleted meanwhile.
    pub async fn record(tx: &mut Tx, key: &LoginKey, count: &LoginCount) -> Result<()> {
        let first_used: Option<Timestamp> = sqlx::query_scalar(
            "UPDATE credentials SET last_used_at = CASE WHEN last_used_at < $3 THEN $3 ELSE last_used_at END, \
             last_used_address = CASE WHEN last_used_at < $3 THEN $4 ELSE last_used_address END, \
             last_used_door = CASE WHEN last_used_at < $3 THEN $5 ELSE last_used_door END, \
             first_used_at = CASE WHEN last_used_at = 0 THEN $3 ELSE first_used_at END \
             WHERE organization = $1 AND id = $2 RETURNING first_used_at",
        )
        .bind(key.organization)
        .bind(key.credential)
        .bind(count.last_at)
        .bind(key.address.to_string())
        .bind(key.door)
        .fetch_optional(&mut **tx)
        .await?;
        let Some(first_used) = first_used else { return Ok(()) };
        if first_used == count.last_at {
            Credential::report_first_use(tx, key, count).await?;
        }
        sqlx::query(
            "INSERT INTO logins (id, organization, credential, password, door, address, hello, first_at, last_at, times) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9) \
             ON CONFLICT (credential, password, door, address) DO UPDATE SET hello = excluded.hello, \
             last_at = CASE WHEN logins.last_at < excluded.last_at THEN excluded.last_at ELSE logins.last_at END, \
             times = logins.times + excluded.times",
        )
        .bind(LoginId::new())
        .bind(key.organization)
        .bind(key.credential)
        .bind(key.password)
        .bind(key.door)
        .bind(key.address.to_string())
        .bind(&count.hello)
        .bind(count.last_at)
        .bind(count.times)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The newest log-ins of a credential, at most `limit` lines.
    pub async fn recent(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        credential: CredentialId,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let sql = format!("{SELECT} ORDER BY last_at DESC LIMIT $3");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(credential);
        Ok(query.bind(limit).fetch_all(connection).await?)
    }

    /// The newest log-ins with one of a credential's passwords after a time, at most `limit` lines.
    pub async fn recent_with(
        connection: &mut AnyConnection,
        (organization, credential): (OrganizationId, CredentialId),
        (password, after): (PasswordId, Timestamp),
        limit: i64,
    ) -> Result<Vec<Self>> {
        let sql = format!("{SELECT} AND password = $3 AND last_at > $4 ORDER BY last_at DESC LIMIT $5");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(credential);
        Ok(query.bind(password).bind(after).bind(limit).fetch_all(connection).await?)
    }

    /// Forgets a bounded number of lines last used before `limit`; returns how many.
    pub async fn forget_before(tx: &mut Tx, limit: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE last_at < $1 ORDER BY last_at LIMIT 1000)";
        Ok(sqlx::query(sql).bind(limit).execute(&mut **tx).await?.rows_affected())
    }
}
