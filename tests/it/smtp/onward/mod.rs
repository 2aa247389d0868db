//! Production messages through the door to the next hop: what it says is what the client hears and what the log keeps.

mod answers;
mod arrival;
mod changes;
mod channel;
mod postfix;

use gatepost::config::Config;
use gatepost::model::Message;
use gatepost::model::message::{Filter, Listing, Outcome, Recipient};
use gatepost::model::page::Turn;

use crate::support::{Issued, NextHop, Reply, SmtpClient, TestApp};

const SENDER: &str = "shop@acme.example";
const RECIPIENT: &str = "bob@example.org";

/// Gatepost with a next hop and a credential in production mode.
struct Shop {
    app: TestApp,
    credential: Issued,
}

impl Shop {
    async fn before(hop: &NextHop) -> Self {
        Self::with(hop, |_| ()).await
    }

    /// `change`: other settings than the usual ones.
    async fn with(hop: &NextHop, change: impl FnOnce(&mut Config)) -> Self {
        Self::configured(|config| {
            hop.configure(config);
            change(config);
        })
        .await
    }

    async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::with_config(change).await;
        app.verified("acme.example").await;
        let credential = app.issue("Shop").await;
        Self { app, credential }
    }

    /// A connection that has signed in.
    async fn client(&self) -> SmtpClient {
        let mut client = self.app.smtp().await;
        let answer = client.log_in(&self.credential.username, &self.credential.password).await;
        assert_eq!(answer.code, 235, "{answer:?}");
        client
    }

    /// The only message in the log, with its recipients.
    async fn logged(&self) -> (Message, Vec<Recipient>) {
        let mut messages = self.log().await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    /// The log, newest first.
    async fn log(&self) -> Vec<(Message, Vec<Recipient>)> {
        let organization = self.app.operator().await.organization;
        let mut connection = self.app.app.db.read().await.expect("a connection");
        let listing = Listing { filter: Filter::default(), turn: Turn::first(100) };
        let found = Message::list(&mut connection, organization, &listing).await.expect("a list");
        let mut log = Vec::new();
        for message in found.page.rows {
            let recipients = Message::recipients(&mut connection, organization, message.id, 100);
            let recipients = recipients.await.expect("recipients");
            log.push((message, recipients));
        }
        log
    }
}

/// MAIL, RCPT and DATA with this content, up to the first no.
async fn send(client: &mut SmtpClient, content: &[u8]) -> Reply {
    let (mail, rcpt) = (format!("MAIL FROM:<{SENDER}>"), format!("RCPT TO:<{RECIPIENT}>"));
    for command in [mail.as_str(), &rcpt, "DATA"] {
        let answer = client.command(command).await;
        if answer.code >= 400 {
            return answer;
        }
    }
    client.send(content).await
}

fn letter() -> Vec<u8> {
    format!("From: Shop <{SENDER}>\r\nTo: {RECIPIENT}\r\nSubject: Order 7\r\n\r\n.It is on its way.\r\n.\r\n")
        .into_bytes()
}

fn outcomes(recipients: &[Recipient]) -> Vec<(&str, Outcome)> {
    recipients.iter().map(|recipient| (recipient.address.as_str(), recipient.outcome)).collect()
}
