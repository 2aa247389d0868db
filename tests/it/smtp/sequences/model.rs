//! What the door must answer: a model that looks at bytes, without time, memory or a database.

use std::fmt;

use super::content::{is_from_acme, with_a_body};
use super::reference::{end, spoiled, unstuffed};

pub const MOST_BYTES: usize = 300;
pub const MOST_MESSAGES: u32 = 5;
pub const MOST_RECIPIENTS: usize = 3;
const MOST_MISTAKES: usize = 10;
const LONGEST_LINE: usize = 2_048;

/// Arguments of MAIL, and what is answered where it may come.
pub const MAILS: [(&str, u16); 10] = [
    ("FROM:<alice@acme.example>", 250),
    ("FROM:<alice@acme.example> SIZE=300 BODY=8BITMIME", 250),
    ("FROM:<ålice@acme.example> SMTPUTF8", 250),
    ("FROM:<>", 250),
    ("FROM:<alice@acme.example> SIZE=301", 552),
    ("FROM:<eve@evil.example>", 553),
    ("FROM:<ålice@acme.example>", 553),
    ("FROM:<alice@@acme.example>", 501),
    ("FROM:alice@acme.example", 501),
    ("FROM:<alice@acme.example> RET=HDRS", 555),
];
/// … of RCPT.
pub const RCPTS: [(&str, u16); 5] = [
    ("TO:<bob@example.org>", 250),
    ("TO:<carol@example.org>", 250),
    ("TO:<zoë@example.org>", 250),
    ("TO:<bob@.example>", 501),
    ("TO:<bob@example.org> NOTIFY=NEVER", 555),
];

/// The answer to a command.
#[derive(Debug)]
pub enum Expected {
    Code(u16),
    /// 250 to a message.
    Taken(Taken),
    /// No header, or not from whom it may be.
    Unfit,
}

/// What the log must hold.
pub struct Taken {
    pub recipients: Vec<String>,
    pub content: Vec<u8>,
}

/// What the next bytes are.
#[derive(Clone, Copy)]
enum Place {
    Command,
    Data,
    Chunk {
        size: usize,
        last: bool,
    },
    /// A chunk that is answered so.
    Refused {
        size: usize,
        code: u16,
    },
}

#[derive(Default)]
struct Transaction {
    smtputf8: bool,
    recipients: Vec<String>,
    /// What chunks brought, once there was one.
    chunks: Option<Vec<u8>>,
}

pub struct Model {
    pub expected: Vec<Expected>,
    pub is_over: bool,
    unread: Vec<u8>,
    place: Place,
    signed_in: bool,
    transaction: Option<Transaction>,
    /// What was said to a chunk behind which others may come.
    refused: Option<u16>,
    messages: u32,
    mistakes: usize,
    /// MAIL was refused, and not for a mistake.
    declined: bool,
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {:?}", self.content.escape_ascii(), self.recipients)
    }
}

impl Expected {
    pub fn is(&self, code: u16) -> bool {
        match self {
            Expected::Code(expected) => code == *expected,
            Expected::Taken(_) => code == 250,
            Expected::Unfit => code == 553 || code == 554,
        }
    }
}

impl Model {
    pub fn greeting() -> Self {
        Self {
            expected: vec![Expected::Code(220)],
            is_over: false,
            unread: Vec::new(),
            place: Place::Command,
            signed_in: false,
            transaction: None,
            refused: None,
            messages: 0,
            mistakes: 0,
            declined: false,
        }
    }

    /// Whether the last answer was 354.
    pub fn awaits_content(&self) -> bool {
        !self.is_over && matches!(self.place, Place::Data)
    }

    pub fn hears(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while !self.is_over && self.goes_on() {}
    }

    /// False when more has to come first.
    fn goes_on(&mut self) -> bool {
        match self.place {
            Place::Command => self.line(),
            Place::Data => self.data(),
            Place::Chunk { size, .. } | Place::Refused { size, .. } if self.unread.len() < size => false,
            Place::Chunk { size, last } => {
                let bytes = self.take(size);
                self.chunk(&bytes, last);
                true
            }
            Place::Refused { size, code } => {
                self.take(size);
                if code == 503 {
                    self.misses_mail()
                } else {
                    self.says(code)
                }
                true
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.place = Place::Command;
        self.unread.drain(..count).collect()
    }

    fn says(&mut self, code: u16) {
        self.expected.push(Expected::Code(code));
    }

    fn ends(&mut self, code: u16) {
        self.says(code);
        self.is_over = true;
    }

    /// Says so of a client that is not made well; too often ends the conversation.
    fn blames(&mut self, code: u16) {
        self.says(code);
        self.mistakes += 1;
        if self.mistakes == MOST_MISTAKES {
            self.ends(421);
        }
    }

    /// Says that MAIL comes first; what was pipelined behind one that was refused is no mistake.
    fn misses_mail(&mut self) {
        if self.declined { self.says(503) } else { self.blames(503) }
    }

    /// Says no to MAIL.
    fn declines(&mut self, code: u16) {
        self.says(code);
        self.declined = true;
    }

    fn line(&mut self) -> bool {
        let Some(end) = self.unread.iter().position(u8::is_ascii_control) else { return false };
        match self.unread[end..] {
            [b'\r'] => return false,
            [b'\r', b'\n', ..] => {
                let line = self.take(end + 2);
                match String::from_utf8(line) {
                    Ok(line) if line.len() <= LONGEST_LINE => self.command(line.trim_end_matches("\r\n")),
                    Err(line) if line.as_bytes().starts_with(b"MAIL ") => self.declines(553),
                    _ => self.blames(500),
                }
            }
            _ => self.ends(500),
        }
        true
    }

    fn command(&mut self, line: &str) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match (verb.to_ascii_uppercase().as_str(), argument) {
            ("MAIL", argument) => self.mail(argument),
            ("RCPT", argument) => self.rcpt(argument),
            ("BDAT", argument) => self.bdat(argument),
            ("DATA", "") => match &self.transaction {
                Some(Transaction { chunks: None, recipients, .. }) if recipients.is_empty() => self.says(554),
                Some(Transaction { chunks: None, .. }) => {
                    self.says(354);
                    self.place = Place::Data;
                }
                Some(_) => self.blames(503),
                None => self.misses_mail(),
            },
            ("RSET", "") | ("EHLO" | "HELO", "client.example") => {
                (self.transaction, self.refused, self.declined) = (None, None, false);
                self.says(250);
            }
            ("QUIT", "") => self.ends(221),
            ("DATA" | "RSET" | "QUIT" | "EHLO" | "HELO", _) => self.blames(501),
            ("AUTH", _) if !self.signed_in => {
                self.signed_in = true;
                self.says(235);
            }
            ("AUTH" | "STARTTLS", _) => self.blames(503),
            ("NOOP", _) => self.says(250),
            ("VRFY", _) => self.says(252),
            ("HELP", _) => self.says(214),
            ("EXPN", _) => self.blames(502),
            _ => self.blames(500),
        }
    }

    fn mail(&mut self, argument: &str) {
        if self.messages == MOST_MESSAGES {
            return self.ends(421);
        }
        let Some(&(_, code)) = MAILS.iter().find(|(known, _)| *known == argument) else {
            // One that was content, cut off by the end of its chunk.
            let is_address_cut = argument.starts_with("FROM:") && !argument.contains('>');
            self.declined = is_address_cut;
            return if is_address_cut { self.says(501) } else { self.blames(501) };
        };
        self.declined = false;
        match code {
            // What is known from the line alone comes first.
            501 | 555 => self.declines(code),
            553 if !argument.is_ascii() => self.declines(code),
            _ if self.transaction.is_some() => self.blames(503),
            250 => {
                self.messages += 1;
                self.refused = None;
                let smtputf8 = argument.ends_with("SMTPUTF8");
                self.transaction = Some(Transaction { smtputf8, ..Transaction::default() });
                self.says(250);
            }
            code => self.declines(code),
        }
    }

    fn rcpt(&mut self, argument: &str) {
        let known = RCPTS.iter().find(|(known, _)| *known == argument);
        let (_, code) = *known.unwrap_or_else(|| panic!("the model does not know {argument}"));
        match &mut self.transaction {
            _ if code != 250 => self.says(code),
            None => self.misses_mail(),
            Some(Transaction { chunks: Some(_), .. }) => self.blames(503),
            Some(Transaction { smtputf8: false, .. }) if !argument.is_ascii() => self.says(553),
            Some(transaction) if transaction.recipients.len() == MOST_RECIPIENTS => self.says(452),
            Some(transaction) => {
                let address = argument.trim_start_matches("TO:<").trim_end_matches('>');
                transaction.recipients.push(address.to_owned());
                self.says(250);
            }
        }
    }

    fn bdat(&mut self, argument: &str) {
        let (size, last) = match argument.split_once(' ') {
            Some((size, last)) => (size, last == "LAST"),
            None => (argument, false),
        };
        let Ok(size) = size.parse::<usize>() else {
            self.blames(501);
            self.is_over = true;
            return;
        };
        self.place = match &self.transaction {
            _ if size > MOST_BYTES => return self.ends(552),
            None => {
                let code = if last { self.refused.take() } else { self.refused };
                Place::Refused { size, code: code.unwrap_or(503) }
            }
            Some(transaction) if transaction.recipients.is_empty() => Place::Refused { size, code: 554 },
            Some(_) => Place::Chunk { size, last },
        };
    }

    fn data(&mut self) -> bool {
        match (end(&self.unread), spoiled(&self.unread)) {
            (Some(end), at) if at.is_none_or(|at| at >= end) => {
                let content = unstuffed(&self.take(end));
                self.message(content);
                true
            }
            (_, Some(_)) => {
                self.ends(554);
                true
            }
            (_, None) => false,
        }
    }

    fn chunk(&mut self, bytes: &[u8], last: bool) {
        let Some(transaction) = &mut self.transaction else { return };
        let chunks = transaction.chunks.get_or_insert_default();
        chunks.extend_from_slice(bytes);
        let mut content = chunks.clone();
        let is_cut = content.ends_with(b"\r");
        if spoiled(&content).is_some() || last && is_cut {
            self.transaction = None;
            self.refused = (!last).then_some(554);
            self.says(554);
        } else if last {
            if !content.is_empty() && !content.ends_with(b"\r\n") {
                content.extend_from_slice(b"\r\n");
            }
            self.message(content);
        } else {
            if content.len() - usize::from(is_cut) > MOST_BYTES {
                (self.transaction, self.refused) = (None, Some(552));
                return self.says(552);
            }
            self.says(250);
        }
    }

    fn message(&mut self, content: Vec<u8>) {
        let Some(Transaction { recipients, .. }) = self.transaction.take() else { return };
        self.expected.push(match content.len() {
            MOST_BYTES.. if content.len() > MOST_BYTES => Expected::Code(552),
            _ if is_from_acme(&content) => {
                Expected::Taken(Taken { recipients, content: with_a_body(content) })
            }
            _ => Expected::Unfit,
        });
    }
}
