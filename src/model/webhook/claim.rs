//! Who delivers what, and when again. Several nodes share the work: one claims a webhook in the statement that changes its row, and
//! delivers what is due for it, one after the other; a claim that a crashed node left behind runs out.
//!
//! The order: events go to a webhook in the order in which they happened. One that fails holds those behind it back until its
//! second try, a second later; if that fails too, they pass it, and it waits out its gaps on its own.

use std::time::Duration;

use sqlx::AnyConnection;

use super::delivery::{Attempt, Status};
use super::{EventType, Webhook};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{DeliveryId, OrganizationId, WebhookId};
use crate::model::actor::Actor;
use crate::secret::{WebhookSecret, random_bytes};

/// Tries of one delivery, the first among them.
pub const MAX_TRIES: i64 = 6;
/// After so many failures in a row a webhook is switched off.
pub const MAX_FAILURES_IN_A_ROW: i64 = 100;

/// Deliveries of the webhook `w` that are next: the first in its line, and those that wait apart. `2` is the number of tries after
/// which one no longer holds up the line.
const NEXT: &str = "((SELECT d.id FROM webhook_deliveries d WHERE d.webhook = w.id AND d.status = 'pending' AND d.tries < 2 \
     ORDER BY d.id LIMIT 1), (SELECT d.id FROM webhook_deliveries d WHERE d.webhook = w.id AND d.status = 'pending' \
     AND d.tries >= 2 ORDER BY d.next_at LIMIT 1))";

/// A webhook that this process delivers to, and nobody else.
#[derive(Clone, Debug)]
pub struct Claim {
    pub organization: OrganizationId,
    pub webhook: WebhookId,
    /// Names the process.
    pub by: String,
}

/// What is to be sent next.
#[derive(Debug)]
pub struct Due {
    pub id: DeliveryId,
    pub event: EventType,
    pub body: String,
    pub url: String,
    /// The one, or during the overlap of a rotation the two, that sign; the newer one first.
    pub secrets: Vec<WebhookSecret>,
    tries: i64,
}

/// Webhooks for which something is due and that nobody serves, at most `limit`: those first that were told nothing for the longest
/// time, so that busy ones starve nobody. A hint: [`Claim::take`] decides.
pub async fn waiting(
    connection: &mut AnyConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(OrganizationId, WebhookId)>> {
    let sql = format!(
        "SELECT w.organization, w.id FROM webhooks w WHERE w.enabled = 1 AND (w.claimed_until IS NULL OR \
         w.claimed_until <= $1) AND EXISTS (SELECT 1 FROM webhook_deliveries n WHERE n.id IN {NEXT} AND n.next_at <= $1) \
         ORDER BY COALESCE(w.last_request_at, 0), w.id LIMIT $2"
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now);
    Ok(query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(connection).await?)
}

impl Claim {
    /// Claims a webhook for `lease`; nothing if another was faster.
    pub async fn take(
        tx: &mut Tx,
        (organization, webhook): (OrganizationId, WebhookId),
        by: &str,
        (now, lease): (Timestamp, Duration),
    ) -> Result<Option<Self>> {
        let taken = sqlx::query(
            "UPDATE webhooks SET claimed_by = $3, claimed_until = $4 WHERE organization = $1 AND id = $2 AND enabled = 1 \
             AND (claimed_until IS NULL OR claimed_until <= $5)",
        )
        .bind(organization)
        .bind(webhook)
        .bind(by)
        .bind(now.plus(lease))
        .bind(now)
        .execute(&mut **tx)
        .await?;
        Ok((taken.rows_affected() > 0).then(|| Self { organization, webhook, by: by.to_owned() }))
    }

    /// What is to be sent now; nothing when there is nothing due, the webhook is disabled or the claim is lost.
    pub async fn next(&self, connection: &mut AnyConnection, now: Timestamp) -> Result<Option<Due>> {
        let sql = format!(
            "SELECT n.id, n.event, n.body, n.tries, w.url, w.secret, CASE WHEN w.previous_until > $4 THEN \
             w.previous_secret END AS previous_secret FROM webhooks w JOIN webhook_deliveries n ON n.id IN {NEXT} \
             WHERE w.organization = $1 AND w.id = $2 AND w.enabled = 1 AND w.claimed_by = $3 AND n.next_at <= $4 \
             ORDER BY n.id LIMIT 1"
        );
        type Row = (DeliveryId, EventType, String, i64, String, String, Option<String>);
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(self.organization)
            .bind(self.webhook)
            .bind(&self.by)
            .bind(now)
            .fetch_optional(connection)
            .await?;
        Ok(row.map(|(id, event, body, tries, url, secret, previous)| {
            let secrets = std::iter::once(secret).chain(previous).map(WebhookSecret::stored).collect();
            Due { id, event, body, url, secrets, tries }
        }))
    }

    /// Writes down how a try went, when the delivery is tried again, and that the claim goes on for `lease`. The hundredth
    /// failure in a row switches the webhook off.
    pub async fn record(
        &self,
        tx: &mut Tx,
        due: &Due,
        attempt: &Attempt,
        (now, lease): (Timestamp, Duration),
    ) -> Result<()> {
        let (tries, succeeded) = (due.tries + 1, attempt.succeeded());
        let (status, next_at) = match (succeeded, tries) {
            (true, _) => (Status::Delivered, now),
            (false, MAX_TRIES..) => (Status::Failed, now),
            (false, _) => (Status::Pending, now.plus(gap(tries))),
        };
        let updated = sqlx::query(
            "UPDATE webhook_deliveries SET status = $4, tries = $5, next_at = $6 \
             WHERE organization = $1 AND id = $2 AND status = 'pending' AND tries = $3",
        )
        .bind(self.organization)
        .bind(due.id)
        .bind(due.tries)
        .bind(status)
        .bind(tries)
        .bind(next_at)
        .execute(&mut **tx)
        .await?;
        if updated.rows_affected() > 0 {
            attempt.record(tx, self.organization, due.id).await?;
        }
        self.count(tx, succeeded, (now, lease)).await
    }

    async fn count(&self, tx: &mut Tx, succeeded: bool, (now, lease): (Timestamp, Duration)) -> Result<()> {
        let in_a_row: Option<i64> = sqlx::query_scalar(
            "UPDATE webhooks SET successes = successes + $3, failures = failures + 1 - $3, \
             failures_in_a_row = CASE WHEN $3 = 1 THEN 0 ELSE failures_in_a_row + 1 END, last_request_at = $4, \
             claimed_until = CASE WHEN claimed_by = $5 THEN $6 ELSE claimed_until END \
             WHERE organization = $1 AND id = $2 RETURNING failures_in_a_row",
        )
        .bind(self.organization)
        .bind(self.webhook)
        .bind(i64::from(succeeded))
        .bind(now)
        .bind(&self.by)
        .bind(now.plus(lease))
        .fetch_optional(&mut **tx)
        .await?;
        if in_a_row.is_some_and(|failures| failures >= MAX_FAILURES_IN_A_ROW) {
            let actor = Actor::system(self.organization, now);
            let why = format!("{MAX_FAILURES_IN_A_ROW} requests in a row failed.");
            Webhook::switch(tx, &actor, self.webhook, false, &why).await?;
        }
        Ok(())
    }

    /// Lets another have it.
    pub async fn release(&self, tx: &mut Tx) -> Result<()> {
        let sql = "UPDATE webhooks SET claimed_by = NULL, claimed_until = NULL \
                   WHERE organization = $1 AND id = $2 AND claimed_by = $3";
        let query = sqlx::query(sql).bind(self.organization).bind(self.webhook);
        query.bind(&self.by).execute(&mut **tx).await?;
        Ok(())
    }
}

/// How long to wait after so many failures of one delivery: their fourth power in seconds, ±10 %, so that what failed together does
/// not come back together.
fn gap(failures: i64) -> Duration {
    let seconds = u64::try_from(failures).unwrap_or(1).saturating_pow(4);
    // 65,536 steps from -10 % to +10 %.
    let step = u64::from(u16::from_be_bytes(random_bytes()));
    Duration::from_micros(seconds.saturating_mul(900_000 + step * 200_000 / u64::from(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gaps_are_fourth_powers_give_or_take_a_tenth() {
        for (failures, seconds) in [(1, 1.0), (2, 16.0), (3, 81.0), (4, 256.0), (5, 625.0)] {
            let gaps: Vec<f64> = (0..200).map(|_| gap(failures).as_secs_f64() / seconds).collect();
            assert!(gaps.iter().all(|share| (0.9..=1.1).contains(share)), "{failures}: {gaps:?}");
            let (least, most) =
                (gaps.iter().copied().fold(2.0, f64::min), gaps.iter().copied().fold(0.0, f64::max));
            assert!(least < 0.95 && most > 1.05, "they differ: {least} to {most}");
        }
    }
}
