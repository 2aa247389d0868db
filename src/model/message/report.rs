//! What webhooks are told of a message: that it was taken, and what became of it, once for each recipient.

use serde_json::{Value, json};

use super::{Message, Settlement, TakenMessage, sender};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{MessageId, OrganizationId};
use crate::model::credential::Mode;
use crate::model::webhook::{EventType, News, Report, Told};

/// An event, and the address of the recipient that it is about.
type About<'a> = (EventType, &'a str);

impl TakenMessage<'_> {
    /// That it was taken, and of each recipient what became of it as far as that is known.
    pub(super) async fn report(&self, tx: &mut Tx) -> Result<()> {
        let events = self.recipients.iter().flat_map(|recipient| {
            let outcome = EventType::of_outcome(recipient.outcome);
            let both = std::iter::once(EventType::MessageReception).chain(outcome);
            both.map(|event| (event, recipient.address.as_str()))
        });
        let whose = Whose { senders: &self.senders, authors: &self.authors };
        tell(tx, (self.organization, self.id, self.at), whose, &events.collect::<Vec<_>>()).await
    }
}

impl Settlement {
    /// What became of these recipients.
    pub(super) async fn report(&self, tx: &mut Tx, recipients: &[String]) -> Result<()> {
        let event = EventType::of_outcome(self.outcome);
        let events =
            event.into_iter().flat_map(|event| recipients.iter().map(move |one| (event, one.as_str())));
        let whose = Whose { senders: &self.senders, authors: &self.authors };
        tell(tx, (self.organization, self.id, self.at), whose, &events.collect::<Vec<_>>()).await
    }
}

/// Whom a message is from, as in [`TakenMessage`].
struct Whose<'a> {
    senders: &'a [String],
    authors: &'a [String],
}

impl Whose<'_> {
    /// Webhooks that are for one of these hear of it.
    fn domains(&self) -> Vec<String> {
        let mut domains = sender::domains(self.senders);
        domains.extend(sender::domains(self.authors));
        domains
    }
}

/// What is told beside whom it is from is read from the log, if somebody listens.
async fn tell(
    tx: &mut Tx,
    (organization, id, at): (OrganizationId, MessageId, Timestamp),
    whose: Whose<'_>,
    events: &[About<'_>],
) -> Result<()> {
    let report = Report { organization, at, message: Some(id) };
    report
        .tell(tx, async |tx| {
            let message = Message::find(tx, organization, id).await?;
            let from = whose.senders.first().map_or("", String::as_str);
            let news = |(event, recipient): &About<'_>| News {
                event: *event,
                data: data(&message, from, recipient),
            };
            Ok(Told { domains: whose.domains(), news: events.iter().map(news).collect() })
        })
        .await
}

fn data(message: &Message, from: &str, recipient: &str) -> Value {
    json!({
        "from": from,
        "recipient": recipient,
        "subject": message.subject,
        "message_id_header": message.message_id_header,
        "id": message.id,
        "sandbox": message.mode == Mode::Sandbox,
        "credential_id": message.credential,
        "credential_name": message.credential_label,
    })
}
