//! What is to be told, written in the transaction of what it reports: both are there after a crash, or neither.

use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{EventType, split_domains};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{DeliveryId, MessageId, OrganizationId, WebhookId};
use crate::model::credential::Scope;

/// What happened, as far as it decides who hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub organization: OrganizationId,
    pub at: Timestamp,
    /// What it is about: the domain of a message's sender, those of a scoped credential; none for a global credential. A scoped
    /// webhook hears of it if it is for one of these.
    pub domains: &'a [String],
    pub message: Option<MessageId>,
}

/// One event with its data.
#[derive(Clone, Debug)]
pub struct News {
    pub event: EventType,
    /// `data` of the body; `account_id` and `event` are put in front of it.
    pub data: Value,
}

/// A webhook that hears of a report.
#[derive(Clone, Debug)]
pub struct Listener {
    webhook: WebhookId,
    events: Vec<EventType>,
}

impl Report<'_> {
    /// Tells each webhook that listens. `news` is asked for only if there is one. With no webhook this costs one indexed read.
    pub async fn tell(
        &self,
        tx: &mut Tx,
        news: impl AsyncFnOnce(&mut Tx) -> Result<Vec<News>>,
    ) -> Result<()> {
        let listeners = self.listeners(tx).await?;
        if listeners.is_empty() {
            return Ok(());
        }
        for News { event, data } in news(tx).await? {
            for listener in listeners.iter().filter(|listener| listener.events.contains(&event)) {
                let delivery = NewDelivery { webhook: listener.webhook, event, data: &data, is_test: false };
                self.write(tx, delivery).await?;
            }
        }
        Ok(())
    }

    async fn listeners(&self, connection: &mut AnyConnection) -> Result<Vec<Listener>> {
        let rows: Vec<(WebhookId, String, Scope, String)> = sqlx::query_as(
            "SELECT id, events, scope, domains FROM webhooks WHERE organization = $1 AND enabled = 1 ORDER BY id",
        )
        .bind(self.organization)
        .fetch_all(connection)
        .await?;
        let hears = |scope: Scope, domains: &str| match scope {
            Scope::Global => true,
            Scope::Scoped => split_domains(domains).iter().any(|domain| self.domains.contains(domain)),
        };
        let listening = rows.into_iter().filter(|(_, _, scope, domains)| hears(*scope, domains));
        Ok(listening
            .map(|(webhook, events, ..)| Listener { webhook, events: EventType::split(&events) })
            .collect())
    }

    /// One row of the outbox; it is due at once.
    pub(super) async fn write(&self, tx: &mut Tx, new: NewDelivery<'_>) -> Result<DeliveryId> {
        let id = DeliveryId::new();
        sqlx::query(
            "INSERT INTO webhook_deliveries (id, organization, webhook, event, message, is_test, at, body, status, tries, \
             next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, $7)",
        )
        .bind(id)
        .bind(self.organization)
        .bind(new.webhook)
        .bind(new.event)
        .bind(self.message)
        .bind(i16::from(new.is_test))
        .bind(self.at)
        .bind(self.body(&new))
        .execute(&mut **tx)
        .await?;
        tx.bring_news();
        Ok(id)
    }

    fn body(&self, new: &NewDelivery<'_>) -> String {
        let mut data = json!({"account_id": self.organization, "event": new.event.on()});
        if let (Some(data), Some(more)) = (data.as_object_mut(), new.data.as_object()) {
            data.extend(more.clone());
            if new.is_test {
                data.insert("test".to_owned(), true.into());
            }
        }
        let (kind, at) = (new.event.as_str(), self.at.rfc3339());
        json!({"type": kind, "webhook_id": new.webhook, "timestamp": at, "data": data}).to_string()
    }
}

/// What goes into one row of the outbox beside the report.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewDelivery<'a> {
    pub webhook: WebhookId,
    pub event: EventType,
    pub data: &'a Value,
    pub is_test: bool,
}
