//! A message on its way into the log.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{Outcome, sender};
use crate::clock::Timestamp;
use crate::db::{Tx, insert_rows};
use crate::error::Result;
use crate::id::{CredentialId, MessageId, OrganizationId};
use crate::model::credential::{LABEL, Mode};

/// Bytes of content in one row.
pub(super) const PIECE: usize = 192 * 1024;

/// A message that the SMTP door has taken.
#[derive(Clone, Debug)]
pub struct TakenMessage<'a> {
    pub id: MessageId,
    pub organization: OrganizationId,
    pub credential: CredentialId,
    pub at: Timestamp,
    pub mode: Mode,
    pub outcome: Outcome,
    /// The return path; empty for `<>`.
    pub sender: &'a str,
    /// Whom it is from: the return path, or where that is empty each address of the From header. Uncut, for `header_from` is cut and
    /// an address may hold a comma.
    pub senders: Vec<String>,
    /// Each address of the From header, uncut.
    pub authors: Vec<String>,
    /// In the order in which the client named them.
    pub recipients: Vec<Recipient>,
    pub header_from: String,
    pub subject: String,
    pub message_id_header: String,
    /// Bytes, as the client sent them.
    pub size: u64,
    pub client: IpAddr,
    pub hello: &'a str,
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Recipient {
    pub address: String,
    pub outcome: Outcome,
    /// The next hop's, or empty.
    pub answer: String,
}

/// What the next hop answered to a message that was recorded as [`Outcome::Unknown`].
#[derive(Clone, Debug)]
pub struct Settlement {
    pub id: MessageId,
    pub organization: OrganizationId,
    /// As in [`TakenMessage`].
    pub senders: Vec<String>,
    pub authors: Vec<String>,
    pub at: Timestamp,
    pub outcome: Outcome,
    /// Its answer, or why none came.
    pub answer: String,
}

/// What a message holds, as it would be handed on: its header with the empty line, and its body.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    pub header: &'a [u8],
    pub body: &'a [u8],
}

impl TakenMessage<'_> {
    /// Writes its line and its recipients, and with `content` what it holds; tells webhooks. The credential's name is read in the
    /// same statement: the line keeps it.
    pub async fn record(&self, tx: &mut Tx, content: Option<Content<'_>>) -> Result<()> {
        let sql = format!(
            "INSERT INTO messages (id, organization, at, credential, credential_label, mode, outcome, answer, sender, \
             recipients, first_recipient, header_from, subject, message_id_header, size, address, hello, search, \
             has_content, sender_domain, refused, has_bounced, has_deferred, has_suppressed) SELECT $1, $2, $3, $4, COALESCE((SELECT {LABEL} \
             FROM credentials WHERE organization = $2 AND id = $4), ''), $5, $6, '', $7, $8, $9, $10, $11, $12, $13, \
             $14, $15, $16, $17, $18, $19, $20, $21, $22"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.id)
            .bind(self.organization)
            .bind(self.at)
            .bind(self.credential)
            .bind(self.mode)
            .bind(self.outcome)
            .bind(self.sender)
            .bind(i64::try_from(self.recipients.len()).unwrap_or(i64::MAX))
            .bind(self.recipients.first().map_or("", |first| &first.address))
            .bind(&self.header_from)
            .bind(&self.subject)
            .bind(&self.message_id_header)
            .bind(i64::try_from(self.size).unwrap_or(i64::MAX))
            .bind(self.client.to_string())
            .bind(self.hello)
            .bind(self.search())
            .bind(i16::from(content.is_some()))
            .bind(sender::domain(&self.senders))
            .bind(self.refused())
            .bind(self.has(Outcome::Bounced))
            .bind(self.has(Outcome::Deferred))
            .bind(self.has(Outcome::Suppressed))
            .execute(&mut **tx)
            .await?;
        self.record_recipients(tx).await?;
        if let Some(content) = content {
            self.record_content(tx, content).await?;
        }
        self.report(tx).await
    }

    async fn record_recipients(&self, tx: &mut Tx) -> Result<()> {
        let rows: Vec<(i64, &Recipient)> = (0..).zip(&self.recipients).collect();
        let insert =
            "INSERT INTO message_recipients (organization, message, position, address, outcome, answer)";
        insert_rows(tx, (insert, 6), &rows, |query, (position, recipient)| {
            let query = query.bind(self.organization).bind(self.id).bind(position);
            Ok(query.bind(&recipient.address).bind(recipient.outcome).bind(&recipient.answer))
        })
        .await
    }

    async fn record_content(&self, tx: &mut Tx, content: Content<'_>) -> Result<()> {
        let pieces = content.header.chunks(PIECE).chain(content.body.chunks(PIECE));
        for (position, piece) in (0_i64..).zip(pieces) {
            let sql = "INSERT INTO message_contents (organization, message, position, data) VALUES ($1, $2, $3, $4)";
            sqlx::query(sql)
                .bind(self.organization)
                .bind(self.id)
                .bind(position)
                .bind(BASE64_STANDARD.encode(piece))
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// How many recipients were accepted: until it is settled, or is for the sandbox, nothing more is known of them.
    pub fn accepted(&self) -> i64 {
        let accepted = self.recipients.iter().filter(|recipient| recipient.outcome == Outcome::Unknown);
        i64::try_from(accepted.count()).unwrap_or(i64::MAX)
    }

    /// How many were refused by themselves, whatever becomes of the message.
    fn refused(&self) -> i64 {
        let refused = self.recipients.iter().filter(|recipient| recipient.outcome != self.outcome);
        i64::try_from(refused.count()).unwrap_or(i64::MAX)
    }

    /// 1 where this became of it, or of one of its recipients.
    fn has(&self, outcome: Outcome) -> i16 {
        let mut recipients = self.recipients.iter();
        i16::from(self.outcome == outcome || recipients.any(|recipient| recipient.outcome == outcome))
    }

    /// The same in sandbox mode: it plays that this became of every recipient that was accepted.
    pub fn in_sandbox(mut self, result: Outcome) -> Self {
        (self.mode, self.outcome) = (Mode::Sandbox, result);
        let accepted = self.recipients.iter_mut().filter(|recipient| recipient.outcome == Outcome::Unknown);
        accepted.for_each(|recipient| recipient.outcome = result);
        self
    }

    /// What the log is searched by.
    fn search(&self) -> String {
        let own = [self.sender, &self.header_from, &self.message_id_header, &self.subject];
        let recipients = self.recipients.iter().map(|recipient| recipient.address.as_str());
        let parts: Vec<&str> = own.into_iter().chain(recipients).collect();
        parts.join("\n").to_lowercase()
    }
}

impl Settlement {
    /// Writes it to the message and to the recipients that the next hop had accepted, and tells webhooks. False, and nothing is
    /// changed, where it is known already, or the message is forgotten.
    pub async fn record(&self, tx: &mut Tx) -> Result<bool> {
        let mark = self.outcome.mark().map(|mark| format!(", {mark} = 1")).unwrap_or_default();
        let sql = format!(
            "UPDATE messages SET outcome = $3, answer = $4{mark} WHERE organization = $1 AND id = $2 AND outcome = 'unknown'"
        );
        let message = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.organization)
            .bind(self.id)
            .bind(self.outcome)
            .bind(&self.answer)
            .execute(&mut **tx)
            .await?;
        if message.rows_affected() == 0 {
            return Ok(false);
        }
        let settled: Vec<String> = sqlx::query_scalar(
            "UPDATE message_recipients SET outcome = $3, answer = $4 WHERE organization = $1 AND message = $2 \
             AND outcome = 'unknown' RETURNING address",
        )
        .bind(self.organization)
        .bind(self.id)
        .bind(self.outcome)
        .bind(&self.answer)
        .fetch_all(&mut **tx)
        .await?;
        self.report(tx, &settled).await?;
        Ok(true)
    }
}
