//! What webhooks were told of a message.

use sqlx::AnyConnection;

use crate::error::Result;
use crate::id::{MessageId, OrganizationId};
use crate::model::Webhook;
use crate::model::webhook::Delivery;
use crate::model::webhook::delivery::Status;

/// A delivery, and the name of its webhook while that is there.
pub struct Told {
    pub delivery: Delivery,
    pub webhook: Option<String>,
    /// Whom of the message's recipients it is about, or nobody's address.
    pub recipient: String,
}

/// In the order in which they were written.
pub async fn told(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    message: MessageId,
) -> Result<Vec<Told>> {
    let deliveries = Delivery::of_message(connection, organization, message).await?;
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let webhooks = Webhook::all(connection, organization).await?;
    let name = |delivery: &Delivery| {
        let webhook = webhooks.iter().find(|webhook| webhook.id == delivery.webhook)?;
        Some(webhook.name.clone())
    };
    let told = |delivery: Delivery| Told {
        webhook: name(&delivery),
        recipient: recipient(&delivery.body).unwrap_or_default(),
        delivery,
    };
    Ok(deliveries.into_iter().map(told).collect())
}

/// As the body says.
fn recipient(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    Some(body.get("data")?.get("recipient")?.as_str()?.to_owned())
}

/// Whether the next moments may change what is shown.
pub fn are_moving(told: &[Told]) -> bool {
    told.iter().any(|told| told.webhook.is_some() && told.delivery.status == Status::Pending)
}
