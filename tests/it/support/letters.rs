//! Messages as the SMTP door records them.

use std::net::{IpAddr, Ipv4Addr};

use gatepost::db::Tx;
use gatepost::id::MessageId;
use gatepost::model::credential::Mode;
use gatepost::model::message::{Content, Outcome, Recipient, TakenMessage};

use super::{Issued, TestApp};

/// A message that a credential sends.
#[derive(Clone, Debug)]
pub struct Letter<'a> {
    pub sender: &'a str,
    pub recipients: &'a [(&'a str, Outcome)],
    pub mode: Mode,
    pub subject: &'a str,
    /// Further fields of the header, each with CR LF.
    pub fields: &'a str,
    pub body: &'a [u8],
}

impl Default for Letter<'_> {
    fn default() -> Self {
        Self {
            sender: "shop@acme.example",
            recipients: &[("bob@customer.example", Outcome::Delivered)],
            mode: Mode::Sandbox,
            subject: "Your order",
            fields: "",
            body: b"Dear Bob,\r\nit is on its way.\r\n",
        }
    }
}

impl Letter<'_> {
    /// As it would be handed on, with the empty line.
    pub fn header(&self) -> String {
        let to: Vec<&str> = self.recipients.iter().map(|(address, _)| *address).collect();
        format!(
            "From: Shop <{}>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <1@acme.example>\r\n{}\r\n",
            self.sender,
            to.join(", "),
            self.subject,
            self.fields
        )
    }

    pub async fn record(&self, tx: &mut Tx, (app, by): (&TestApp, &Issued)) -> MessageId {
        let recipients: Vec<Recipient> = self
            .recipients
            .iter()
            .map(|(address, outcome)| Recipient {
                address: (*address).to_owned(),
                outcome: *outcome,
                answer: match self.mode {
                    Mode::Production => "250 2.0.0 OK".to_owned(),
                    Mode::Sandbox => String::new(),
                },
            })
            .collect();
        let header = self.header();
        let taken = TakenMessage {
            id: MessageId::new(),
            organization: app.operator().await.organization,
            credential: by.id.parse().expect("an id"),
            at: app.clock.now(),
            mode: self.mode,
            outcome: recipients.first().map_or(Outcome::Delivered, |first| first.outcome),
            sender: self.sender,
            senders: vec![self.sender.to_owned()],
            authors: vec![self.sender.to_owned()],
            recipients,
            header_from: format!("Shop <{}>", self.sender),
            subject: self.subject.to_owned(),
            message_id_header: "<1@acme.example>".to_owned(),
            size: (header.len() + self.body.len()) as u64,
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            hello: "shop.acme.example",
        };
        let content = Content { header: header.as_bytes(), body: self.body };
        let content = (self.mode == Mode::Sandbox).then_some(content);
        taken.record(tx, content).await.expect("a message");
        taken.id
    }
}

impl TestApp {
    /// The address of the page of a message that has just been sent.
    pub async fn send(&self, by: &Issued, letter: &Letter<'_>) -> String {
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let id = letter.record(&mut tx, (self, by)).await;
        tx.commit().await.expect("a commit");
        format!("/messages/{id}")
    }
}
