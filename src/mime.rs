//! Takes messages apart, and outlives those that the parser does not: what comes by mail is anybody's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Message, MessageParser};
use tracing::warn;

/// The whole message; `None` for one that can't be taken apart.
pub fn parse(content: &[u8]) -> Option<Message<'_>> {
    guarded(|| MessageParser::default().parse(content))
}

/// Its header alone, as `parser` reads fields.
pub fn parse_header(parser: MessageParser, header: &[u8]) -> Option<Message<'_>> {
    guarded(|| parser.parse_headers(header))
}

/// mail-parser 0.11 counts below zero in some quoted-printable parts: with overflow checks that is a panic.
fn guarded<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        warn!("a message can't be taken apart");
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_the_parser_trips_over_is_none_or_something_but_no_panic() {
        for part in ["a=", "=", "=1B="] {
            let message = format!(
                "Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\n{part}\r\n--z--"
            );
            let _ = parse(message.as_bytes());
            assert!(parse_header(MessageParser::default(), message.as_bytes()).is_some());
        }
    }
}
