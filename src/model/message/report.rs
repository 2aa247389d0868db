//! What webhooks are told of a message: that it was taken, and what became of it, once for each recipient.

use serde_json::{Value, json};

use super::{Recipient, TakenMessage};
use crate::db::Tx;
use crate::error::Result;
use crate::model::credential::Mode;
use crate::model::webhook::{EventType, News, Report};

/// Of a subject and a Message-ID as much is told, in characters.
const MAX_TEXT: usize = 1_000;

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
        let domain = self.sending_domain();
        let report =
            Report { organization: self.organization, at: self.at, domains: &domain, message: Some(self.id) };
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
        let shortened = |text: &str| text.chars().take(MAX_TEXT).collect::<String>();
        json!({
            "from": if self.sender.is_empty() { &self.header_from } else { self.sender },
            "recipient": recipient.address,
            "subject": shortened(&self.subject),
            "message_id_header": shortened(&self.message_id_header),
            "id": self.id,
            "sandbox": self.mode == Mode::Sandbox,
            "credential_id": self.credential,
            "credential_name": label,
        })
    }

    /// The domain that it is sent from: of the return path, or where that is empty of the From header. As it is kept: A-labels,
    /// lower case.
    fn sending_domain(&self) -> Vec<String> {
        let address = if self.sender.is_empty() { self.header_from.as_str() } else { self.sender };
        let domain = address.trim_end_matches('>').rsplit_once('@').map(|(_, domain)| domain);
        domain.and_then(|domain| crate::model::domain::normalize(domain).ok()).into_iter().collect()
    }
}
