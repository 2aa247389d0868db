//! What becomes of a message that has come in whole: checked, mended, and kept in the sandbox or handed to the next hop.

use std::net::IpAddr;

use mail_parser::MessageParser;

use super::data::header::{Header, Trace};
use super::data::mailbox::Mailbox;
use super::onward;
use super::relay::Transfer;
use super::reply::{self, Reply};
use super::senders::Senders;
use super::settling::Due;
use super::submission::Submission;
use super::transaction::{Hold, Transaction, Way};
use crate::db::in_time;
use crate::error::Result;
use crate::gate::Grant;
use crate::id::MessageId;
use crate::mime;
use crate::model::credential::Mode;
use crate::model::message::{Content, Outcome, Settlement, TakenMessage};
use crate::model::{Credits, Usage};

/// Longest text of a header field that the log keeps, in characters.
const LOG_TEXT: usize = 500;

/// Who sends.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    pub grant: &'a Grant,
    /// The EHLO name.
    pub hello: &'a str,
    pub address: IpAddr,
}

/// The whole way of a message from its last byte to the answer that the client hears.
pub async fn deliver(submission: &Submission, client: Client<'_>, transaction: Transaction) -> Reply {
    match try_to_deliver(submission, client, transaction).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn try_to_deliver(
    submission: &Submission,
    client: Client<'_>,
    mut transaction: Transaction,
) -> Result<Reply, Reply> {
    let app = &submission.app;
    let way = std::mem::replace(&mut transaction.way, Way::Broken);
    let content = transaction.incoming.content();
    let (header, body) = Header::split(content).map_err(reply::bad_header)?;
    let senders = Senders { app, grant: client.grant };
    // What holds now, whatever held at MAIL.
    senders.check_sender(&transaction.sender).await?;
    let authors = senders.check_from(&header).await?;
    let controls = header.controls().map_err(|name| reply::bad_control(&name))?;
    let (id, at) = (MessageId::new(), app.clock.now());
    let Client { hello, address, .. } = client;
    let (host, smtputf8) = (app.config.smtp_host.as_str(), transaction.smtputf8);
    let mended = header.mended(&Trace { id, at, hello, client: address, host, smtputf8 });
    let (subject, message_id_header) = told_by(&mended);
    let taken = TakenMessage {
        id,
        organization: client.grant.organization,
        credential: client.grant.credential,
        at,
        mode: Mode::Production,
        outcome: Outcome::Unknown,
        sender: &transaction.sender,
        authors: addresses(&authors),
        senders: match transaction.sender.as_str() {
            "" => addresses(&authors),
            return_path => vec![return_path.to_owned()],
        },
        recipients: transaction.recipients,
        header_from: short(&addresses(&authors).join(", ")),
        subject,
        message_id_header,
        size: transaction.incoming.size(),
        client: address,
        hello,
    };
    let content = Content { header: &mended, body };
    // Its own field says so, or the credential, which may have been switched while the message came in.
    let sandbox = controls.sandbox || client.grant.mode == Mode::Sandbox;
    match way {
        Way::Onward(transfer) if sandbox => drop(transfer),
        Way::Onward(transfer) => {
            onward::can_carry(&transfer, (&header, body), &authors, smtputf8)?;
            let account = Account { submission, credits: transaction.credits, hold: transaction.hold };
            return account.hand_on(*transfer, &taken, content).await;
        }
        Way::Broken => return Err(reply::NEXT_HOP_LOST),
        Way::Nowhere if !sandbox => return Err(reply::NO_NEXT_HOP),
        Way::Sandbox | Way::Nowhere => {}
    }
    let account = Account { submission, credits: transaction.credits, hold: None };
    in_time(account.keep(taken, controls.result, content)).await.map_err(reply::internal)?;
    Ok(reply::kept(id))
}

/// Where a message is written down, counted and paid for.
struct Account<'a> {
    submission: &'a Submission,
    credits: Credits,
    hold: Option<Hold>,
}

impl Account<'_> {
    /// Into the log, with all that it holds.
    async fn keep(&self, taken: TakenMessage<'_>, result: Outcome, content: Content<'_>) -> Result<()> {
        let (accepted, taken) = (taken.accepted(), taken.in_sandbox(result));
        let mut tx = self.submission.app.db.begin().await?;
        taken.record(&mut tx, Some(content)).await?;
        self.usage(&taken).add(&mut tx, accepted).await?;
        tx.commit().await
    }

    /// To the next hop. Its line in the log and its credits are written before the last byte leaves: whatever happens then,
    /// what may have been sent stands in the log and is paid for.
    async fn hand_on(
        mut self,
        transfer: Transfer,
        taken: &TakenMessage<'_>,
        content: Content<'_>,
    ) -> Result<Reply, Reply> {
        if !in_time(self.announce(taken)).await.map_err(reply::internal)? {
            return Err(reply::NO_CREDIT);
        }
        self.hold.iter_mut().for_each(Hold::use_up);
        let said = transfer.data(&[content.header, content.body]).await;
        let (unknown, reply) = match &said {
            Ok(said) => (false, onward::relayed(said)),
            Err(trouble) if trouble.is_after_the_dot() => {
                (true, onward::told(trouble, reply::NEXT_HOP_SILENT))
            }
            Err(trouble) => (false, onward::told(trouble, reply::NEXT_HOP_LOST)),
        };
        // As the client hears it: what is temporary to it is so in the log.
        let outcome = match reply.code {
            _ if unknown => Outcome::Unknown,
            ..400 => Outcome::Delivered,
            400..500 => Outcome::Deferred,
            500.. => Outcome::Failed,
        };
        let answer =
            said.map_or_else(|trouble| short(&trouble.to_string()), |said| reply::repeated(&said).line());
        let (id, organization, at) = (taken.id, taken.organization, self.submission.app.clock.now());
        let (senders, authors) = (taken.senders.clone(), taken.authors.clone());
        let settlement = Settlement { id, organization, senders, authors, at, outcome, answer };
        let (credits, usage, recipients) = (self.credits, self.usage(taken), taken.accepted());
        let due = Due { settlement, credits, usage, recipients };
        // Whether or not it can be written down at once: what the next hop said is true.
        self.submission.settling.settle(&self.submission.app, due).await;
        Ok(reply)
    }

    /// False when there is no credit for it.
    async fn announce(&self, taken: &TakenMessage<'_>) -> Result<bool> {
        let app = &self.submission.app;
        let mut tx = app.db.begin().await?;
        let (count, now) = (taken.accepted(), app.clock.now());
        let hold = self.hold.as_ref().map(|hold| hold.id);
        if !self.credits.charge(&mut tx, hold, count, now).await? {
            return Ok(false);
        }
        taken.record(&mut tx, None).await?;
        self.usage(taken).add(&mut tx, count).await?;
        tx.commit().await?;
        Ok(true)
    }

    fn usage(&self, taken: &TakenMessage<'_>) -> Usage {
        let TakenMessage { organization, credential, mode, .. } = *taken;
        Usage { organization, credential, month: self.credits.month, mode }
    }
}

/// Subject and Message-ID, decoded (RFC 2047).
fn told_by(header: &[u8]) -> (String, String) {
    let message = mime::parse_header(MessageParser::default(), header).unwrap_or_default();
    let id = message.message_id().map(|id| format!("<{id}>")).unwrap_or_default();
    (short(message.subject().unwrap_or_default()), short(&id))
}

fn addresses(authors: &[Mailbox]) -> Vec<String> {
    authors.iter().map(|author| format!("{}@{}", author.local, author.domain)).collect()
}

/// What a client wrote, as it is kept: printable and short.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LOG_TEXT).collect()
}
