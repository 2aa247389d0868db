//! What stands in the bodies of answers.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words::words_of;
use crate::api::{some, time};
use crate::id::OrganizationId;
use crate::model::Message;
use crate::model::credential::Mode;
use crate::model::message::{Outcome, Recipient};

words_of! {
    /// What became of a message, or of one of its recipients. `unknown`: it was handed on and no answer came, so that it may have
    /// arrived.
    MessageOutcome(Outcome),
}

/// A message that an SMTP credential sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageBody {
    object: MessageObject,
    id: Uuid,
    /// When it was taken.
    #[schema(format = DateTime)]
    created_at: String,
    account_id: Uuid,
    /// There may be no such credential any more.
    credential_id: Uuid,
    /// The credential's name at the time, or its username.
    credential_name: String,
    /// Whether it went no further than this log.
    sandbox: bool,
    outcome: MessageOutcome,
    /// The next hop's answer to the whole message.
    #[schema(required)]
    answer: Option<String>,
    /// The return path; null for `<>`.
    #[schema(required)]
    sender: Option<String>,
    /// The domain of the return path, or of the From field where that is empty; null where these are several.
    #[schema(required)]
    sender_domain: Option<String>,
    #[schema(minimum = 0)]
    recipient_count: i64,
    first_recipient: String,
    /// The addresses in the From field.
    header_from: String,
    subject: String,
    message_id_header: String,
    /// In bytes, as the client sent it.
    #[schema(minimum = 0)]
    size: i64,
    /// From where the client came.
    address: String,
    /// What the client called itself.
    hello: String,
    /// Whether `…/source` has what it holds: that of sandbox messages is kept for a while.
    has_content: bool,
}

/// A message with its recipients.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageDetails {
    #[serde(flatten)]
    message: MessageBody,
    /// In the order in which the client named them.
    recipients: Vec<MessageRecipient>,
}

/// One recipient.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageRecipient {
    address: String,
    outcome: MessageOutcome,
    /// The next hop's answer.
    #[schema(required)]
    answer: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageObject {
    Message,
}

impl MessageBody {
    pub fn of(message: Message, account: OrganizationId) -> Self {
        Self {
            object: MessageObject::Message,
            id: message.id.uuid(),
            created_at: time(message.at),
            account_id: account.uuid(),
            credential_id: message.credential.uuid(),
            credential_name: message.credential_label,
            sandbox: message.mode == Mode::Sandbox,
            outcome: MessageOutcome(message.outcome),
            answer: some(message.answer),
            sender: some(message.sender),
            sender_domain: some(message.sender_domain),
            recipient_count: message.recipients,
            first_recipient: message.first_recipient,
            header_from: message.header_from,
            subject: message.subject,
            message_id_header: message.message_id_header,
            size: message.size,
            address: message.address,
            hello: message.hello,
            has_content: message.has_content == 1,
        }
    }
}

impl MessageDetails {
    pub fn of(message: Message, recipients: Vec<Recipient>, account: OrganizationId) -> Self {
        let recipient = |recipient: Recipient| MessageRecipient {
            address: recipient.address,
            outcome: MessageOutcome(recipient.outcome),
            answer: some(recipient.answer),
        };
        let recipients = recipients.into_iter().map(recipient).collect();
        Self { message: MessageBody::of(message, account), recipients }
    }
}
