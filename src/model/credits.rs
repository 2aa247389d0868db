//! Credits: one for each accepted recipient of a production message. An organization may have a monthly allowance of them.
//!
//! Exact under concurrency and after a crash: a recipient is accepted only while a credit can be held for it; before the
//! message is handed on, what was held becomes used in one transaction with the message's line in the log. What a process
//! held when it died counts until its time is over, and then no more.

mod allowance;

use std::time::Duration;

use sqlx::AnyConnection;

use super::usage::Month;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CreditHoldId, OrganizationId};

/// How long a credit is held for a message that is still coming in: longer than that may take.
const HOLD: Duration = Duration::from_secs(3_600);

/// An organization's credits in one month.
#[derive(Clone, Copy, Debug)]
pub struct Credits {
    pub organization: OrganizationId,
    pub month: Month,
}

impl Credits {
    /// How many are used.
    pub async fn used(&self, connection: &mut AnyConnection) -> Result<i64> {
        let sql = "SELECT used FROM credits WHERE organization = $1 AND month = $2";
        let used = sqlx::query_scalar(sql).bind(self.organization).bind(self.month);
        Ok(used.fetch_optional(connection).await?.unwrap_or(0))
    }

    /// How many are held for messages that are coming in.
    pub async fn held(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<i64> {
        let sql = "SELECT CAST(COALESCE(SUM(credits), 0) AS BIGINT) FROM credit_holds \
                   WHERE organization = $1 AND month = $2 AND until > $3";
        let query = sqlx::query_scalar(sql).bind(self.organization).bind(self.month).bind(now);
        Ok(query.fetch_one(connection).await?)
    }

    /// Holds one more credit under `id`; false when the allowance is used up, by what is used and what others hold.
    pub async fn hold(&self, tx: &mut Tx, id: CreditHoldId, now: Timestamp) -> Result<bool> {
        let used = self.lock(tx).await?;
        let Some(allowance) = Self::allowance(tx, self.organization).await? else { return Ok(true) };
        if used + self.held(tx, now).await? >= allowance {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO credit_holds (id, organization, month, credits, until) VALUES ($1, $2, $3, 1, $4) \
             ON CONFLICT (id) DO UPDATE SET credits = credit_holds.credits + 1, until = $4",
        )
        .bind(id)
        .bind(self.organization)
        .bind(self.month)
        .bind(now.plus(HOLD))
        .execute(&mut **tx)
        .await?;
        Ok(true)
    }

    /// Turns what is held under `id` into `credits` used ones; false when it was not held any more: then the caller rolls back.
    /// Without an allowance nothing needs to be held.
    pub async fn charge(
        &self,
        tx: &mut Tx,
        id: Option<CreditHoldId>,
        credits: i64,
        now: Timestamp,
    ) -> Result<bool> {
        self.lock(tx).await?;
        let allowance = Self::allowance(tx, self.organization).await?;
        let sql =
            "DELETE FROM credit_holds WHERE organization = $1 AND id = $2 AND until > $3 RETURNING credits";
        let held: Option<i64> = sqlx::query_scalar(sql)
            .bind(self.organization)
            .bind(id)
            .bind(now)
            .fetch_optional(&mut **tx)
            .await?;
        if allowance.is_some() && held.unwrap_or(0) < credits {
            return Ok(false);
        }
        self.change(tx, credits).await?;
        Ok(true)
    }

    /// Gives back what was charged for a message that the next hop refused.
    pub async fn give_back(&self, tx: &mut Tx, credits: i64) -> Result<()> {
        self.change(tx, -credits).await
    }

    /// Gives one credit back that is held under `id`: its recipient was refused.
    pub async fn let_go_one(&self, tx: &mut Tx, id: CreditHoldId) -> Result<()> {
        let sql = "UPDATE credit_holds SET credits = credits - 1 WHERE organization = $1 AND id = $2 AND credits > 0";
        sqlx::query(sql).bind(self.organization).bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// Gives everything back that is held under `id`.
    pub async fn let_go(&self, tx: &mut Tx, id: CreditHoldId) -> Result<()> {
        let sql = "DELETE FROM credit_holds WHERE organization = $1 AND id = $2";
        sqlx::query(sql).bind(self.organization).bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    /// Forgets a bounded number of holds whose time is over; returns how many.
    pub async fn forget_holds(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM credit_holds WHERE id IN \
                   (SELECT id FROM credit_holds WHERE until <= $1 ORDER BY until LIMIT 1000)";
        Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
    }

    /// Makes every other change of this month's credits wait for the end of the transaction; returns how many are used.
    async fn lock(&self, tx: &mut Tx) -> Result<i64> {
        let sql = "INSERT INTO credits (organization, month, used) VALUES ($1, $2, 0) \
                   ON CONFLICT (organization, month) DO UPDATE SET used = credits.used RETURNING used";
        Ok(sqlx::query_scalar(sql).bind(self.organization).bind(self.month).fetch_one(&mut **tx).await?)
    }

    async fn change(&self, tx: &mut Tx, by: i64) -> Result<()> {
        let sql = "UPDATE credits SET used = used + $3 WHERE organization = $1 AND month = $2";
        sqlx::query(sql).bind(self.organization).bind(self.month).bind(by).execute(&mut **tx).await?;
        Ok(())
    }
}
