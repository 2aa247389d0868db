//! Every reply of the door, by name. Nothing else in this room writes text to a client, so that this page is the
//! whole of what the outside can learn.
//!
//! Codes are those of RFC 5321 section 4.2 and RFC 4954 section 6; the enhanced status codes of RFC 2034 follow
//! RFC 3463 and the registry of RFC 5248. The greeting, the answers to EHLO and HELO, and `334` carry none.

use std::borrow::Cow;
use std::fmt::{self, Display};

use super::data::header::{MOST_BYTES, NoHeader};
use super::data::mailbox::NoList;
use super::relay::Said;
use crate::error::Error;

/// One reply of one or more lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    status: Cow<'static, str>,
    /// Lines are parted by `\n`.
    text: Cow<'static, str>,
    /// The client could not know better, whatever the code: so spoke the next hop, or it is what a refusal before it led to.
    excused: bool,
}

impl Reply {
    /// Whether the client said what no client should: 55x are about mail, 5.1.x (RFC 3463 section 3.2) about the address of one
    /// recipient or sender, not about how the client talks.
    pub fn is_about_a_mistake(&self) -> bool {
        (500..550).contains(&self.code) && !self.status.starts_with("5.1.") && !self.excused
    }

    pub fn excused(self) -> Self {
        Reply { excused: true, ..self }
    }

    const fn fixed(code: u16, status: &'static str, text: &'static str) -> Self {
        Reply { code, status: Cow::Borrowed(status), text: Cow::Borrowed(text), excused: false }
    }

    fn told(code: u16, status: &'static str, text: String) -> Self {
        Reply { code, status: Cow::Borrowed(status), text: Cow::Owned(text), excused: false }
    }

    /// As the log keeps it: `550 5.1.1 No such user`.
    pub fn line(&self) -> String {
        self.to_string().trim_end().replace("\r\n", " ")
    }

    /// Appends the reply as it goes over the wire.
    pub fn write_to(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(self.to_string().as_bytes());
    }
}

/// As it goes over the wire, each line ended by CR LF (RFC 5321 section 4.2.1).
impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            let space = if self.status.is_empty() { "" } else { " " };
            write!(f, "{}{mark}{}{space}{line}\r\n", self.code, self.status)?;
        }
        Ok(())
    }
}

// 2xx: done.

pub fn greeting(host: &str) -> Reply {
    Reply::told(220, "", format!("{host} ESMTP Gatepost"))
}

/// The answer to EHLO: the host, then what it can do, a keyword a line (RFC 5321 section 4.1.1.1).
pub fn capabilities(host: &str, keywords: &[String]) -> Reply {
    Reply::told(
        250,
        "",
        std::iter::once(host).chain(keywords.iter().map(String::as_str)).collect::<Vec<_>>().join("\n"),
    )
}

pub fn hello(host: &str) -> Reply {
    Reply::told(250, "", host.to_owned())
}

pub const HELP: Reply = Reply::fixed(
    214,
    "2.0.0",
    "Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT\n\
     Sign in with an SMTP credential from the Gatepost dashboard, over TLS",
);
pub const START_TLS: Reply = Reply::fixed(220, "2.0.0", "Ready to start TLS");
pub const GOODBYE: Reply = Reply::fixed(221, "2.0.0", "Goodbye");
pub const AUTHENTICATED: Reply = Reply::fixed(235, "2.7.0", "Authentication successful");
pub const OK: Reply = Reply::fixed(250, "2.0.0", "OK");
pub const SENDER_OK: Reply = Reply::fixed(250, "2.1.0", "Sender OK");
pub const RECIPIENT_OK: Reply = Reply::fixed(250, "2.1.5", "Recipient OK");
pub const NOT_VERIFIED: Reply = Reply::fixed(252, "2.5.0", "Addresses are not verified here; try RCPT");

/// A chunk has come (RFC 3030 section 2).
pub fn chunk(bytes: u64) -> Reply {
    Reply::told(250, "2.0.0", format!("{bytes} bytes received"))
}

/// A sandbox message is in the log.
pub fn kept(id: impl Display) -> Reply {
    Reply::told(250, "2.0.0", format!("Accepted in sandbox mode as {id}, goes no further"))
}

// 3xx: go on.

pub const START_INPUT: Reply = Reply::fixed(354, "", "Send the message, end with CR LF . CR LF");

/// A server challenge; `prompt` is Base64 already, empty for PLAIN (RFC 4954 section 4).
pub const fn challenge(prompt: &'static str) -> Reply {
    Reply::fixed(334, "", prompt)
}

// 4xx: not now.

pub const SHUTTING_DOWN: Reply = Reply::fixed(421, "4.3.2", "Shutting down, please come back later");
pub const TOO_MANY_CONNECTIONS: Reply =
    Reply::fixed(421, "4.3.2", "Too many connections, please come back later");
pub const TOO_MANY_FROM_ADDRESS: Reply = Reply::fixed(421, "4.7.0", "Too many connections from your address");
pub const TOO_FAST_FROM_ADDRESS: Reply =
    Reply::fixed(421, "4.7.0", "Too many new connections from your address, slow down");
pub const IDLE: Reply = Reply::fixed(421, "4.4.2", "Idle for too long");
pub const NO_LOGIN_IN_TIME: Reply = Reply::fixed(421, "4.4.2", "Not signed in within the time limit");
pub const TOO_MANY_FAILURES: Reply = Reply::fixed(421, "4.7.0", "Too many failed logins in this connection");
pub const TOO_MANY_MISTAKES: Reply = Reply::fixed(421, "4.7.0", "Too many bad commands in this connection");
pub const NO_LONGER_VALID: Reply =
    Reply::fixed(421, "4.7.0", "The credential of this session is no longer valid, sign in again");
pub const INTERNAL: Reply = Reply::fixed(451, "4.3.0", "Temporary internal failure, please try again");
pub const TOO_MANY_MESSAGES: Reply = Reply::fixed(421, "4.7.0", "Too many messages in this connection");
pub const TOO_SLOW: Reply = Reply::fixed(421, "4.4.2", "The message did not come within the time limit");
pub const NO_NEXT_HOP: Reply = Reply::fixed(
    451,
    "4.3.5",
    "No next hop is configured for production mail: set next_hop_host, or send in sandbox mode",
);
pub const NEXT_HOP_UNREACHABLE: Reply =
    Reply::fixed(451, "4.4.1", "The next hop can't be reached, please try again");
pub const NO_PLACE: Reply = Reply::fixed(
    451,
    "4.3.2",
    "Too many messages are under way at once, of this credential or of all, please try again",
);
pub const NEXT_HOP_UNUSABLE: Reply = Reply::fixed(
    451,
    "4.3.5",
    "The next hop can't be used as it is configured, this server's operator has to look at it",
);
pub const NEXT_HOP_LOST: Reply =
    Reply::fixed(451, "4.4.2", "The connection to the next hop was lost, please try again");
pub const NO_RECIPIENTS_FOR_NOW: Reply =
    Reply::fixed(451, "4.5.0", "No recipient can be taken for now, please try again");
pub const NEXT_HOP_SILENT: Reply = Reply::fixed(
    451,
    "4.4.2",
    "The next hop did not answer: it may have taken the message; sending it again may deliver it twice",
);
pub const NEXT_HOP_REFUSES_US: Reply =
    Reply::fixed(451, "4.3.5", "The next hop refuses this server, its operator has to look at it");
pub const NO_MEMORY: Reply = Reply::fixed(452, "4.3.1", "Too many messages are coming in, please try again");
pub const TOO_MANY_RECIPIENTS: Reply =
    Reply::fixed(452, "4.5.3", "Too many recipients, send the rest in another message");
pub const NO_CREDIT: Reply =
    Reply::fixed(452, "4.5.3", "The organization's monthly allowance of recipients is used up");

/// The gate could not decide; the password may well be right.
pub fn undecided(reference: impl Display) -> Reply {
    Reply::told(454, "4.7.0", format!("Temporary authentication failure (ref {reference})"))
}

/// What the next hop said, in its own words.
pub fn repeated(said: &Said) -> Reply {
    let status = said.status.clone().unwrap_or_else(|| format!("{}.0.0", said.code / 100));
    Reply { code: said.code, status: Cow::Owned(status), text: Cow::Owned(said.text.clone()), excused: true }
}

/// The same as the client hears it: what the next hop says about its session with Gatepost, not about the message, is temporary
/// to the client.
pub fn relayed(said: &Said) -> Reply {
    match said.code {
        421 => NEXT_HOP_LOST,
        432 | 454 | 503 | 530 | 534 | 535 | 538 => NEXT_HOP_REFUSES_US,
        _ => repeated(said),
    }
}

/// A failure of Gatepost's own; what it was is for the log.
pub fn internal(error: Error) -> Reply {
    tracing::error!(%error, "mail can't be taken for now");
    INTERNAL
}

// 5xx: not so.

pub const UNKNOWN_COMMAND: Reply = Reply::fixed(500, "5.5.1", "Command not recognized");
pub const LINE_TOO_LONG: Reply = Reply::fixed(500, "5.5.2", "Line too long");
pub const AUTH_LINE_TOO_LONG: Reply = Reply::fixed(500, "5.5.6", "Authentication exchange line is too long");
pub const BARE_CR: Reply = Reply::fixed(500, "5.5.2", "Bare CR received, lines end with CR LF");
pub const BARE_LF: Reply = Reply::fixed(500, "5.5.2", "Bare LF received, lines end with CR LF");
pub const CONTROL_BYTE: Reply = Reply::fixed(500, "5.5.2", "Control character received");
pub const NOT_BASE64: Reply = Reply::fixed(501, "5.5.2", "Not valid Base64");
pub const BAD_EXCHANGE: Reply = Reply::fixed(501, "5.5.2", "Authentication data is malformed");
pub const ONLY_ASCII: Reply = Reply::fixed(501, "5.5.2", "Only ASCII characters are allowed here");
pub const CANCELLED: Reply = Reply::fixed(501, "5.0.0", "Authentication cancelled");
pub const NO_ARGUMENT: Reply = Reply::fixed(501, "5.5.4", "This command takes no argument");
pub const BAD_SENDER: Reply = Reply::fixed(501, "5.1.7", "Bad sender address syntax");
pub const BAD_RECIPIENT: Reply = Reply::fixed(501, "5.1.3", "Bad recipient address syntax");
pub const BAD_SIZE: Reply = Reply::fixed(501, "5.5.4", "SIZE takes a number of bytes");
pub const NOT_IMPLEMENTED: Reply = Reply::fixed(502, "5.5.1", "Command not implemented");
pub const BAD_BODY: Reply = Reply::fixed(501, "5.5.4", "BODY is 7BIT or 8BITMIME");
pub const HELLO_FIRST: Reply = Reply::fixed(503, "5.5.1", "Send EHLO first");
pub const NESTED_MAIL: Reply =
    Reply::fixed(503, "5.5.1", "A message is begun already, send RSET to give it up");
pub const MAIL_FIRST: Reply = Reply::fixed(503, "5.5.1", "Send MAIL first");
pub const NOT_BETWEEN_CHUNKS: Reply = Reply::fixed(503, "5.5.1", "Only BDAT or RSET may follow BDAT");
pub const ALREADY_ENCRYPTED: Reply = Reply::fixed(503, "5.5.1", "TLS is already active");
pub const ALREADY_AUTHENTICATED: Reply = Reply::fixed(503, "5.5.1", "Already authenticated");
pub const PIPELINED_STARTTLS: Reply = Reply::fixed(503, "5.5.1", "Nothing may be sent along with STARTTLS");
pub const UNKNOWN_MECHANISM: Reply = Reply::fixed(504, "5.5.4", "Unknown mechanism, use PLAIN or LOGIN");
pub const NOT_HTTP: Reply = Reply::fixed(521, "5.5.1", "This is a mail submission server, not a web server");
pub const TLS_FIRST: Reply = Reply::fixed(530, "5.7.0", "Must issue a STARTTLS command first");
pub const AUTHENTICATION_REQUIRED: Reply = Reply::fixed(530, "5.7.0", "Authentication required");
pub const NOT_ASCII: Reply =
    Reply::fixed(553, "5.6.7", "Addresses with non-ASCII characters need the SMTPUTF8 parameter of MAIL");
/// RFC 6531 section 3.5: an address beyond ASCII, and a next hop that takes none.
pub const NEXT_HOP_NEEDS_ASCII: Reply =
    Reply::fixed(550, "5.6.7", "The next hop takes no addresses with non-ASCII characters");
/// RFC 6531 section 3.5, at the end of the message: the header holds them.
pub const NEXT_HOP_NEEDS_ASCII_HEADER: Reply =
    Reply::fixed(554, "5.6.9", "The next hop takes no header with non-ASCII characters");
/// RFC 6531 section 3.4.
pub const AUTHOR_NEEDS_SMTPUTF8: Reply = Reply::fixed(
    554,
    "5.6.9",
    "An address with non-ASCII characters in the From field needs the SMTPUTF8 parameter of MAIL",
);
/// RFC 6152 section 3.
pub const NEXT_HOP_NEEDS_7BIT: Reply =
    Reply::fixed(554, "5.6.3", "The next hop takes only 7-bit content, send quoted-printable or Base64");
pub const NO_RECIPIENTS: Reply = Reply::fixed(554, "5.5.1", "No valid recipients");
pub const CONTENT_BARE_CR: Reply = Reply::fixed(554, "5.6.0", "Bare CR in the message, lines end with CR LF");
pub const CONTENT_BARE_LF: Reply = Reply::fixed(554, "5.6.0", "Bare LF in the message, lines end with CR LF");
pub const CONTENT_NUL: Reply = Reply::fixed(554, "5.6.0", "NUL in the message");
pub const NO_FROM: Reply = Reply::fixed(554, "5.6.0", "The message has no address in a From field");
pub const MANY_SENDERS: Reply = Reply::fixed(554, "5.6.0", "The From field has too many addresses");
pub const MANY_FROM: Reply = Reply::fixed(554, "5.6.0", "The message has more than one From field");
pub const UNKNOWN_PARAMETER: Reply = Reply::fixed(555, "5.5.4", "Unsupported parameter");

/// A command whose arguments are wrong; `usage` shows the right form.
pub fn usage(usage: &'static str) -> Reply {
    Reply::told(501, "5.5.4", format!("Syntax: {usage}"))
}

pub fn bad_header(why: NoHeader) -> Reply {
    let text = match why {
        NoHeader::NotAField(line) => format!("Line {line} of the message's header is not a field"),
        NoHeader::TooLong => format!("The message's header is longer than {MOST_BYTES} bytes"),
    };
    Reply::told(554, "5.6.0", text)
}

/// The From field holds no list of addresses.
pub fn bad_from(why: NoList) -> Reply {
    match why {
        NoList::Malformed(byte) => {
            Reply::told(554, "5.6.0", format!("The From field is malformed at byte {byte} behind its colon"))
        }
        NoList::TooMany => MANY_SENDERS,
    }
}

/// A control field with a value that it does not take.
pub fn bad_control(name: &str) -> Reply {
    Reply::told(554, "5.6.0", format!("The value of the field {name} is none that it takes"))
}

/// The domain of `whose` address is outside what the credential may send from; `allowed` are some of the domains inside.
pub fn not_allowed(whose: &str, domain: &str, allowed: &str) -> Reply {
    Reply::told(
        553,
        "5.7.1",
        format!("{whose} domain {domain} is not allowed for this credential ({allowed})"),
    )
}

/// A denial: the same words whatever its reason. The reference finds the reason in the dashboard.
pub fn denied(reference: impl Display) -> Reply {
    Reply::told(535, "5.7.8", format!("Authentication credentials invalid (ref {reference})"))
}

/// A denial whose reason the client may know, for it has nothing to do with the password (RFC 4616 section 2).
pub fn foreign_identity(reference: impl Display) -> Reply {
    let text = "Authentication credentials invalid: the authorization identity must be the username";
    Reply::told(535, "5.7.8", format!("{text} (ref {reference})"))
}

/// RFC 4954 section 6: nothing is looked at that was sent in clear.
pub fn encryption_required(reference: impl Display) -> Reply {
    let text = "Encryption required, issue a STARTTLS command first";
    Reply::told(538, "5.7.11", format!("{text} (ref {reference})"))
}

/// The reference that a reply's text carries: `7K3QZ` of `… (ref 7K3QZ)`.
pub fn reference(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("(ref ")?;
    rest.split_once(')').map(|(reference, _)| reference)
}

/// RFC 1870 section 6.1: the client declared more than a message may hold.
pub fn too_big(limit: u64) -> Reply {
    Reply::told(552, "5.3.4", format!("A message may have at most {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_line_ends_with_cr_lf() {
        assert_eq!(OK.to_string(), "250 2.0.0 OK\r\n");
        assert_eq!(challenge("").to_string(), "334 \r\n", "RFC 4954: 334, a space, an empty challenge");
        assert_eq!(
            denied("7K3QZ").to_string(),
            "535 5.7.8 Authentication credentials invalid (ref 7K3QZ)\r\n"
        );
    }

    #[test]
    fn a_denial_is_found_by_what_its_reply_said() {
        assert_eq!(reference(&denied("7K3QZ").to_string()), Some("7K3QZ"));
        assert_eq!(reference("535 5.7.8 no"), None);
    }

    #[test]
    fn each_line_of_a_longer_reply_carries_the_code_and_the_status() {
        let reply = capabilities("mail.acme.example", &["PIPELINING".into(), "STARTTLS".into()]);
        assert_eq!(reply.to_string(), "250-mail.acme.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
        assert!(
            HELP.to_string().lines().all(|line| line.starts_with("214") && line[4..].starts_with("2.0.0 "))
        );
    }
}
