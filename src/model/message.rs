//! The message log: what credentials sent, to whom, and what became of it. Of sandbox messages also the content.

mod forget;
mod list;
mod read;
mod report;
mod sender;
mod taken;

use super::credential::Mode;
use super::words;
use crate::clock::Timestamp;
use crate::id::{CredentialId, MessageId};

pub use list::{Filter, Found, Listing};
pub use taken::{Content, Recipient, Settlement, TakenMessage};

words! {
    /// What became of a message, or of one of its recipients.
    Outcome {
        /// The next hop took it, or the sandbox plays that it did.
        Delivered = "delivered",
        /// The next hop said to come back later; the client knows.
        Deferred = "deferred",
        /// The recipient was refused for good.
        Bounced = "bounced",
        /// The message was refused for good.
        Failed = "failed",
        /// Kept back because of what is known about the recipient.
        Suppressed = "suppressed",
        /// It was handed on, and no answer came: it may have arrived.
        Unknown = "unknown",
    }
}

const COLUMNS: &str = "id, at, credential, credential_label, mode, outcome, answer, sender, recipients, first_recipient, \
                       header_from, subject, message_id_header, size, address, hello, has_content, sender_domain, refused, \
                       has_bounced, has_deferred, has_suppressed";

impl Outcome {
    /// The column that is 1 where it became of a message or of one of its recipients. A message that was delivered to some may
    /// have others to whom it was not; those are few.
    const fn mark(self) -> Option<&'static str> {
        match self {
            Self::Bounced => Some("has_bounced"),
            Self::Deferred => Some("has_deferred"),
            Self::Suppressed => Some("has_suppressed"),
            Self::Delivered | Self::Failed | Self::Unknown => None,
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Message {
    pub id: MessageId,
    pub at: Timestamp,
    /// The credential may be gone.
    pub credential: CredentialId,
    /// Its name at the time, or its username.
    pub credential_label: String,
    /// What the message was treated as, whatever the credential's mode.
    pub mode: Mode,
    pub outcome: Outcome,
    /// The next hop's answer to the whole message, or empty.
    pub answer: String,
    /// The return path; empty for `<>`.
    pub sender: String,
    pub recipients: i64,
    /// How many of them were refused by themselves, whatever became of the message.
    pub refused: i64,
    pub first_recipient: String,
    pub header_from: String,
    pub subject: String,
    pub message_id_header: String,
    /// Bytes, as the client sent them.
    pub size: i64,
    /// The client's.
    pub address: String,
    pub hello: String,
    /// 1 while its content is kept.
    pub has_content: i16,
    /// The one domain that it was sent from; empty where there is none, or several.
    pub sender_domain: String,
    /// 1 where this became of it, or of one of its recipients.
    pub has_bounced: i16,
    pub has_deferred: i16,
    pub has_suppressed: i16,
}

impl Message {
    /// What became of recipients apart from the message, as far as that is kept with its line.
    pub fn apart(&self) -> Vec<Outcome> {
        let marks = [
            (Outcome::Bounced, self.has_bounced),
            (Outcome::Deferred, self.has_deferred),
            (Outcome::Suppressed, self.has_suppressed),
        ];
        let set = marks.into_iter().filter(|(outcome, mark)| *mark == 1 && *outcome != self.outcome);
        set.map(|(outcome, _)| outcome).collect()
    }
}
