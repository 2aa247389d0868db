//! A production message on its way to the next hop, command by command: what it answers is what the client hears.

use super::command::MailFrom;
use super::data::header::Header;
use super::data::mailbox::Mailbox;
use super::refusals::without_addresses;
use super::relay::{MailOptions, Relay, Said, Transfer, Trouble};
use super::reply::{self, Reply};
use super::transaction::{Transaction, Way};
use crate::id::CredentialId;
use crate::model::message::Outcome;

/// MAIL.
pub async fn begin(relay: &Relay, credential: CredentialId, mail: &MailFrom<'_>) -> Result<Transfer, Reply> {
    let mut transfer = relay.open(credential).await.map_err(|trouble| unopened(&trouble))?;
    let (sender, offers) = (mail.sender.unwrap_or_default(), transfer.offers());
    if !sender.is_ascii() && !offers.smtputf8 {
        return Err(reply::NEXT_HOP_NEEDS_ASCII);
    }
    if let Some((limit, _)) = offers.size.zip(mail.size).filter(|(limit, size)| size > limit) {
        return Err(reply::too_big(limit));
    }
    // Bytes beyond ASCII may come without notice: it is said whenever it can be.
    let options = MailOptions {
        size: mail.size,
        eight_bit: offers.eight_bit,
        smtputf8: mail.smtputf8 && offers.smtputf8,
    };
    let said = transfer.mail(sender, options).await;
    match said.map_err(|trouble| told(&trouble, reply::NEXT_HOP_UNREACHABLE))? {
        said if said.is_yes() => Ok(transfer),
        refusal => Err(relayed(&refusal)),
    }
}

/// RCPT. A recipient that is refused stays in the message's record, and costs no credit.
pub async fn name(transaction: &mut Transaction, address: &str) -> Reply {
    let Way::Onward(transfer) = &mut transaction.way else {
        transaction.add(address, Outcome::Unknown, String::new());
        return reply::RECIPIENT_OK;
    };
    let (answer, own_words) = if address.is_ascii() || transfer.offers().smtputf8 {
        match transfer.rcpt(address).await {
            Ok(said) if said.is_goodbye() => {
                transaction.way = Way::Broken;
                return relayed(&said);
            }
            Ok(said) => (relayed(&said), reply::repeated(&said)),
            Err(trouble) => {
                transaction.way = Way::Broken;
                return told(&trouble, reply::NEXT_HOP_LOST);
            }
        }
    } else {
        (reply::NEXT_HOP_NEEDS_ASCII, reply::NEXT_HOP_NEEDS_ASCII)
    };
    let accepted = answer.code < 400;
    let outcome = match answer.code {
        _ if accepted => Outcome::Unknown,
        500.. => Outcome::Bounced,
        _ => Outcome::Deferred,
    };
    if let Some(hold) = transaction.hold.as_mut().filter(|_| !accepted)
        && let Err(error) = hold.one_less().await
    {
        return reply::internal(error);
    }
    transaction.add(address, outcome, own_words.line());
    answer
}

/// Whether the next hop can carry what has come in, as it is. A header beyond ASCII is internationalized where the client
/// said SMTPUTF8; else it is 8-bit content, as some send it, unless it holds an author's address: that needs SMTPUTF8 on all its
/// way (RFC 6531 section 3.4), and to the next hop nothing is said that the client did not say.
pub fn can_carry(
    transfer: &Transfer,
    (header, body): (&Header<'_>, &[u8]),
    authors: &[Mailbox],
    smtputf8: bool,
) -> Result<(), Reply> {
    let (offers, eight_bit_header) = (transfer.offers(), header.is_internationalized());
    match offers {
        _ if !smtputf8 && !authors.iter().all(Mailbox::is_ascii) => Err(reply::AUTHOR_NEEDS_SMTPUTF8),
        _ if smtputf8 && eight_bit_header && !offers.smtputf8 => Err(reply::NEXT_HOP_NEEDS_ASCII_HEADER),
        _ if (eight_bit_header || !body.is_ascii()) && !offers.eight_bit => Err(reply::NEXT_HOP_NEEDS_7BIT),
        _ => Ok(()),
    }
}

/// No connection: what passes by itself, or what the operator has to mend.
fn unopened(trouble: &Trouble) -> Reply {
    let reply = match trouble {
        Trouble::NoPlace => reply::NO_PLACE,
        trouble if trouble.needs_its_operator() => reply::NEXT_HOP_UNUSABLE,
        _ => reply::NEXT_HOP_UNREACHABLE,
    };
    told(trouble, reply)
}

/// What the client hears of what the next hop said. What is kept from it is logged, for the operator.
pub fn relayed(said: &Said) -> Reply {
    let (reply, own_words) = (reply::relayed(said), reply::repeated(said));
    if reply != own_words {
        let answer = without_addresses(&own_words.line());
        tracing::warn!(answer, "the next hop refuses its session with Gatepost");
    }
    reply
}

/// Logs what went wrong, and gives the client its part of it.
pub fn told(trouble: &Trouble, reply: Reply) -> Reply {
    tracing::warn!(%trouble, "no answer from the next hop");
    reply
}
