//! What is refused for good leaves a line in the log, for whoever looks for a message that never came.
//!
//! Addresses stay out of it: they belong in the message log, which is forgotten in time.

use super::reply::Reply;
use crate::id::CredentialId;

/// Where in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Mail,
    Recipient,
    Message,
}

/// The refusals of one transaction's recipients: the first is logged at once, how many there were at its end.
#[derive(Debug)]
pub struct Refusals {
    credential: CredentialId,
    /// Those for good.
    count: usize,
    /// Some were refused, and none for good.
    only_for_now: bool,
}

impl Refusals {
    pub fn new(credential: CredentialId) -> Self {
        Self { credential, count: 0, only_for_now: false }
    }

    pub fn are_only_for_now(&self) -> bool {
        self.only_for_now
    }

    /// Counts what is a refusal for good.
    pub fn note(&mut self, reply: &Reply) {
        if reply.code < 500 {
            self.only_for_now |= reply.code >= 400 && self.count == 0;
            return;
        }
        self.only_for_now = false;
        self.count += 1;
        if self.count == 1 {
            note(self.credential, Stage::Recipient, reply);
        }
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        if self.count > 1 {
            tracing::info!(credential = %self.credential, count = self.count, "recipients were refused");
        }
    }
}

/// Logs what is a refusal for good.
pub fn note(credential: CredentialId, stage: Stage, reply: &Reply) {
    if reply.code < 500 {
        return;
    }
    let (code, reason) = (reply.code, without_addresses(&reply.line()));
    let what = match stage {
        Stage::Mail => "a sender was refused",
        Stage::Recipient => "a recipient was refused",
        Stage::Message => "a message was refused",
    };
    tracing::info!(%credential, code, reason, "{what}");
}

/// What a next hop says names the recipient more often than not.
pub fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_out_of_a_reason() {
        assert_eq!(
            without_addresses("550 5.1.1 <bob@example.org>: unknown user bob@example.org"),
            "550 5.1.1 (address) unknown user (address)"
        );
    }
}
