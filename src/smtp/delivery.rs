//! What becomes of a message that has come in whole: checked, mended, and kept in the sandbox or handed to the next hop.

use std::net::IpAddr;

use mail_parser::MessageParser;

use super::data::header::{Header, Trace};
use super::data::mailbox::Mailbox;
use super::reply::{self, Reply};
use super::senders::Senders;
use super::submission::Submission;
use super::transaction::Transaction;
use crate::gate::Grant;
use crate::id::MessageId;
use crate::model::Usage;
use crate::model::credential::Mode;
use crate::model::message::{Content, Outcome, TakenMessage};
use crate::model::usage::Month;

/// Longest text of a header field that the log keeps, in characters.
const LOG_TEXT: usize = 500;

/// The whole way of a message from its last byte to the answer that the client hears.
pub async fn deliver(
    submission: &Submission,
    grant: &Grant,
    from: (&str, IpAddr),
    transaction: Transaction,
) -> Reply {
    let delivered = try_to_deliver(submission, grant, from, transaction).await;
    delivered.unwrap_or_else(|refusal| refusal)
}

async fn try_to_deliver(
    submission: &Submission,
    grant: &Grant,
    (hello, client): (&str, IpAddr),
    transaction: Transaction,
) -> Result<Reply, Reply> {
    let app = &submission.app;
    let (header, body) =
        Header::split(transaction.incoming.content()).map_err(|refused| reply::bad_header(refused.line))?;
    let senders = Senders { app, grant }.check_from(&header).await?;
    let controls = header.controls().map_err(|name| reply::bad_control(&name))?;
    let (id, at) = (MessageId::new(), app.clock.now());
    let trace = Trace { id, at, hello, client, host: &app.config.smtp_host, smtputf8: transaction.smtputf8 };
    let mended = header.mended(&trace);
    let sandbox = controls.sandbox || transaction.mode == Mode::Sandbox;
    if !sandbox {
        return Err(reply::NO_NEXT_HOP);
    }
    let mut recipients = transaction.recipients.clone();
    recipients.iter_mut().for_each(|recipient| recipient.outcome = controls.result);
    let (subject, message_id_header) = told_by(&mended);
    let taken = TakenMessage {
        id,
        organization: grant.organization,
        credential: grant.credential,
        at,
        mode: Mode::Sandbox,
        outcome: controls.result,
        sender: &transaction.sender,
        recipients: &recipients,
        header_from: names(&senders),
        subject,
        message_id_header,
        size: transaction.incoming.size(),
        client,
        hello,
    };
    keep(submission, &taken, Content { header: &mended, body }).await.map_err(reply::internal)?;
    Ok(reply::kept(id))
}

/// Into the log, with all that it holds.
async fn keep(
    submission: &Submission,
    taken: &TakenMessage<'_>,
    content: Content<'_>,
) -> crate::error::Result<()> {
    let mut tx = submission.app.db.begin().await?;
    taken.record(&mut tx, Some(content)).await?;
    usage(taken).add(&mut tx, recipients(taken)).await?;
    tx.commit().await
}

fn usage(taken: &TakenMessage<'_>) -> Usage {
    let TakenMessage { organization, credential, mode, .. } = *taken;
    Usage { organization, credential, month: Month::of(taken.at), mode }
}

/// How many were not refused.
fn recipients(taken: &TakenMessage<'_>) -> i64 {
    let refused = |outcome| matches!(outcome, Outcome::Bounced | Outcome::Deferred);
    let accepted = taken
        .recipients
        .iter()
        .filter(|recipient| taken.mode == Mode::Sandbox || !refused(recipient.outcome));
    i64::try_from(accepted.count()).unwrap_or(i64::MAX)
}

/// Subject and Message-ID, decoded (RFC 2047).
fn told_by(header: &[u8]) -> (String, String) {
    let message = MessageParser::default().parse_headers(header).unwrap_or_default();
    let id = message.message_id().map(|id| format!("<{id}>")).unwrap_or_default();
    (short(message.subject().unwrap_or_default()), short(&id))
}

fn names(senders: &[Mailbox]) -> String {
    let names: Vec<String> =
        senders.iter().map(|sender| format!("{}@{}", sender.local, sender.domain)).collect();
    short(&names.join(", "))
}

/// What a client wrote, as it is kept: printable and short.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(LOG_TEXT).collect()
}
