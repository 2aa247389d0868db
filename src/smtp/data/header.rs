//! The header of a message: cut into fields, read where a rule needs it, and mended on its way out (RFC 5322 section 3.6,
//! RFC 6409 section 8).
//!
//! What is kept is kept byte for byte: signatures that the application made stay good.

use std::net::IpAddr;

use time::format_description::well_known::Rfc2822;

use crate::clock::Timestamp;
use crate::id::MessageId;
use crate::model::message::Outcome;

/// The longest header, in bytes: far more than any has, and little enough to look through field by field.
pub const MOST_BYTES: usize = 1_000_000;

/// Why the header of a message is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHeader {
    /// The number of the line, from 1.
    #[error("line {0} of the header is not a field")]
    NotAField(usize),
    #[error("the header is longer than {MOST_BYTES} bytes")]
    TooLong,
}

/// One field with its folded lines and its CR LF.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub name: &'a str,
    /// What follows the colon, folds and the last CR LF included.
    pub body: &'a [u8],
    /// Byte for byte, from its name to its last CR LF.
    pub whole: &'a [u8],
}

#[derive(Debug)]
pub struct Header<'a> {
    pub fields: Vec<Field<'a>>,
}

/// What control fields ask for (`AhaSend-…`, and the same as `Gatepost-…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controls {
    /// Treat this message as sandbox, whatever the credential's mode.
    pub sandbox: bool,
    /// What the sandbox is to play.
    pub result: Outcome,
}

/// What stands in the `Received:` field (RFC 5321 section 4.4).
#[derive(Debug)]
pub struct Trace<'a> {
    pub id: MessageId,
    pub at: Timestamp,
    /// The client's EHLO name and address.
    pub hello: &'a str,
    pub client: IpAddr,
    /// Our own name.
    pub host: &'a str,
    pub smtputf8: bool,
}

impl<'a> Header<'a> {
    /// Cuts a message into its header and its body; the empty line between them belongs to neither.
    ///
    /// # Errors
    /// A line that is neither a field nor goes on with one (to skip it, as some do, would hide fields from others), or no
    /// end within [`MOST_BYTES`].
    pub fn split(content: &'a [u8]) -> Result<(Self, &'a [u8]), NoHeader> {
        let (mut fields, mut rest, mut line) = (Vec::new(), content, 1);
        while !rest.is_empty() {
            if let Some(body) = rest.strip_prefix(b"\r\n") {
                return Ok((Self { fields }, body));
            }
            let field = Field::cut(rest).ok_or(NoHeader::NotAField(line))?;
            rest = &rest[field.whole.len()..];
            if content.len() - rest.len() > MOST_BYTES {
                return Err(NoHeader::TooLong);
            }
            line += field.whole.iter().filter(|byte| **byte == b'\n').count();
            fields.push(field);
        }
        Ok((Self { fields }, rest))
    }

    /// Every field of that name, whatever its case.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = Field<'a>> {
        self.fields.iter().copied().filter(move |field| field.is(name))
    }

    pub fn has(&self, name: &'static str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether what goes on of it holds bytes beyond ASCII (RFC 6532).
    pub fn is_internationalized(&self) -> bool {
        self.handed_on().any(|field| !field.whole.is_ascii())
    }

    fn handed_on(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| !field.is_control() && !field.is_private())
    }

    /// # Errors
    /// The name of the control field whose value is none of those that it takes.
    pub fn controls(&self) -> Result<Controls, String> {
        let mut controls = Controls { sandbox: false, result: Outcome::Delivered };
        for field in self.fields.iter().filter(|field| field.is_control()) {
            let refused = || field.name.to_owned();
            match field.control().as_str() {
                "sandbox" => controls.sandbox |= field.flag().ok_or_else(refused)?,
                "sandbox-result" => controls.result = field.result().ok_or_else(refused)?,
                // The rest is for AhaSend's own features.
                _ => {}
            }
        }
        Ok(controls)
    }

    /// The header as it goes on, with the empty line: traced, without what is nobody else's business, and with what must be
    /// there.
    pub fn mended(&self, trace: &Trace<'_>) -> Vec<u8> {
        let mut text = trace.received().into_bytes();
        if !self.has("Date") {
            text.extend_from_slice(format!("Date: {}\r\n", date(trace.at)).as_bytes());
        }
        if !self.has("Message-ID") {
            text.extend_from_slice(format!("Message-ID: <{}@{}>\r\n", trace.id, trace.host).as_bytes());
        }
        for field in self.handed_on() {
            text.extend_from_slice(field.whole);
        }
        text.extend_from_slice(b"\r\n");
        text
    }
}

impl<'a> Field<'a> {
    fn cut(text: &'a [u8]) -> Option<Self> {
        let colon = text.iter().position(|byte| *byte == b':')?;
        // RFC 5322 section 3.6.8; section 4.5.3 lets old mail have spaces before the colon.
        let name = std::str::from_utf8(&text[..colon]).ok()?.trim_end_matches([' ', '\t']);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut end = colon;
        loop {
            end += text[end..].iter().position(|byte| *byte == b'\n')? + 1;
            if !matches!(text.get(end), Some(b' ' | b'\t')) {
                return Some(Self { name, body: &text[colon + 1..end], whole: &text[..end] });
            }
        }
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn is_control(&self) -> bool {
        let lower = self.name.to_ascii_lowercase();
        lower.starts_with("ahasend-") || lower.starts_with("gatepost-")
    }

    /// Hidden recipients (RFC 5322 section 3.6.3), and the return path, which only the last server writes (RFC 5321 section 4.4).
    fn is_private(&self) -> bool {
        ["Bcc", "Resent-Bcc", "Return-Path"].iter().any(|name| self.is(name))
    }

    /// Which control it is: `sandbox` of `AhaSend-Sandbox`.
    fn control(&self) -> String {
        self.name.split_once('-').map(|(_, name)| name.to_ascii_lowercase()).unwrap_or_default()
    }

    fn value(&self) -> String {
        String::from_utf8_lossy(self.body).trim().to_ascii_lowercase()
    }

    fn flag(&self) -> Option<bool> {
        match self.value().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn result(&self) -> Option<Outcome> {
        match self.value().as_str() {
            "deliver" => Some(Outcome::Delivered),
            "bounce" => Some(Outcome::Bounced),
            "defer" => Some(Outcome::Deferred),
            "fail" => Some(Outcome::Failed),
            "suppress" => Some(Outcome::Suppressed),
            _ => None,
        }
    }
}

impl Trace<'_> {
    fn received(&self) -> String {
        let address = match self.client {
            IpAddr::V4(address) => format!("[{address}]"),
            IpAddr::V6(address) => format!("[IPv6:{address}]"),
        };
        // RFC 3848 and RFC 6531 section 3.7.3: SMTP with extensions, TLS and AUTH.
        let protocol = if self.smtputf8 { "UTF8SMTPSA" } else { "ESMTPSA" };
        let Self { id, host, .. } = self;
        // What is neither a domain nor an address literal could read as a part of the trace that Gatepost vouches for.
        let hello: &str = if may_be_traced(self.hello) { self.hello } else { &address };
        let date = date(self.at);
        format!("Received: from {hello} ({address})\r\n\tby {host} with {protocol} id {id};\r\n\t{date}\r\n")
    }
}

/// Domain or address literal (RFC 5321 section 4.1.2), and the underscore that some have in their names.
fn may_be_traced(hello: &str) -> bool {
    let literal = hello.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let also = if literal.is_some() { ".:-" } else { ".-_" };
    let name = literal.unwrap_or(hello);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

/// RFC 5322 section 3.3.
fn date(at: Timestamp) -> String {
    at.utc().format(&Rfc2822).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn names(content: &[u8]) -> (Vec<&str>, &[u8]) {
        let (header, body) = Header::split(content).unwrap();
        (header.fields.iter().map(|field| field.name).collect(), body)
    }

    fn trace() -> Trace<'static> {
        Trace {
            id: MessageId::from_str("01930000-0000-7000-8000-000000000000").unwrap(),
            at: Timestamp::from_micros(1_000_000),
            hello: "client.example",
            client: "192.0.2.1".parse().unwrap(),
            host: "mail.example",
            smtputf8: false,
        }
    }

    #[test]
    fn a_header_ends_at_the_empty_line() {
        assert_eq!(names(b"A: 1\r\nB:2\r\n 3\r\n\r\nC: 4\r\n"), (vec!["A", "B"], &b"C: 4\r\n"[..]));
        assert_eq!(names(b"A: 1\r\n"), (vec!["A"], &b""[..]));
        assert_eq!(names(b"\r\nbody"), (vec![], &b"body"[..]));
        assert_eq!(names(b""), (vec![], &b""[..]));
    }

    #[test]
    fn a_line_that_is_no_field_is_named() {
        for (content, line) in [
            (&b"A: 1\r\n B\r\nhello\r\n\r\n"[..], 3),
            (b"From alice Sat\r\n", 1),
            (b" A: 1\r\n", 1),
            (b": 1\r\n", 1),
            (b"A B: 1\r\n", 1),
            (b"A\xff: 1\r\n", 1),
        ] {
            assert_eq!(
                Header::split(content).err(),
                Some(NoHeader::NotAField(line)),
                "{}",
                content.escape_ascii()
            );
        }
    }

    #[test]
    fn a_header_without_end_is_given_up() {
        let long = b"a:\r\n".repeat(MOST_BYTES / 4 + 2);
        assert_eq!(Header::split(&long).err(), Some(NoHeader::TooLong));
        let one_field = [b"From: ", "a@b.c, ".repeat(MOST_BYTES).as_bytes(), b"d@e.f\r\n\r\n"].concat();
        assert_eq!(Header::split(&one_field).err(), Some(NoHeader::TooLong));
        assert!(Header::split(&[&b"From: a@b.c\r\n\r\n"[..], &long].concat()).is_ok(), "a body may be long");
    }

    #[test]
    fn what_must_be_there_is_added_and_what_is_private_is_taken_out() {
        let content =
            b"From: a@b.c\r\nbcc: x@y.z,\r\n v@w.x\r\nAhaSend-Sandbox: true\r\nX-Kept:  as  it is \r\n\r\n";
        let (header, _) = Header::split(content).unwrap();
        let mended = String::from_utf8(header.mended(&trace())).unwrap();
        assert_eq!(
            mended,
            "Received: from client.example ([192.0.2.1])\r\n\tby mail.example with ESMTPSA id \
             01930000-0000-7000-8000-000000000000;\r\n\tThu, 01 Jan 1970 00:00:01 +0000\r\n\
             Date: Thu, 01 Jan 1970 00:00:01 +0000\r\n\
             Message-ID: <01930000-0000-7000-8000-000000000000@mail.example>\r\n\
             From: a@b.c\r\nX-Kept:  as  it is \r\n\r\n"
        );
        let (header, _) = Header::split(b"message-id: <1@x>\r\nDATE: x\r\n\r\n").unwrap();
        let mended = String::from_utf8(header.mended(&trace())).unwrap();
        assert!(!mended.contains("Message-ID") && !mended.contains("Date: "));
    }

    #[test]
    fn what_a_client_calls_itself_can_not_forge_the_trace() {
        for (hello, traced) in [
            ("web-1.acme.example", "web-1.acme.example"),
            ("build_agent", "build_agent"),
            ("[192.0.2.9]", "[192.0.2.9]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("x([10.0.0.1])by", "[192.0.2.1]"),
            ("a;b", "[192.0.2.1]"),
            ("[]", "[192.0.2.1]"),
        ] {
            let received = Trace { hello, ..trace() }.received();
            assert!(
                received.starts_with(&format!("Received: from {traced} ([192.0.2.1])\r\n")),
                "{received}"
            );
        }
    }

    #[test]
    fn what_does_not_go_on_needs_no_extension() {
        for (content, expected) in [
            ("From: a@b.c\r\nBcc: Zoë <z@w.x>\r\nGatepost-Note: ü\r\n\r\n", false),
            ("From: Zoë <a@b.c>\r\n\r\n", true),
        ] {
            let (header, _) = Header::split(content.as_bytes()).unwrap();
            assert_eq!(header.is_internationalized(), expected, "{content}");
        }
    }

    #[test]
    fn controls_are_read_under_both_names() {
        let read = |text: &str| Header::split(text.as_bytes()).unwrap().0.controls();
        let of = |sandbox, result| Ok(Controls { sandbox, result });
        assert_eq!(read("A: 1\r\n"), of(false, Outcome::Delivered));
        assert_eq!(read("AhaSend-Sandbox: true\r\n"), of(true, Outcome::Delivered));
        assert_eq!(
            read("gatepost-sandbox: 1\r\nGATEPOST-Sandbox-Result: Bounce\r\n"),
            of(true, Outcome::Bounced)
        );
        assert_eq!(read("AhaSend-Sandbox: false\r\n"), of(false, Outcome::Delivered));
        assert_eq!(read("ahasend-tags: a,b\r\n"), of(false, Outcome::Delivered));
        assert_eq!(read("AhaSend-Sandbox: yes\r\n"), Err("AhaSend-Sandbox".to_owned()));
        assert_eq!(read("AhaSend-Sandbox-Result: lost\r\n"), Err("AhaSend-Sandbox-Result".to_owned()));
    }
}
