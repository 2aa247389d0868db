//! Messages: the log of what credentials sent, and one message with what it holds.

mod deliveries;
mod download;
mod frame;
mod list;
mod opened;
mod query;
mod show;

pub use download::{attachment, source};
pub use list::list;
pub use show::{document, show};

use crate::id::MessageId;
use crate::model::Message;
use crate::model::message::Outcome;

pub const HOME: &str = "/messages";

/// The address of one message's page.
pub fn address(id: &MessageId) -> String {
    format!("{HOME}/{id}")
}

/// `a@b.example`, or `a@b.example and 2 more`.
pub fn recipients(first: &str, number: &i64) -> String {
    match number.saturating_sub(1) {
        ..=0 => first.to_owned(),
        more => format!("{first} and {more} more"),
    }
}

/// The return path; the empty one as SMTP writes it.
pub fn sender(path: &str) -> &str {
    if path.is_empty() { "<>" } else { path }
}

/// What became of a message, in a word.
pub fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered => "Delivered",
        Outcome::Deferred => "Deferred",
        Outcome::Bounced => "Bounced",
        Outcome::Failed => "Failed",
        Outcome::Suppressed => "Suppressed",
        Outcome::Unknown => "Unknown",
    }
}

/// How many recipients had another outcome than their message; and which, where that is one.
pub fn refused(message: &Message) -> String {
    let what = match message.apart()[..] {
        [one] => outcome(&one).to_lowercase(),
        _ => "refused".to_owned(),
    };
    format!("{} {what}", message.refused)
}

/// `812 bytes`, `1.4 KB`, `20 MB`.
pub fn size(bytes: &i64) -> String {
    match *bytes as f64 {
        one @ ..1_000.0 => format!("{one:.0} byte{}", if *bytes == 1 { "" } else { "s" }),
        few @ ..10_000.0 => format!("{:.1} KB", few / 1e3),
        some @ ..999_500.0 => format!("{:.0} KB", some / 1e3),
        more @ ..9_950_000.0 => format!("{:.1} MB", more / 1e6),
        many => format!("{:.0} MB", many / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_two_digits_or_three() {
        for (bytes, told) in [
            (1, "1 byte"),
            (812, "812 bytes"),
            (1_449, "1.4 KB"),
            (999_499, "999 KB"),
            (999_500, "1.0 MB"),
            (20_000_000, "20 MB"),
        ] {
            assert_eq!(size(&bytes), told);
        }
    }

    #[test]
    fn recipients_beyond_the_first_are_counted() {
        assert_eq!(recipients("a@b.example", &1), "a@b.example");
        assert_eq!(recipients("a@b.example", &3), "a@b.example and 2 more");
    }
}
