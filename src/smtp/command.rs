//! Tells a command's verb from its argument, and reads the arguments of MAIL and RCPT.
//!
//! Strict on purpose, and so written here: smtp-proto, fuzzed as it is, takes `STARTTLS x` and `DATA x` for the bare
//! commands, skips stray CRs, and does not tell `AUTH PLAIN` from one with an empty initial response.

use super::reply::{self, Reply};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
    /// The method of an HTTP request: a browser was made to talk to this port.
    Http,
    Unknown,
}

const VERBS: [(&str, Verb); 24] = [
    ("EHLO", Verb::Ehlo),
    ("HELO", Verb::Helo),
    ("STARTTLS", Verb::StartTls),
    ("AUTH", Verb::Auth),
    ("MAIL", Verb::Mail),
    ("RCPT", Verb::Rcpt),
    ("DATA", Verb::Data),
    ("BDAT", Verb::Bdat),
    ("RSET", Verb::Rset),
    ("NOOP", Verb::Noop),
    ("VRFY", Verb::Vrfy),
    ("EXPN", Verb::Expn),
    ("HELP", Verb::Help),
    ("QUIT", Verb::Quit),
    ("GET", Verb::Http),
    ("HEAD", Verb::Http),
    ("POST", Verb::Http),
    ("PUT", Verb::Http),
    ("DELETE", Verb::Http),
    ("OPTIONS", Verb::Http),
    ("CONNECT", Verb::Http),
    ("TRACE", Verb::Http),
    ("PATCH", Verb::Http),
    ("PRI", Verb::Http),
];

impl Verb {
    /// For logs and metrics: a fixed set of words, whatever the client sent.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Http => "HTTP",
            Verb::Unknown => "unknown",
            verb => VERBS.iter().find(|(_, known)| *known == verb).map_or("unknown", |(name, _)| name),
        }
    }
}

/// One command line, split at its first space. Holds secrets where the verb is AUTH, hence no Debug.
pub struct Command<'a> {
    pub verb: Verb,
    /// What follows the verb, without spaces around it (RFC 5321 section 4.1.1 tolerates trailing ones).
    pub argument: &'a str,
    /// Whether the line is ASCII. Only MAIL and RCPT may hold more (RFC 6531); what is not UTF-8 leaves no argument.
    pub ascii: bool,
}

impl<'a> Command<'a> {
    pub fn parse(line: &'a [u8]) -> Self {
        let ascii = line.is_ascii();
        let Ok(line) = std::str::from_utf8(line) else {
            let verb =
                line.split(|byte| *byte == b' ').next().and_then(|verb| std::str::from_utf8(verb).ok());
            return Command { verb: verb.map_or(Verb::Unknown, find), argument: "", ascii };
        };
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        Command { verb: find(verb), argument: argument.trim_matches(' '), ascii }
    }
}

fn find(verb: &str) -> Verb {
    VERBS.iter().find(|(known, _)| known.eq_ignore_ascii_case(verb)).map_or(Verb::Unknown, |(_, verb)| *verb)
}

/// The argument of MAIL (RFC 5321 section 4.1.1.2).
#[derive(Debug, PartialEq, Eq)]
pub struct MailFrom<'a> {
    /// `None` is the empty return path, `<>`.
    pub sender: Option<&'a str>,
    /// Bytes, as the client declared them (RFC 1870).
    pub size: Option<u64>,
    /// The client may send characters beyond ASCII in addresses and in the header (RFC 6531).
    pub smtputf8: bool,
}

/// Reads `FROM:<path> [parameters]`.
pub fn mail(argument: &str) -> Result<MailFrom<'_>, Reply> {
    const USAGE: &str = "MAIL FROM:<address> [SIZE=bytes] [BODY=7BIT|8BITMIME] [SMTPUTF8]";
    let rest = strip_word(argument, "FROM:").ok_or_else(|| reply::usage(USAGE))?;
    let (sender, parameters) = match rest.strip_prefix("<>") {
        Some(parameters) => (None, parameters),
        None => path(rest).map(|(address, rest)| (Some(address), rest)).ok_or(reply::BAD_SENDER)?,
    };
    let mut mail = MailFrom { sender, size: None, smtputf8: false };
    for parameter in parameter_list(parameters).ok_or_else(|| reply::usage(USAGE))? {
        let (keyword, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" if mail.size.is_some() => return Err(reply::BAD_SIZE),
            "SIZE" if is_number(value) => mail.size = Some(value.parse().unwrap_or(u64::MAX)),
            "SIZE" => return Err(reply::BAD_SIZE),
            // RFC 6152. What comes is looked at when it is here, whatever was said.
            "BODY" if value.eq_ignore_ascii_case("7BIT") || value.eq_ignore_ascii_case("8BITMIME") => {}
            "BODY" => return Err(reply::BAD_BODY),
            "SMTPUTF8" if value.is_empty() && !parameter.contains('=') => mail.smtputf8 = true,
            // RFC 4954 section 5: whoever offers AUTH takes this parameter; from a client it is not believed.
            "AUTH" if !value.is_empty() => {}
            _ => return Err(reply::UNKNOWN_PARAMETER),
        }
    }
    if sender.is_some_and(|sender| !sender.is_ascii()) && !mail.smtputf8 {
        return Err(reply::NOT_ASCII);
    }
    Ok(mail)
}

/// Reads `TO:<path>` (RFC 5321 section 4.1.1.3); no parameter of RCPT is offered.
pub fn rcpt(argument: &str) -> Result<&str, Reply> {
    const USAGE: &str = "RCPT TO:<address>";
    let rest = strip_word(argument, "TO:").ok_or_else(|| reply::usage(USAGE))?;
    let (address, parameters) = path(rest).ok_or(reply::BAD_RECIPIENT)?;
    match parameter_list(parameters).ok_or_else(|| reply::usage(USAGE))?.next() {
        None => Ok(address),
        Some(_) => Err(reply::UNKNOWN_PARAMETER),
    }
}

/// The argument of BDAT (RFC 3030 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes that follow the line.
    pub size: u64,
    /// Whether the message ends with it.
    pub last: bool,
}

/// Reads `SIZE [LAST]`.
pub fn chunk(argument: &str) -> Option<Chunk> {
    let (size, last) = match argument.split_once(' ') {
        Some((size, word)) => {
            (size, word.trim_start_matches(' ').eq_ignore_ascii_case("LAST").then_some(true)?)
        }
        None => (argument, false),
    };
    is_number(size).then(|| Some(Chunk { size: size.parse().ok()?, last })).flatten()
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    // RFC 5321 section 3.3 allows no space after the colon; many clients send one, and it is unambiguous.
    start.eq_ignore_ascii_case(word).then(|| rest.trim_start_matches(' '))
}

/// SIZE has at most 20 digits (RFC 1870 section 3).
fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words after a path, each after a space. `None` where something is glued to the path.
fn parameter_list(text: &str) -> Option<impl Iterator<Item = &str>> {
    (text.is_empty() || text.starts_with(' ')).then(|| text.split(' ').filter(|word| !word.is_empty()))
}

/// Cuts `<mailbox>` off the start: the mailbox, and what follows. Source routes are refused (RFC 5321 appendix F.2).
fn path(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = inner.find(|c| match (quoted, c) {
        _ if std::mem::take(&mut escaped) => false,
        (true, '\\') => {
            escaped = true;
            false
        }
        (_, '"') => {
            quoted = !quoted;
            false
        }
        (quoted, c) => !quoted && c == '>',
    })?;
    let (mailbox, rest) = inner.split_at(end);
    is_mailbox(mailbox).then(|| (mailbox, &rest[1..]))
}

/// RFC 5321 sections 4.1.2 and 4.5.3.1: local part up to 64, domain up to 255 octets.
pub fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    (1..=64).contains(&local.len()) && is_local_part(local) && domain.len() <= 255 && is_domain(domain)
}

fn is_local_part(text: &str) -> bool {
    // Bytes beyond ASCII are UTF-8 here (RFC 6531 section 3.3).
    let atom =
        |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => {
            let mut bytes = inner.bytes();
            while let Some(byte) = bytes.next() {
                if byte == b'"' || byte == b'\\' && bytes.next().is_none() {
                    return false;
                }
            }
            true
        }
        None => text.split('.').all(|part| !part.is_empty() && part.bytes().all(atom)),
    }
}

fn is_domain(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        let Some(address) = literal.strip_suffix(']') else { return false };
        return match address.split_at_checked(5) {
            Some((tag, v6)) if tag.eq_ignore_ascii_case("IPv6:") => v6.parse::<std::net::Ipv6Addr>().is_ok(),
            _ => address.parse::<std::net::Ipv4Addr>().is_ok(),
        };
    }
    text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_know_no_case_and_leave_their_argument_alone() {
        let command = Command::parse(b"ehlo  Client.Example ");
        assert_eq!((command.verb, command.argument), (Verb::Ehlo, "Client.Example"));
        assert_eq!(Command::parse(b"").verb, Verb::Unknown);
        assert_eq!(Command::parse(b" NOOP").verb, Verb::Unknown);
        assert_eq!(Command::parse(b"GET / HTTP/1.1").verb, Verb::Http);
        let binary = Command::parse(b"MAIL FROM:<\xff@acme.example>");
        assert_eq!((binary.verb, binary.ascii), (Verb::Mail, false));
    }

    #[test]
    fn every_verb_has_its_own_name() {
        for (name, verb) in VERBS.iter().filter(|(_, verb)| *verb != Verb::Http) {
            assert_eq!(verb.name(), *name);
        }
    }

    #[test]
    fn senders_and_sizes_are_read() {
        let read = |text| mail(text).map(|mail| (mail.sender.map(str::to_owned), mail.size)).ok();
        let alice = Some("alice@acme.example".to_owned());
        assert_eq!(read("FROM:<alice@acme.example>"), Some((alice.clone(), None)));
        assert_eq!(read("from: <alice@acme.example> size=1024 AUTH=<>"), Some((alice, Some(1024))));
        assert_eq!(read("FROM:<>"), Some((None, None)));
        assert_eq!(
            read("FROM:<\"a > \\\" b\"@[192.0.2.1]>"),
            Some((Some("\"a > \\\" b\"@[192.0.2.1]".into()), None))
        );
        assert_eq!(read("FROM:<>SIZE=1"), None);
        assert_eq!(read("FROM:<a@b> SIZE=1k"), None);
        let parsed = mail("FROM:<ü@b.c> BODY=8bitmime smtputf8").ok();
        assert!(parsed.is_some_and(|mail| mail.smtputf8 && mail.sender == Some("ü@b.c")));
        for refused in ["<ü@b.c>", "<a@b> BODY=BINARYMIME", "<a@b> SMTPUTF8=1", "<a@b> RET=FULL"] {
            assert!(mail(&format!("FROM:{refused}")).is_err(), "{refused}");
        }
    }

    #[test]
    fn addresses_follow_the_grammar() {
        for good in
            ["a@b", "a.b+c@acme.example", "\"\"@acme.example", "a@[IPv6:2001:db8::1]", "a@[192.0.2.1]"]
        {
            assert_eq!(rcpt(&format!("TO:<{good}>")).ok(), Some(good));
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            ".a@b",
            "a..b@c",
            "a@-b",
            "a@b..c",
            "a@[300.1.1.1]",
            "@x:a@b",
            "\"a@b",
            "<a@b",
        ] {
            assert_eq!(rcpt(&format!("TO:<{bad}>")).err(), Some(reply::BAD_RECIPIENT), "{bad}");
        }
        let long = "x".repeat(65);
        assert!(rcpt(&format!("TO:<{long}@b>")).is_err());
    }

    #[test]
    fn chunk_sizes_are_numbers() {
        assert_eq!(chunk("12"), Some(Chunk { size: 12, last: false }));
        assert_eq!(chunk("0 last"), Some(Chunk { size: 0, last: true }));
        for bad in ["", "x", "-1", "12 FIRST", "99999999999999999999", "99999999999999999999999"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
    }
}
