//! Answers to requests that carried an `Idempotency-Key`: the same request gets the same answer, and is done once.
//!
//! A place for the answer is taken at the start of the transaction that does the work, and filled in before its end: whoever
//! comes with the same key meanwhile waits for that end, and then finds the answer.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Result, is_held_by_another};
use crate::id::{ApiKeyId, OrganizationId};
use crate::secret::hex;
use crate::secret::sealing::Sealing;

/// How long an answer is kept.
const KEEP: Duration = Duration::from_secs(86_400);
/// … one that holds a secret.
const KEEP_SECRET: Duration = Duration::from_secs(300);
/// Status of a place that is taken and not filled in: only its own transaction sees it.
const TAKEN: i64 = 0;

/// One `Idempotency-Key` of one API key, with the request that it came with.
#[derive(Clone, Debug)]
pub struct Request {
    pub organization: OrganizationId,
    pub api_key: ApiKeyId,
    /// SHA-256 of the Idempotency-Key.
    name: String,
    /// SHA-256 of method, path and body.
    digest: String,
}

/// An answer that was given.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Zeroizing<String>,
}

/// What is known of a request.
#[derive(Debug)]
pub enum Known {
    /// Nothing. [`Request::begin`] has taken its place.
    Fresh,
    /// The answer that it got.
    Answered(Answer),
    /// Another transaction is at it, and this one waited in vain for its end.
    InProgress,
    /// Another request came with the same Idempotency-Key.
    Mismatch,
    /// The answer is there, and this node can't open it.
    Sealed,
}

impl Request {
    pub fn new(
        (organization, api_key): (OrganizationId, ApiKeyId),
        key: &str,
        (method, path, body): (&str, &str, &[u8]),
    ) -> Self {
        let sum = |parts: &[&[u8]]| {
            let mut hash = Sha256::new();
            for part in parts {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            hex(&hash.finalize())
        };
        let digest = sum(&[method.as_bytes(), path.as_bytes(), body]);
        Self { organization, api_key, name: sum(&[key.as_bytes()]), digest }
    }

    /// Takes its place, unless it is known. Waits for a transaction that has taken it.
    pub async fn begin(&self, tx: &mut Tx, sealing: &Sealing, now: Timestamp) -> Result<Known> {
        match self.take(tx, now).await {
            Ok(true) => Ok(Known::Fresh),
            Ok(false) => self.look(tx, sealing, now).await,
            Err(error) if is_held_by_another(&error) => Ok(Known::InProgress),
            Err(error) => Err(error.into()),
        }
    }

    /// What is known of it, without taking its place.
    pub async fn look(
        &self,
        connection: &mut AnyConnection,
        sealing: &Sealing,
        now: Timestamp,
    ) -> Result<Known> {
        let sql = "SELECT request, status, body, sealed FROM idempotent_answers \
                   WHERE organization = $1 AND api_key = $2 AND name = $3 AND until > $4";
        let query = sqlx::query_as(sql).bind(self.organization).bind(self.api_key).bind(&self.name);
        let found: Option<(String, i64, String, i16)> = query.bind(now).fetch_optional(connection).await?;
        let Some((request, status, body, sealed)) = found else { return Ok(Known::Fresh) };
        if request != self.digest {
            return Ok(Known::Mismatch);
        }
        let body = if sealed == 0 { Some(Zeroizing::new(body)) } else { sealing.open(&self.name, &body) };
        let status = u16::try_from(status).unwrap_or(500);
        Ok(body.map_or(Known::Sealed, |body| Known::Answered(Answer { status, body })))
    }

    /// Fills the place in, in the transaction that took it.
    pub async fn end(
        &self,
        tx: &mut Tx,
        (status, body): (u16, &str),
        sealing: Option<&Sealing>,
        now: Timestamp,
    ) -> Result<()> {
        let sealed = sealing.map(|sealing| sealing.seal(&self.name, body)).transpose()?;
        let keep = if sealed.is_some() { KEEP_SECRET } else { KEEP };
        sqlx::query(
            "UPDATE idempotent_answers SET status = $4, body = $5, sealed = $6, until = $7 \
             WHERE organization = $1 AND api_key = $2 AND name = $3",
        )
        .bind(self.organization)
        .bind(self.api_key)
        .bind(&self.name)
        .bind(i64::from(status))
        .bind(sealed.as_deref().unwrap_or(body))
        .bind(i16::from(sealed.is_some()))
        .bind(now.plus(keep))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// False when the place is taken.
    async fn take(&self, tx: &mut Tx, now: Timestamp) -> sqlx::Result<bool> {
        let sql = "DELETE FROM idempotent_answers WHERE organization = $1 AND api_key = $2 AND name = $3 AND until <= $4";
        let query = sqlx::query(sql).bind(self.organization).bind(self.api_key).bind(&self.name);
        query.bind(now).execute(&mut **tx).await?;
        let inserted = sqlx::query(
            "INSERT INTO idempotent_answers (organization, api_key, name, request, status, body, sealed, until) \
             VALUES ($1, $2, $3, $4, $5, '', 0, $6) ON CONFLICT (api_key, name) DO NOTHING",
        )
        .bind(self.organization)
        .bind(self.api_key)
        .bind(&self.name)
        .bind(&self.digest)
        .bind(TAKEN)
        .bind(now.plus(KEEP))
        .execute(&mut **tx)
        .await?;
        Ok(inserted.rows_affected() > 0)
    }
}

/// Forgets a bounded number of answers whose time is over; returns how many.
pub async fn forget(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM idempotent_answers WHERE (api_key, name) IN \
               (SELECT api_key, name FROM idempotent_answers WHERE until <= $1 ORDER BY until LIMIT 1000)";
    Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
}
