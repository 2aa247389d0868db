//! Messages by the million, as a busy organization has them after a month: written straight into the table.

use gatepost::clock::Timestamp;
use gatepost::db::Tx;
use gatepost::id::{CredentialId, MessageId, OrganizationId};
use sqlx::{AssertSqlSafe, Executor};

const BATCH: usize = 500;
const MONTH: i64 = 30 * 86_400 * 1_000_000;

/// Writes `count` lines, spread over the last month: most from one credential in production mode, nearly all delivered.
pub async fn messages(
    tx: &mut Tx,
    (organization, credentials): (OrganizationId, [CredentialId; 2]),
    now: Timestamp,
    count: usize,
) {
    let step = MONTH / i64::try_from(count).expect("a count");
    let mut at = now.as_micros() - MONTH;
    for from in (0..count).step_by(BATCH) {
        let mut rows = Vec::new();
        for number in from..count.min(from + BATCH) {
            at += step;
            rows.push(row(number, at, (organization, credentials)));
        }
        let sql = format!(
            "INSERT INTO messages (id, organization, at, credential, credential_label, mode, outcome, answer, sender, \
             recipients, first_recipient, header_from, subject, message_id_header, size, address, hello, search, \
             has_content, refused, has_bounced, has_deferred) VALUES {}",
            rows.join(", ")
        );
        tx.execute(AssertSqlSafe(sql)).await.expect("messages");
    }
}

fn row(number: usize, at: i64, (organization, [busy, quiet]): (OrganizationId, [CredentialId; 2])) -> String {
    let id = MessageId::new();
    let (credential, label) = if number % 100 == 7 { (quiet, "Quiet") } else { (busy, "Busy") };
    let mode = if number % 10 == 3 { "sandbox" } else { "production" };
    let outcome = match number % 1_000 {
        1 => "bounced",
        2 => "deferred",
        _ => "delivered",
    };
    // Some are delivered, and were refused to one of two recipients.
    let apart = i16::from(number % 1_000 == 3);
    let bounced = i16::from(outcome == "bounced") | apart;
    let (deferred, recipients) = (i16::from(outcome == "deferred"), 1 + apart);
    let (sender, recipient) = ("shop@acme.example", format!("customer{number}@customer.example"));
    let subject = format!("Your order {number}");
    let search = format!("{sender}\n{}\n{recipient}", subject.to_lowercase());
    format!(
        "('{id}', '{organization}', {at}, '{credential}', '{label}', '{mode}', '{outcome}', '', '{sender}', {recipients}, '{recipient}', \
         'Shop <{sender}>', '{subject}', '<{number}@acme.example>', 20480, '203.0.113.7', 'shop.acme.example', '{search}', 0, {apart}, \
         {bounced}, {deferred})"
    )
}
