//! Finds command lines in bytes, however the network cut them.
//!
//! CR LF alone ends a line (RFC 5321 section 2.3.8): where one party takes a bare LF for a line end and the next
//! does not, a message can be smuggled in between. What was found depends on the bytes alone, never on the pieces
//! they came in. No I/O happens here, so that tests can feed it anything.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Longest command line, CR LF included. RFC 5321 section 4.5.3.1.4 asks for 512, and each extension of MAIL adds to it.
pub const COMMAND_LIMIT: usize = 2_048;
/// Longest line of an authentication exchange, CR LF included (RFC 4954 section 4).
pub const AUTH_LIMIT: usize = 12_288;
/// An over-long line is skipped up to here; past it, its end is not waited for any more.
const PATIENCE: usize = 65_536;

const CR: u8 = b'\r';
const LF: u8 = b'\n';

/// What kind of line comes next: it decides how long that line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Command,
    /// The client's part of an authentication exchange.
    Response,
}

impl Expect {
    fn limit(self, start: &[u8]) -> usize {
        if begins_with(start, b"AUTH ") || self == Expect::Response { AUTH_LIMIT } else { COMMAND_LIMIT }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum Line {
    /// One line without its CR LF, free of control characters. It may hold a secret, so it wipes itself.
    Text(Zeroizing<Vec<u8>>),
    /// Was longer than its limit and has been skipped, up to and with its CR LF.
    TooLong(Overlong),
}

/// What it was that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    Command,
    /// BDAT: the bytes of its chunk follow, and nobody knows how many.
    Chunk,
    /// An AUTH command, or a line of its exchange (RFC 4954 section 4).
    Response,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Line::TooLong(what) => f.debug_tuple("TooLong").field(what).finish(),
        }
    }
}

/// What the stream can't recover from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("bare CR")]
    BareCr,
    #[error("bare LF")]
    BareLf,
    #[error("control character")]
    Control,
    #[error("line without end")]
    Endless,
}

#[derive(Default)]
pub struct LineReader {
    buffer: Zeroizing<Vec<u8>>,
    /// So many bytes at the start of `buffer` are known to be free of control characters.
    scanned: usize,
    /// So many bytes of the present line were thrown away already, because it is over-long.
    skipped: usize,
    skipping: Option<Overlong>,
}

impl LineReader {
    /// Takes in what the network brought.
    pub fn feed(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
            larger.extend_from_slice(&self.buffer);
            self.buffer = larger;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that came in and are no part of a line that was handed out.
    pub fn unread(&self) -> usize {
        self.buffer.len()
    }

    /// The bytes that came in and are no part of a line that was handed out.
    pub fn peek(&self) -> &[u8] {
        &self.buffer
    }

    /// Throws away up to `most` unread bytes and says how many.
    pub fn skip(&mut self, most: usize) -> usize {
        let count = most.min(self.buffer.len());
        self.consume(count);
        count
    }

    /// The next line, or `None` while its end has not come in yet.
    pub fn next(&mut self, expect: Expect) -> Result<Option<Line>, Broken> {
        let end =
            self.buffer[self.scanned..].iter().position(u8::is_ascii_control).map(|at| self.scanned + at);
        self.scanned = end.unwrap_or(self.buffer.len());
        if self.skipped + self.scanned > PATIENCE {
            return Err(Broken::Endless);
        }
        let Some(end) = end else {
            self.skip_what_is_too_long(expect);
            return Ok(None);
        };
        match (self.buffer[end], self.buffer.get(end + 1)) {
            (CR, Some(&LF)) => Ok(Some(self.take(end, expect))),
            (CR, None) => {
                self.skip_what_is_too_long(expect);
                Ok(None)
            }
            (CR, Some(_)) => Err(Broken::BareCr),
            (LF, _) => Err(Broken::BareLf),
            _ => Err(Broken::Control),
        }
    }

    fn take(&mut self, end: usize, expect: Expect) -> Line {
        let length = self.skipped + end + 2;
        let line = match self.skipping.take() {
            Some(what) => Line::TooLong(what),
            None if length > expect.limit(&self.buffer) => Line::TooLong(self.blame(expect)),
            None => Line::Text(Zeroizing::new(self.buffer[..end].to_vec())),
        };
        self.skipped = 0;
        self.consume(end + 2);
        line
    }

    fn skip_what_is_too_long(&mut self, expect: Expect) {
        if self.skipping.is_none() && self.scanned > expect.limit(&self.buffer) {
            self.skipping = Some(self.blame(expect));
        }
        if self.skipping.is_some() {
            self.skipped += self.scanned;
            self.consume(self.scanned);
        }
    }

    fn blame(&self, expect: Expect) -> Overlong {
        match expect.limit(&self.buffer) {
            AUTH_LIMIT => Overlong::Response,
            _ if begins_with(&self.buffer, b"BDAT ") => Overlong::Chunk,
            _ => Overlong::Command,
        }
    }

    /// Drops bytes from the start and wipes the room they leave.
    fn consume(&mut self, count: usize) {
        let rest = self.buffer.len() - count;
        self.buffer.copy_within(count.., 0);
        self.buffer[rest..].zeroize();
        self.buffer.truncate(rest);
        self.scanned = 0;
    }
}

fn begins_with(line: &[u8], verb: &[u8]) -> bool {
    line.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], expect: Expect) -> Result<Option<Line>, Broken> {
        let mut reader = LineReader::default();
        reader.feed(bytes);
        reader.next(expect)
    }

    fn text(line: &str) -> Line {
        Line::Text(Zeroizing::new(line.as_bytes().to_vec()))
    }

    #[test]
    fn lines_that_came_together_are_handed_out_one_by_one() {
        let mut reader = LineReader::default();
        reader.feed(b"NOOP\r\nRSET\r\nQU");
        assert_eq!(reader.next(Expect::Command), Ok(Some(text("NOOP"))));
        assert_eq!(reader.next(Expect::Command), Ok(Some(text("RSET"))));
        assert_eq!(reader.next(Expect::Command), Ok(None));
        assert_eq!(reader.unread(), 2);
        reader.feed(b"IT\r");
        assert_eq!(reader.next(Expect::Command), Ok(None), "a CR may yet be followed by its LF");
        reader.feed(b"\n");
        assert_eq!(reader.next(Expect::Command), Ok(Some(text("QUIT"))));
    }

    #[test]
    fn only_cr_lf_ends_a_line() {
        assert_eq!(read(b"NOOP\nQUIT\r\n", Expect::Command), Err(Broken::BareLf));
        assert_eq!(read(b"NOOP\rQUIT\r\n", Expect::Command), Err(Broken::BareCr));
        assert_eq!(read(b"NOOP\r\r\n", Expect::Command), Err(Broken::BareCr));
        assert_eq!(read(b"NO\0OP\r\n", Expect::Command), Err(Broken::Control));
        assert_eq!(read(b"\x16\x03\x01", Expect::Command), Err(Broken::Control));
    }

    #[test]
    fn each_kind_of_line_has_its_limit_to_the_byte() {
        let line =
            |start: &str, length: usize| format!("{start}{}\r\n", "x".repeat(length - start.len() - 2));
        for (start, expect, limit) in [
            ("NOOP ", Expect::Command, COMMAND_LIMIT),
            ("auth ", Expect::Command, AUTH_LIMIT),
            ("AGZv", Expect::Response, AUTH_LIMIT),
        ] {
            assert!(
                matches!(read(line(start, limit).as_bytes(), expect), Ok(Some(Line::Text(_)))),
                "{start}"
            );
            assert!(
                matches!(read(line(start, limit + 1).as_bytes(), expect), Ok(Some(Line::TooLong(_)))),
                "{start}"
            );
        }
    }

    #[test]
    fn an_over_long_line_is_skipped_without_being_kept() {
        let mut reader = LineReader::default();
        for _ in 0..16 {
            reader.feed(&[b'x'; 1_024]);
            assert_eq!(reader.next(Expect::Command), Ok(None));
            assert!(reader.unread() <= COMMAND_LIMIT);
        }
        reader.feed(b"\r\nNOOP\r\n");
        assert_eq!(reader.next(Expect::Command), Ok(Some(Line::TooLong(Overlong::Command))));
        assert_eq!(reader.next(Expect::Command), Ok(Some(text("NOOP"))));
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut reader = LineReader::default();
        let given_up = (0..100).find_map(|_| {
            reader.feed(&[b'x'; 1_024]);
            reader.next(Expect::Response).err()
        });
        assert_eq!(given_up, Some(Broken::Endless));
    }
}
