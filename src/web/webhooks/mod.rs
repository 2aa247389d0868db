//! Settings > Webhooks: the table, one webhook with its deliveries, and the dialogs that change one.
//!
//! Each dialog is a page of its own too; htmx is given the block `dialog` of it.

mod deliveries;
mod draft;
mod life;
mod list;
mod secret;
mod show;
mod told;

pub use deliveries::{ask_test, redeliver, send_test, show as delivery};
pub use draft::{create, edit, new, update};
pub use life::{ask_delete, delete, disable, enable};
pub use list::list;
pub use secret::{ask_rotate, end_overlap, rotate};
pub use show::show;

use crate::id::{DeliveryId, WebhookId};
use crate::model::Webhook;
use crate::model::webhook::EventType;
use crate::model::webhook::delivery::{Attempt, Status};

pub const HOME: &str = "/settings/webhooks";

/// The address of one webhook's page.
pub fn address(id: &WebhookId) -> String {
    format!("{HOME}/{id}")
}

/// The address of a step in its life: `edit`, `rotate`, ….
pub fn step(id: &WebhookId, verb: &str) -> String {
    format!("{HOME}/{id}/{verb}")
}

/// The address of one delivery's page.
pub fn delivery_address(webhook: &WebhookId, id: &DeliveryId) -> String {
    format!("{HOME}/{webhook}/deliveries/{id}")
}

/// Class and word of a webhook's state.
pub fn state(webhook: &Webhook) -> (&'static str, &'static str) {
    match (webhook.enabled, webhook.failures_in_a_row) {
        (false, _) => ("revoked", "Disabled"),
        (true, 0) => ("active", "Enabled"),
        (true, _) => ("expired", "Failing"),
    }
}

/// Class and word of a delivery's status.
pub fn status(status: &Status) -> (&'static str, &'static str) {
    match status {
        Status::Pending => ("pending", "Pending"),
        Status::Delivered => ("delivered", "Delivered"),
        Status::Failed => ("failed", "Failed"),
    }
}

/// How a try ended, in a word or a sentence.
pub fn outcome(attempt: &Attempt) -> String {
    attempt.status.map_or_else(|| attempt.error.clone(), |status| format!("HTTP {status}"))
}

/// Which events a webhook hears, in a few words.
pub fn events(events: &[EventType]) -> String {
    let all = |is_of_message: bool| {
        EventType::ALL.iter().filter(|event| event.is_of_message() == is_of_message).count()
    };
    let heard =
        |is_of_message: bool| events.iter().filter(|event| event.is_of_message() == is_of_message).count();
    let (messages, credentials) = (heard(true), heard(false));
    match (messages == all(true), credentials == all(false)) {
        (true, true) => "All".to_owned(),
        (true, _) if credentials == 0 => "Messages".to_owned(),
        (_, true) if messages == 0 => "Credentials".to_owned(),
        _ if events.len() == 1 => events[0].to_string(),
        _ => format!("{} events", events.len()),
    }
}

/// When an event happens, for whoever chooses it.
pub fn about(event: &EventType) -> &'static str {
    match event {
        EventType::MessageReception => "Gatepost took it",
        EventType::MessageDelivered => "the next hop took it",
        EventType::MessageTransientError => "put off, to be sent again",
        EventType::MessageBounced => "the recipient was refused",
        EventType::MessageFailed => "the message was refused",
        EventType::MessageSuppressed => "kept back",
        EventType::CredentialCreated => "a new one",
        EventType::CredentialUpdated => "name, mode, scope or expiry",
        EventType::CredentialRotated => "it has a new password",
        EventType::CredentialRevoked => "switched off",
        EventType::CredentialEnabled => "switched on again",
        EventType::CredentialDeleted => "gone for good",
        EventType::CredentialExpired => "its time is over",
        EventType::CredentialFirstUsed => "its first log-in",
        EventType::CredentialAuthFailed => "10 failed log-ins in 5 minutes",
    }
}

/// The scope of a webhook: `Global`, the one domain, or how many.
pub fn scope(webhook: &Webhook) -> String {
    match webhook.domains.as_slice() {
        [] => "Global".to_owned(),
        [only] => crate::model::domain::unicode(only).unwrap_or_else(|| only.clone()),
        domains => format!("{} domains", domains.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_a_few_words() {
        let of = |is_of_message| {
            let all = EventType::ALL.iter().copied();
            all.filter(|event| event.is_of_message() == is_of_message).collect::<Vec<_>>()
        };
        assert_eq!(events(EventType::ALL), "All");
        assert_eq!(events(&of(true)), "Messages");
        assert_eq!(events(&of(false)), "Credentials");
        assert_eq!(events(&[EventType::MessageBounced]), "message.bounced");
        assert_eq!(events(&[of(true), vec![EventType::CredentialCreated]].concat()), "7 events");
    }
}
