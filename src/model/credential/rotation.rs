//! Rotation: same credential and username, new password; the old one stops at once, or after a grace period.

use std::time::Duration;

use sqlx::AnyConnection;

use super::report::object;
use super::{Credential, FreshPassword, IssuedCredential};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::model::actor::Actor;
use crate::model::event::{Action, Event};
use crate::model::words;
use crate::secret::PasswordHash;

words! {
    /// How long the old password goes on working.
    Grace {
        Now = "now",
        OneHour = "1h",
        OneDay = "24h",
        SevenDays = "7d",
    }
}

impl Grace {
    pub const fn duration(self) -> Duration {
        let hours = match self {
            Self::Now => 0,
            Self::OneHour => 1,
            Self::OneDay => 24,
            Self::SevenDays => 7 * 24,
        };
        Duration::from_secs(hours * 3_600)
    }
}

impl Credential {
    /// The hash of the password that is valid now, for hashing the next one beside it.
    pub async fn current_hash(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: CredentialId,
    ) -> Result<PasswordHash> {
        let sql = "SELECT password_hash FROM credentials WHERE organization = $1 AND id = $2";
        let found = sqlx::query_scalar(sql).bind(organization).bind(id).fetch_optional(connection).await?;
        found.ok_or(Error::NotFound("credential"))
    }

    /// Gives it a new password. With a grace the one before it goes on working for that long; one that was still in its
    /// grace from an earlier rotation stops.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a grace on a credential that is not active: there is nothing to keep working.
    pub async fn rotate(
        tx: &mut Tx,
        actor: &Actor,
        id: CredentialId,
        grace: Duration,
        fresh: FreshPassword,
    ) -> Result<IssuedCredential> {
        let until = (!grace.is_zero()).then(|| actor.at.plus(grace));
        let rotated = sqlx::query(
            "UPDATE credentials SET previous_id = CASE WHEN $3 = 1 THEN password_id END, \
             previous_hash = CASE WHEN $3 = 1 THEN password_hash END, previous_until = $4, password_id = $5, \
             password_hash = $6, rotated_at = $7, updated_at = $7 WHERE organization = $1 AND id = $2 \
             AND ($3 = 0 OR (status = 'active' AND (expires_at IS NULL OR expires_at > $7)))",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(i16::from(until.is_some()))
        .bind(until)
        .bind(PasswordId::new())
        .bind(fresh.hash)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        let credential = Self::find(tx, actor.organization, id).await?;
        if rotated == 0 {
            let state = credential.state(actor.at);
            return Err(Error::Conflict(format!(
                "This credential is {state}: rotate it now, without a grace period."
            )));
        }
        let detail = until.map_or("the old password stopped at once".to_owned(), |until| {
            format!("the old password works until {until}")
        });
        let told = object([("previous_works_until", until.map(Timestamp::rfc3339).into())]);
        credential.note(tx, actor, Action::CredentialRotated, (&detail, told)).await?;
        Ok(IssuedCredential { credential, password: fresh.password })
    }

    /// Ends the grace of the last rotation: the old password stops. Without one nothing changes.
    pub async fn end_grace(tx: &mut Tx, actor: &Actor, id: CredentialId) -> Result<Self> {
        let changed = sqlx::query(
            "UPDATE credentials SET previous_id = NULL, previous_hash = NULL, previous_until = NULL, updated_at = $3 \
             WHERE organization = $1 AND id = $2 AND previous_until > $3",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        let credential = Self::find(tx, actor.organization, id).await?;
        if changed > 0 {
            Event::record(tx, actor, Action::CredentialGraceEnded, credential.subject(), "").await?;
        }
        Ok(credential)
    }

    /// Forgets the hashes of a bounded number of old passwords whose grace is over; returns how many.
    pub async fn forget_previous(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let sql = "UPDATE credentials SET previous_id = NULL, previous_hash = NULL, previous_until = NULL \
                   WHERE previous_until <= $1 AND id IN (SELECT id FROM credentials \
                   WHERE previous_until <= $1 ORDER BY previous_until LIMIT 100)";
        Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
    }
}
