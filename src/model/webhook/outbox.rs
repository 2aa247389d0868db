//! What is to be told, written in the transaction of what it reports: both are there after a crash, or neither.

use serde_json::{Value, json};

use super::delivery::{Body, Status};
use super::{EventType, split_domains};
use crate::clock::Timestamp;
use crate::db::{Tx, insert_rows};
use crate::error::{Error, Result};
use crate::id::{DeliveryId, MessageId, OrganizationId, WebhookId};
use crate::model::credential::Scope;

/// When what happened, to whom.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub organization: OrganizationId,
    pub at: Timestamp,
    /// The message that it is about.
    pub message: Option<MessageId>,
}

/// What is told of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is about: the domains of a message's return path and From header, those of a scoped credential; none for a global credential. A scoped
    /// webhook hears of it if it is for one of these.
    pub domains: Vec<String>,
    pub news: Vec<News>,
}

/// One event with its data.
#[derive(Clone, Debug)]
pub struct News {
    pub event: EventType,
    /// `data` of the body; `account_id` and `event` are put in front of it.
    pub data: Value,
}

/// A webhook that may hear of it.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Listener {
    id: WebhookId,
    events: String,
    scope: Scope,
    domains: String,
}

impl Report {
    /// Tells each webhook that listens. `told` is asked for only if there is one: with none this costs one indexed read.
    pub async fn tell(&self, tx: &mut Tx, told: impl AsyncFnOnce(&mut Tx) -> Result<Told>) -> Result<()> {
        let listeners: Vec<Listener> = sqlx::query_as(
            "SELECT id, events, scope, domains FROM webhooks WHERE organization = $1 AND enabled = 1 ORDER BY id",
        )
        .bind(self.organization)
        .fetch_all(&mut **tx)
        .await?;
        if listeners.is_empty() {
            return Ok(());
        }
        let Told { domains, news } = told(tx).await?;
        let listeners: Vec<Listener> = listeners.into_iter().filter(|one| one.is_for(&domains)).collect();
        let mut rows = Vec::new();
        for News { event, data } in &news {
            for listener in listeners.iter().filter(|one| one.hears(*event)) {
                rows.push(NewDelivery::new(listener.id, *event, data));
            }
        }
        self.write(tx, &rows).await
    }

    /// Rows of the outbox, many in a statement; they are due at once.
    pub(super) async fn write(&self, tx: &mut Tx, rows: &[NewDelivery<'_>]) -> Result<()> {
        let insert = "INSERT INTO webhook_deliveries (id, organization, webhook, event, message, is_test, at, next_at, \
                      status, tries, body)";
        insert_rows(tx, (insert, 11), rows, |query, row| {
            let query = query.bind(row.id).bind(self.organization).bind(row.webhook).bind(row.event);
            let query = query.bind(self.message).bind(i16::from(row.is_test)).bind(self.at).bind(self.at);
            Ok(query.bind(Status::Pending).bind(0_i64).bind(self.body(row)?))
        })
        .await?;
        if !rows.is_empty() {
            tx.bring_news();
        }
        Ok(())
    }

    fn body(&self, new: &NewDelivery<'_>) -> Result<String> {
        let mut data = json!({"account_id": self.organization, "event": new.event.on()});
        if let (Some(data), Some(more)) = (data.as_object_mut(), new.data.as_object()) {
            data.extend(more.clone());
            if new.is_test {
                data.insert("test".to_owned(), true.into());
            }
        }
        let (kind, webhook_id, timestamp) = (new.event.to_string(), new.webhook, self.at.rfc3339());
        let body = serde_json::to_string(&Body { kind, webhook_id, timestamp, data });
        body.map_err(|cause| Error::Internal(format!("a webhook's body: {cause}")))
    }
}

impl Listener {
    fn is_for(&self, domains: &[String]) -> bool {
        let mine = split_domains(&self.domains);
        self.scope == Scope::Global || domains.iter().any(|domain| mine.contains(domain))
    }

    fn hears(&self, event: EventType) -> bool {
        EventType::split(&self.events).contains(&event)
    }
}

/// What goes into one row of the outbox beside the report.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewDelivery<'a> {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: EventType,
    pub data: &'a Value,
    pub is_test: bool,
}

impl<'a> NewDelivery<'a> {
    pub fn new(webhook: WebhookId, event: EventType, data: &'a Value) -> Self {
        Self { id: DeliveryId::new(), webhook, event, data, is_test: false }
    }
}
