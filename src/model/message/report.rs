//! What webhooks are told of a message: that it was taken, and what became of it, once for each recipient.

use serde_json::{Value, json};

use super::{Recipient, TakenMessage};
use crate::db::Tx;
use crate::error::Result;
use crate::model::credential::Mode;
use crate::model::domain::normalize;
use crate::model::webhook::{EventType, News, Report};

impl TakenMessage<'_> {
    /// That it was taken, and of each recipient what became of it as far as that is known.
    pub(super) async fn report(&self, tx: &mut Tx) -> Result<()> {
        let reception = [EventType::MessageReception];
        self.tell(tx, |recipient| {
            reception.into_iter().chain(EventType::of_outcome(recipient.outcome)).collect()
        })
        .await
    }

    async fn tell(&self, tx: &mut Tx, events: impl Fn(&Recipient) -> Vec<EventType>) -> Result<()> {
        let domains = self.sending_domains();
        let report = Report {
            organization: self.organization,
            at: self.at,
            domains: &domains,
            message: Some(self.id),
        };
        report
            .tell(tx, async |tx| {
                let label: String = sqlx::query_scalar(
                    "SELECT credential_label FROM messages WHERE organization = $1 AND id = $2",
                )
                .bind(self.organization)
                .bind(self.id)
                .fetch_one(&mut **tx)
                .await?;
                let news = |recipient| {
                    let data = self.data(recipient, &label);
                    events(recipient).into_iter().map(move |event| News { event, data: data.clone() })
                };
                Ok(self.recipients.iter().flat_map(news).collect())
            })
            .await
    }

    fn data(&self, recipient: &Recipient, label: &str) -> Value {
        json!({
            "from": self.senders().next(),
            "recipient": recipient.address,
            "subject": self.subject,
            "message_id_header": self.message_id_header,
            "id": self.id,
            "sandbox": self.mode == Mode::Sandbox,
            "credential_id": self.credential,
            "credential_name": label,
        })
    }

    /// The return path; where that is empty the addresses of the From header.
    fn senders(&self) -> impl Iterator<Item = &str> {
        let senders = if self.sender.is_empty() { self.header_from.as_str() } else { self.sender };
        senders.split(", ")
    }

    /// Their domains, as domains are kept.
    fn sending_domains(&self) -> Vec<String> {
        let domains = self.senders().filter_map(|address| address.rsplit_once('@'));
        domains.filter_map(|(_, domain)| normalize(domain).ok()).collect()
    }
}
