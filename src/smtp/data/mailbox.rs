//! Reads the addresses of a From field (RFC 5322 section 3.4, RFC 6854 for groups, RFC 6532 for UTF-8).
//!
//! Strict where mail programs guess: two that guess differently would see two senders. What does not follow the grammar is
//! refused, never skipped; so every address that anyone could read out of the field is in the list.

/// Comments may stand in comments this deep.
const MOST_NESTED: usize = 16;
/// RFC 5321 section 4.5.3.1.1 and 4.5.3.1.2, in octets.
const MOST_LOCAL: usize = 64;
const MOST_DOMAIN: usize = 255;

/// Addresses in one list at most: each of their domains is asked about.
pub const MOST_ADDRESSES: usize = 100;

/// Why a field holds no list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoList {
    /// Counted from the colon.
    #[error("no address list at byte {0}")]
    Malformed(usize),
    #[error("more than {MOST_ADDRESSES} addresses")]
    TooMany,
}

/// One address: `local@domain`, comments and spaces taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub local: String,
    /// As it is written; `[…]` where it is a literal.
    pub domain: String,
}

impl Mailbox {
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.is_ascii()
    }
}

/// All addresses of a field, those inside groups too. It is read no further than it may be long.
pub fn list(body: &[u8]) -> Result<Vec<Mailbox>, NoList> {
    let text = std::str::from_utf8(body).map_err(|error| NoList::Malformed(error.valid_up_to()))?;
    let mut reader = Reader { text, at: 0, found: Vec::new() };
    reader.list(None)?;
    Ok(reader.found)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    found: Vec<Mailbox>,
}

impl Reader<'_> {
    /// `address *("," address)` up to `end`; in a group an empty list is fine.
    fn list(&mut self, end: Option<char>) -> Result<(), NoList> {
        self.blank()?;
        if end.is_some() && self.peek() == end {
            return Ok(());
        }
        loop {
            self.address(end.is_some())?;
            self.blank()?;
            if self.peek() == end {
                return Ok(());
            }
            self.expect(',')?;
            self.blank()?;
        }
    }

    /// `addr-spec`, `[phrase] "<" addr-spec ">"`, or, not in a group, `phrase ":" [list] ";"`.
    fn address(&mut self, in_group: bool) -> Result<(), NoList> {
        let start = self.at;
        if self.peek() != Some('<') {
            self.words(true)?;
            self.blank()?;
        }
        match self.peek() {
            Some('<') => {
                self.at += 1;
                self.blank()?;
                self.mailbox()?;
                self.blank()?;
                self.expect('>')
            }
            Some(':') if !in_group && self.at > start => {
                self.at += 1;
                self.list(Some(';'))?;
                self.expect(';')
            }
            Some('@') => {
                self.at = start;
                self.mailbox()
            }
            _ => Err(self.malformed()),
        }
    }

    fn mailbox(&mut self) -> Result<(), NoList> {
        let start = self.at;
        let local = self.words(false)?;
        self.blank()?;
        self.expect('@')?;
        self.blank()?;
        let domain = if self.peek() == Some('[') { self.literal()? } else { self.words(false)? };
        if domain.starts_with('"') || domain.contains(".\"") {
            return Err(self.malformed());
        }
        let is_too_long = local.len() > MOST_LOCAL || domain.len() > MOST_DOMAIN;
        if is_too_long || [&*local, &*domain].into_iter().any(holds_encoded_word) {
            return Err(NoList::Malformed(start));
        }
        if self.found.len() == MOST_ADDRESSES {
            return Err(NoList::TooMany);
        }
        self.found.push(Mailbox { local, domain });
        Ok(())
    }

    /// One or more words: of a phrase (`loose`), side by side, dots anywhere; of an address, parted by single dots.
    fn words(&mut self, loose: bool) -> Result<String, NoList> {
        let mut words = self.word(loose)?;
        loop {
            let before = self.at;
            self.blank()?;
            match self.peek() {
                Some('.') if !loose => {
                    self.at += 1;
                    self.blank()?;
                    words.push('.');
                    words.push_str(&self.word(false)?);
                }
                Some(c) if loose && (is_atom(c) || c == '"' || c == '.') => {
                    words.push(' ');
                    words.push_str(&self.word(true)?);
                }
                _ => {
                    self.at = before;
                    return Ok(words);
                }
            }
        }
    }

    fn word(&mut self, loose: bool) -> Result<String, NoList> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !(is_atom(c) || loose && c == '.')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.malformed());
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn quoted(&mut self) -> Result<String, NoList> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.next()? {
                '"' => return Ok(self.text[start..self.at].to_owned()),
                '\\' => drop(self.next()?),
                _ => {}
            }
        }
    }

    /// `"[" 1*dcontent "]"` (RFC 5321 section 4.1.3), of what an IPv4 or IPv6 address is written with.
    fn literal(&mut self) -> Result<String, NoList> {
        let start = self.at;
        self.expect('[')?;
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".:-".contains(c))).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.malformed());
        }
        self.at += end;
        self.expect(']')?;
        Ok(self.text[start..self.at].to_owned())
    }

    /// Spaces, folds and comments.
    fn blank(&mut self) -> Result<(), NoList> {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r' | '\n') => self.at += 1,
                Some('(') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), NoList> {
        let mut depth = 0;
        loop {
            match self.next()? {
                '(' if depth == MOST_NESTED => return Err(self.malformed()),
                '(' => depth += 1,
                ')' if depth == 1 => return Ok(()),
                ')' => depth -= 1,
                '\\' => drop(self.next()?),
                _ => {}
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Result<char, NoList> {
        let next = self.peek().ok_or_else(|| self.malformed())?;
        self.at += next.len_utf8();
        Ok(next)
    }

    fn expect(&mut self, wanted: char) -> Result<(), NoList> {
        if self.peek() != Some(wanted) {
            return Err(self.malformed());
        }
        self.at += wanted.len_utf8();
        Ok(())
    }

    fn malformed(&self) -> NoList {
        NoList::Malformed(self.at)
    }
}

/// RFC 5322 section 3.2.3, with all of UTF-8 beyond ASCII (RFC 6532 section 3.2).
fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

/// RFC 2047 section 5 allows no encoded word in an address. Some programs decode it all the same, and show what it hides.
fn holds_encoded_word(part: &str) -> bool {
    part.split_once("=?").is_some_and(|(_, rest)| rest.contains("?="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let list = list(text.as_bytes()).ok()?;
        Some(list.into_iter().map(|mailbox| format!("{}@{}", mailbox.local, mailbox.domain)).collect())
    }

    #[test]
    fn every_address_is_found() {
        for (text, found) in [
            (" a@b.c\r\n", vec!["a@b.c"]),
            (" Alice Example <alice@acme.example>\r\n", vec!["alice@acme.example"]),
            (" <a@b.c>, D. E. <d@e.f>,\r\n g@h.i\r\n", vec!["a@b.c", "d@e.f", "g@h.i"]),
            (" \"Doe, J\\\" <x@evil.example>\" <a@b.c>", vec!["a@b.c"]),
            (" =?utf-8?q?ceo=40bank.example?= <a@b.c>", vec!["a@b.c"]),
            (" (x@evil.example (nested\\))) a (b) . c (d) @ (e) b (f) . c", vec!["a.c@b.c"]),
            (" Team: a@b.c, D <d@e.f>; , g@h.i", vec!["a@b.c", "d@e.f", "g@h.i"]),
            (" undisclosed-recipients:;", vec![]),
            (" \"a b\"@c.d", vec!["\"a b\"@c.d"]),
            (" a=?b@c.d", vec!["a=?b@c.d"]),
            (" a@[192.0.2.1]", vec!["a@[192.0.2.1]"]),
            (" a@[IPv6:2001:db8::1]", vec!["a@[IPv6:2001:db8::1]"]),
            (" Bücher <ü@bücher.example>", vec!["ü@bücher.example"]),
        ] {
            assert_eq!(read(text), Some(found.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }

    #[test]
    fn what_mail_programs_would_read_differently_is_refused() {
        for text in [
            "",
            " ",
            " ,",
            " a@b.c,",
            " , a@b.c",
            " alice",
            " =?utf-8?q?ceo=40bank.example?=",
            " a@b@c",
            " a@b.c <d@e.f>",
            " <a@b.c> <d@e.f>",
            " <a@b.c> d@e.f",
            " a@b.c d@e.f",
            " <<a@b.c>>",
            " <@x.y:a@b.c>",
            " <a@b.c",
            " a@b.c>",
            " \"a@b.c",
            " (a@b.c",
            " a@b..c",
            " .a@b.c",
            " Team: a@b.c",
            " Team: Inner: a@b.c;;",
            " : a@b.c;",
            " a@\"b.c\"",
            " a@[1[2]",
            " a@[b@c]",
            " a@[1, d@e.f]",
            " a@[1(]), d@e.f (]",
            " a@[\"], d@e.f, \"]",
            " a@[]",
            " =?utf-8?q?ceo=40bank.example=00?=@b.c",
            " x <\"=?utf-8?q?ceo=40bank.example?=\"@b.c>",
            " a@=?utf-8?q?bank.example?=",
            " a\\@b.c",
            " a@b.c; d@e.f",
            " <>",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(list(b" a@b\xff.c"), Err(NoList::Malformed(4)));
        assert_eq!(list(b" a@b.c d"), Err(NoList::Malformed(7)));
        assert!(read(&format!("{}a@b.c", "(".repeat(1_000))).is_none());
    }

    #[test]
    fn an_address_is_no_longer_than_any_may_be() {
        let (local, domain) = ("x".repeat(MOST_LOCAL), "x".repeat(MOST_DOMAIN));
        assert!(read(&format!("{local}@{domain}")).is_some());
        assert_eq!(list(format!("a@b, x{local}@c").as_bytes()), Err(NoList::Malformed(5)));
        assert_eq!(list(format!("a@x{domain}").as_bytes()), Err(NoList::Malformed(0)));
    }

    #[test]
    fn a_list_is_read_no_further_than_it_may_be_long() {
        let most = vec!["a@b.c"; MOST_ADDRESSES].join(",");
        assert_eq!(list(most.as_bytes()).map(|list| list.len()), Ok(MOST_ADDRESSES));
        assert_eq!(list(format!("{most}, d@e.f, what is this").as_bytes()), Err(NoList::TooMany));
    }
}
