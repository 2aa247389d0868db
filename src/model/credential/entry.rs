//! What the gate reads: one row by username, with the hashes.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Mode, State, Status, state_at};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::secret::PasswordHash;

/// A credential as the gate sees it. The only type that holds its hashes; never shown.
#[derive(Debug)]
pub struct Entry {
    pub id: CredentialId,
    pub organization: OrganizationId,
    status: Status,
    pub mode: Mode,
    expires_at: Option<Timestamp>,
    pub password: PasswordId,
    pub hash: PasswordHash,
    pub previous: Option<PreviousPassword>,
}

/// The old password of a rotation with grace.
#[derive(Debug)]
pub struct PreviousPassword {
    pub password: PasswordId,
    pub hash: PasswordHash,
    pub until: Timestamp,
}

impl Entry {
    /// By username, over all organizations: this read is what finds the organization.
    pub async fn by_username(connection: &mut AnyConnection, username: &str) -> Result<Option<Self>> {
        let sql = "SELECT id, organization, status, mode, expires_at, password_id, password_hash, previous_id, \
                   previous_hash, previous_until FROM credentials WHERE username = $1";
        Ok(sqlx::query_as(sql).bind(username).fetch_optional(connection).await?)
    }

    /// The mode, if a log-in with this password would still be granted.
    pub async fn still_holds(
        connection: &mut AnyConnection,
        (organization, id): (OrganizationId, CredentialId),
        password: PasswordId,
        now: Timestamp,
    ) -> Result<Option<Mode>> {
        let sql = "SELECT mode FROM credentials WHERE organization = $1 AND id = $2 AND status = 'active' \
                   AND (expires_at IS NULL OR expires_at > $4) \
                   AND (password_id = $3 OR (previous_id = $3 AND previous_until > $4))";
        let query = sqlx::query_scalar(sql).bind(organization).bind(id).bind(password).bind(now);
        Ok(query.fetch_optional(connection).await?)
    }

    pub fn state(&self, now: Timestamp) -> State {
        state_at(self.status, self.expires_at, now)
    }

    /// The old password of a rotation, while it still works.
    pub fn grace(&self, now: Timestamp) -> Option<&PreviousPassword> {
        self.previous.as_ref().filter(|previous| previous.until > now)
    }

    /// Stores the same password under stronger parameters, unless it was rotated away meanwhile.
    pub async fn renew_hash(&self, tx: &mut Tx, hash: &PasswordHash) -> Result<()> {
        let sql = "UPDATE credentials SET password_hash = $4 WHERE organization = $1 AND id = $2 AND password_id = $3";
        sqlx::query(sql)
            .bind(self.organization)
            .bind(self.id)
            .bind(self.password)
            .bind(hash)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

impl<'r> sqlx::FromRow<'r, AnyRow> for Entry {
    fn from_row(row: &'r AnyRow) -> sqlx::Result<Self> {
        let previous: Option<PasswordId> = row.try_get("previous_id")?;
        let hash: Option<PasswordHash> = row.try_get("previous_hash")?;
        let until: Option<Timestamp> = row.try_get("previous_until")?;
        Ok(Self {
            id: row.try_get("id")?,
            organization: row.try_get("organization")?,
            status: row.try_get("status")?,
            mode: row.try_get("mode")?,
            expires_at: row.try_get("expires_at")?,
            password: row.try_get("password_id")?,
            hash: row.try_get("password_hash")?,
            previous: previous.zip(hash).zip(until).map(|((password, hash), until)| PreviousPassword {
                password,
                hash,
                until,
            }),
        })
    }
}
