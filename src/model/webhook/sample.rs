//! Test events: what a webhook would be told, with data of nobody's, marked as a test.

use serde_json::{Value, json};

use super::outbox::NewDelivery;
use super::{EventType, Report, Webhook};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CredentialId, DeliveryId, MessageId, WebhookId};
use crate::model::actor::Actor;
use crate::model::event::{Action, Event};

impl Webhook {
    /// Puts a test event into its line, whether it hears such events or not.
    ///
    /// # Errors
    /// [`Error::Conflict`] while it is disabled.
    pub async fn send_test(
        tx: &mut Tx,
        actor: &Actor,
        id: WebhookId,
        event: EventType,
    ) -> Result<DeliveryId> {
        let webhook = Self::find(tx, actor.organization, id).await?;
        webhook.check_enabled()?;
        let data = sample(event, actor.at);
        let delivery = NewDelivery { is_test: true, ..NewDelivery::new(id, event, &data) };
        let report = Report { organization: actor.organization, at: actor.at, message: None };
        report.write(tx, &[delivery]).await?;
        Event::record(tx, actor, Action::WebhookTested, webhook.subject(), event.as_str()).await?;
        Ok(delivery.id)
    }

    /// # Errors
    /// [`Error::Conflict`] while it is disabled.
    pub(super) fn check_enabled(&self) -> Result<()> {
        match self.enabled {
            true => Ok(()),
            false => Err(Error::Conflict("This webhook is disabled: enable it first.".to_owned())),
        }
    }
}

/// The same fields as the real ones have.
fn sample(event: EventType, at: Timestamp) -> Value {
    let mut data = match event.is_of_message() {
        true => json!({
            "from": "hello@example.com",
            "recipient": "someone@example.org",
            "subject": "A test event of Gatepost",
            "message_id_header": "<test@example.com>",
            "id": MessageId::new(),
            "sandbox": true,
            "credential_id": CredentialId::new(),
            "credential_name": "example.com Staging",
        }),
        false => json!({
            "id": CredentialId::new(),
            "name": "example.com Staging",
            "username": "smtp_0000000000000000",
            "status": "active",
            "mode": "sandbox",
            "sandbox": true,
            "scope": "scoped",
            "domains": ["example.com"],
        }),
    };
    let by = "alice@example.com";
    let more = match event {
        EventType::CredentialUpdated => json!({"by": by, "changes": "mode: production → sandbox"}),
        EventType::CredentialRotated => json!({"by": by, "previous_works_until": at.rfc3339()}),
        EventType::CredentialExpired => json!({"by": "Gatepost", "expires_at": at.rfc3339()}),
        EventType::CredentialFirstUsed => {
            json!({"address": "203.0.113.7", "door": "smtp", "hello": "client.example.com"})
        }
        EventType::CredentialAuthFailed => {
            json!({"failures": 10, "within_seconds": 300, "addresses": ["203.0.113.7"]})
        }
        _ if event.is_of_message() => json!({}),
        _ => json!({"by": by}),
    };
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}
