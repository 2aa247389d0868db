//! One report to one webhook, and how each try of it went.

use sqlx::AnyConnection;

use super::{EventType, Webhook};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{DeliveryId, MessageId, OrganizationId, WebhookId};
use crate::model::actor::Actor;
use crate::model::event::{Action, Event};
use crate::model::page::{Keyset, Order, Page, Turn};
use crate::model::words;

words! {
    Status {
        /// Waits for its first try, or for the next.
        Pending = "pending",
        Delivered = "delivered",
        /// Every try failed.
        Failed = "failed",
    }
}

/// A delivery; its id is the header `webhook-id`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: EventType,
    /// The message that it is about, which may be forgotten.
    pub message: Option<MessageId>,
    /// 1 for one that a member sent to try it out.
    pub is_test: i16,
    /// When what it reports happened.
    pub at: Timestamp,
    /// JSON, as it is sent.
    pub body: String,
    pub status: Status,
    /// Since it was written, or sent again by a member.
    pub tries: i64,
    /// Of a pending one: the time of its next try.
    pub next_at: Timestamp,
}

/// One try: what was sent, and what came back.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Attempt {
    pub at: Timestamp,
    pub url: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// Of HTTP; none when no answer came.
    pub status: Option<i64>,
    /// Why none came, a sentence; or empty.
    pub error: String,
    /// The first 2 KB of the answer's body.
    pub answer: String,
    /// Microseconds.
    pub took: i64,
}

/// What is sent, in this order.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Body {
    #[serde(rename = "type")]
    pub kind: String,
    pub webhook_id: WebhookId,
    pub timestamp: String,
    pub data: serde_json::Value,
}

const COLUMNS: &str = "id, webhook, event, message, is_test, at, body, status, tries, next_at";

impl Delivery {
    /// The body with a line for each field, for people.
    pub fn readable_body(&self) -> String {
        let readable =
            serde_json::from_str(&self.body).and_then(|body: Body| serde_json::to_string_pretty(&body));
        readable.unwrap_or_else(|_| self.body.clone())
    }

    /// The webhook's deliveries, newest first.
    pub async fn page(
        connection: &mut AnyConnection,
        (organization, webhook): (OrganizationId, WebhookId),
        status: Option<Status>,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(Order::newest_first("at"), turn)?;
        let mut sql =
            format!("SELECT {COLUMNS} FROM webhook_deliveries WHERE organization = $1 AND webhook = $2");
        match status {
            None => {}
            Some(Status::Delivered) => sql.push_str(" AND status = 'delivered'"),
            // As the index for those that are few says it.
            Some(status) => sql.push_str(&format!(" AND status = '{status}' AND status <> 'delivered'")),
        }
        sql.push_str(&keyset.tail(3));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(webhook);
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset
            .page(rows, |delivery: &Self| (delivery.at.as_micros().to_string(), delivery.id.to_string())))
    }

    pub async fn find(
        connection: &mut AnyConnection,
        (organization, webhook): (OrganizationId, WebhookId),
        id: DeliveryId,
    ) -> Result<Self> {
        let sql = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE organization = $1 AND webhook = $2 AND id = $3"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(webhook).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("delivery"))
    }

    /// The deliveries that a message caused, in their order, at most 500.
    pub async fn of_message(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        message: MessageId,
    ) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE organization = $1 AND message = $2 ORDER BY id LIMIT 500"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(message);
        Ok(query.fetch_all(connection).await?)
    }

    /// How each try went, in their order.
    pub async fn attempts(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: DeliveryId,
    ) -> Result<Vec<Attempt>> {
        let sql = "SELECT at, url, signature, status, error, answer, took FROM webhook_attempts \
                   WHERE organization = $1 AND delivery = $2 ORDER BY number";
        Ok(sqlx::query_as(sql).bind(organization).bind(id).fetch_all(connection).await?)
    }

    /// Sends it again, with the same id and body: six tries anew, or where it waits between two tries the next one now.
    ///
    /// # Errors
    /// [`Error::Conflict`] while it is due anyway, or its webhook is disabled.
    pub async fn redeliver(tx: &mut Tx, actor: &Actor, webhook: WebhookId, id: DeliveryId) -> Result<()> {
        let receiver = Webhook::find(tx, actor.organization, webhook).await?;
        receiver.check_enabled()?;
        let again = sqlx::query(
            "UPDATE webhook_deliveries SET status = 'pending', tries = CASE WHEN status = 'pending' THEN tries ELSE 0 END, \
             next_at = $4 WHERE organization = $1 AND webhook = $2 AND id = $3 AND (status <> 'pending' OR next_at > $4)",
        )
        .bind(actor.organization)
        .bind(webhook)
        .bind(id)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?;
        let delivery = Self::find(tx, (actor.organization, webhook), id).await?;
        if again.rows_affected() == 0 {
            return Err(Error::Conflict("It is on its way already.".to_owned()));
        }
        let detail = format!("{} {id}", delivery.event);
        Event::record(tx, actor, Action::WebhookRedelivered, receiver.subject(), &detail).await?;
        tx.bring_news();
        Ok(())
    }

    /// What waits for its webhook's next try is due now.
    pub(super) async fn hasten(tx: &mut Tx, actor: &Actor, webhook: WebhookId) -> Result<()> {
        // The second condition is that of the index for those that are few.
        let sql = "UPDATE webhook_deliveries SET next_at = $3 WHERE organization = $1 AND webhook = $2 \
                   AND status = 'pending' AND status <> 'delivered' AND next_at > $3";
        let query = sqlx::query(sql).bind(actor.organization).bind(webhook).bind(actor.at);
        query.execute(&mut **tx).await?;
        Ok(())
    }

    /// Forgets a bounded number of deliveries of what happened before `limit`; returns how many.
    pub async fn forget_before(tx: &mut Tx, limit: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM webhook_deliveries WHERE id IN \
                   (SELECT id FROM webhook_deliveries WHERE at < $1 ORDER BY at LIMIT 1000)";
        Ok(sqlx::query(sql).bind(limit).execute(&mut **tx).await?.rows_affected())
    }
}

impl Delivery {
    /// Forgets a bounded number of deliveries of webhooks that are deleted; returns how many.
    pub async fn forget_gone(tx: &mut Tx) -> Result<u64> {
        let sql = "DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhooks_gone g \
                   JOIN webhook_deliveries d ON d.organization = g.organization AND d.webhook = g.webhook LIMIT 1000)";
        let forgotten = sqlx::query(sql).execute(&mut **tx).await?.rows_affected();
        if forgotten == 0 {
            let sql = "DELETE FROM webhooks_gone WHERE NOT EXISTS (SELECT 1 FROM webhook_deliveries d \
                       WHERE d.organization = webhooks_gone.organization AND d.webhook = webhooks_gone.webhook)";
            sqlx::query(sql).execute(&mut **tx).await?;
        }
        Ok(forgotten)
    }
}

impl Attempt {
    /// Whether the answer was 2xx.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        delivery: DeliveryId,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO webhook_attempts (organization, delivery, number, at, url, signature, status, error, answer, took) \
             SELECT $1, $2, (SELECT COUNT(*) + 1 FROM webhook_attempts WHERE organization = $1 AND delivery = $2), \
             $3, $4, $5, $6, $7, $8, $9",
        )
        .bind(organization)
        .bind(delivery)
        .bind(self.at)
        .bind(&self.url)
        .bind(&self.signature)
        .bind(self.status)
        .bind(&self.error)
        .bind(&self.answer)
        .bind(self.took)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
