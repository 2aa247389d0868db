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
                       header_from, subject, message_id_header, size, address, hello, has_content, sender_domain, refused";

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
}
