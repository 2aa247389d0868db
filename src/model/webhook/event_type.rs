//! What webhooks are told about.

use crate::model::message::Outcome;
use crate::model::words;

words! {
    /// The `type` of a body. Those of messages are AhaSend's; of credentials it has none.
    EventType {
        MessageReception = "message.reception",
        MessageDelivered = "message.delivered",
        MessageTransientError = "message.transient_error",
        MessageBounced = "message.bounced",
        MessageFailed = "message.failed",
        MessageSuppressed = "message.suppressed",
        CredentialCreated = "credential.created",
        CredentialUpdated = "credential.updated",
        CredentialRotated = "credential.rotated",
        CredentialRevoked = "credential.revoked",
        CredentialEnabled = "credential.enabled",
        CredentialDeleted = "credential.deleted",
        CredentialExpired = "credential.expired",
        CredentialFirstUsed = "credential.first_used",
        CredentialAuthFailed = "credential.auth_failed",
    }
}

impl EventType {
    pub const fn is_of_message(self) -> bool {
        matches!(
            self,
            Self::MessageReception
                | Self::MessageDelivered
                | Self::MessageTransientError
                | Self::MessageBounced
                | Self::MessageFailed
                | Self::MessageSuppressed
        )
    }

    /// What the data of a body calls it: `on_` and the word behind the dot, as AhaSend does (`on_reception`).
    pub fn on(self) -> String {
        let (_, what) = self.as_str().split_once('.').unwrap_or_default();
        format!("on_{what}")
    }

    /// What is told when this has become of a recipient; nothing while it is unknown.
    pub const fn of_outcome(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Delivered => Some(Self::MessageDelivered),
            Outcome::Deferred => Some(Self::MessageTransientError),
            Outcome::Bounced => Some(Self::MessageBounced),
            Outcome::Failed => Some(Self::MessageFailed),
            Outcome::Suppressed => Some(Self::MessageSuppressed),
            Outcome::Unknown => None,
        }
    }

    /// The events that a list of words joined by spaces names; a word that is none is left out.
    pub fn split(words: &str) -> Vec<Self> {
        words.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    pub fn join(events: &[Self]) -> String {
        events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(" ")
    }
}
