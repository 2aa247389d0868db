//! A message as it comes in: dots taken out, line ends checked, size and memory bounded.
//!
//! CR LF alone ends a line, and only CR LF, dot, CR LF ends a message (RFC 5321 section 4.1.1.4): where one party takes
//! something else for the end and the next does not, a message can be smuggled in between. What is found depends on the
//! bytes alone, never on the pieces they came in. No I/O happens here, so that tests can feed it anything.

use super::memory::Share;

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const DOT: u8 = b'.';

/// Why a message that came in is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("bare CR")]
    BareCr,
    #[error("bare LF")]
    BareLf,
    #[error("NUL")]
    Nul,
    #[error("too big")]
    TooBig,
    #[error("no memory left for messages")]
    NoMemory,
}

impl Fault {
    /// Whether it can't be told any more where the message ends.
    pub fn hides_the_end(self) -> bool {
        matches!(self, Fault::BareCr | Fault::BareLf | Fault::Nul)
    }
}

/// Where in a line the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// Behind a dot at the start of a line.
    Dot,
    /// … and a CR.
    DotCr,
    Middle,
    /// Behind a CR.
    Cr,
}

/// What ends the bytes that belong to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// A dot on a line of its own (DATA).
    Dot,
    /// So many more bytes (BDAT, RFC 3030 section 2).
    Bytes(u64),
    Nothing,
}

/// The content of one message.
#[derive(Debug)]
pub struct Incoming {
    content: Vec<u8>,
    /// The memory it may take up.
    share: Share,
    /// Bytes so far, dropped ones included.
    size: u64,
    limit: u64,
    place: Place,
    until: Until,
    fault: Option<Fault>,
}

impl Incoming {
    /// Nothing yet; it may become `limit` bytes, as long as `share` gives memory.
    pub fn new(limit: u64, share: Share) -> Self {
        Self {
            content: Vec::new(),
            share,
            size: 0,
            limit,
            place: Place::Start,
            until: Until::Nothing,
            fault: None,
        }
    }

    /// The message follows, up to its dot.
    pub fn expect_dot(&mut self) {
        self.until = Until::Dot;
    }

    /// A chunk of so many bytes follows.
    pub fn expect_chunk(&mut self, bytes: u64) {
        self.until = Until::Bytes(bytes);
    }

    /// Whether what was expected has come, or will never.
    pub fn is_done(&self) -> bool {
        match self.until {
            Until::Dot => self.fault.is_some_and(Fault::hides_the_end),
            Until::Bytes(left) => left == 0,
            Until::Nothing => true,
        }
    }

    /// Takes what belongs to the message off the start of `bytes`, and says how many bytes that was.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        match self.until {
            Until::Dot => self.take_stuffed(bytes),
            Until::Bytes(left) => {
                let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.until = Until::Bytes(left - count as u64);
                self.take_plain(&bytes[..count]);
                count
            }
            Until::Nothing => 0,
        }
    }

    /// Ends the last chunk. A last line without an end is given one: the next hop hears lines.
    pub fn end_chunks(&mut self) {
        match self.place {
            Place::Cr => self.fail(Fault::BareCr),
            Place::Start => {}
            _ => self.keep(b"\r\n"),
        }
    }

    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Bytes that came in, without the dots that were taken out.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Empty after a fault.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    fn take_stuffed(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match (self.place, byte) {
                (Place::Start, DOT) => self.place = Place::Dot,
                (Place::Dot, CR) => self.place = Place::DotCr,
                (Place::DotCr, LF) => {
                    self.until = Until::Nothing;
                    return at + 1;
                }
                (Place::DotCr, _) => self.fail(Fault::BareCr),
                _ => {
                    at += self.take_text(&bytes[at..]);
                    if self.is_done() {
                        return at;
                    }
                    continue;
                }
            }
            at += 1;
            if self.is_done() {
                return at;
            }
        }
        at
    }

    fn take_plain(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.take_text(bytes)..];
        }
    }

    /// Takes one line end, or a run of bytes up to the next; at least one byte.
    fn take_text(&mut self, bytes: &[u8]) -> usize {
        match (self.place, bytes[0]) {
            (Place::Cr, LF) => {
                self.keep(b"\r\n");
                self.place = Place::Start;
                1
            }
            (Place::Cr, _) => {
                self.fail(Fault::BareCr);
                self.place = Place::Middle;
                1
            }
            (_, CR) => {
                self.place = Place::Cr;
                1
            }
            (_, LF) => {
                self.fail(Fault::BareLf);
                1
            }
            (_, 0) => {
                self.fail(Fault::Nul);
                1
            }
            _ => {
                let end = bytes.iter().position(|byte| matches!(*byte, CR | LF | 0)).unwrap_or(bytes.len());
                self.keep(&bytes[..end]);
                self.place = Place::Middle;
                end
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.fault.is_some() {
            return;
        }
        if self.size > self.limit {
            return self.fail(Fault::TooBig);
        }
        if !self.share.grow_to(self.size) {
            return self.fail(Fault::NoMemory);
        }
        self.content.extend_from_slice(bytes);
    }

    /// The first fault counts; nothing is held of a message that will be refused.
    fn fail(&mut self, fault: Fault) {
        // Where the end can't be told any more, that is what counts.
        if self.fault.is_none_or(|first| !first.hides_the_end() && fault.hides_the_end()) {
            self.fault = Some(fault);
        }
        self.content = Vec::new();
        self.share.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::data::memory::Memory;

    fn incoming(limit: u64) -> Incoming {
        Incoming::new(limit, Memory::new(1_000_000).share())
    }

    /// What is made of `bytes` after DATA: content or fault, and what follows the message.
    fn data(bytes: &[u8]) -> (Result<Vec<u8>, Option<Fault>>, Vec<u8>) {
        let mut incoming = incoming(1_000);
        incoming.expect_dot();
        let used = incoming.take(bytes);
        let done = incoming.is_done() && incoming.fault().is_none();
        let outcome = if done { Ok(incoming.content().to_vec()) } else { Err(incoming.fault()) };
        (outcome, bytes[used..].to_vec())
    }

    #[test]
    fn dots_are_taken_out_and_the_last_one_ends_it() {
        let (content, rest) = data(b"a\r\n..b\r\n.c\r\n\r\n.\r\nQUIT\r\n");
        assert_eq!(content.as_deref(), Ok(&b"a\r\n.b\r\nc\r\n\r\n"[..]));
        assert_eq!(rest, b"QUIT\r\n");
        assert_eq!(data(b".\r\n").0.as_deref(), Ok(&b""[..]));
        assert_eq!(data(b"a\r\n.").0, Err(None), "more is to come");
    }

    #[test]
    fn nothing_but_cr_lf_dot_cr_lf_ends_a_message() {
        for (bytes, fault) in [
            (&b"a\n.\nMAIL"[..], Fault::BareLf),
            (b"a\r\n.\nMAIL", Fault::BareLf),
            (b"a\n.\r\nMAIL", Fault::BareLf),
            (b"a\r.\rMAIL", Fault::BareCr),
            (b"a\r\n.\rMAIL", Fault::BareCr),
            (b"a\r\r\n.\r\nMAIL", Fault::BareCr),
            (b"a\r\n.\r\r\nMAIL", Fault::BareCr),
            (b"a\r\n\0.\r\nMAIL", Fault::Nul),
            (b"a\r\n.\0\r\nMAIL", Fault::Nul),
            (b"a\r\n.\r\0\nMAIL", Fault::BareCr),
        ] {
            let (outcome, rest) = data(bytes);
            assert_eq!(outcome, Err(Some(fault)), "{:?}", bytes.escape_ascii().to_string());
            assert!(!rest.is_empty(), "what follows is not looked at");
        }
    }

    #[test]
    fn a_message_that_is_too_big_is_not_held_and_its_end_is_found() {
        let mut incoming = incoming(10);
        incoming.expect_dot();
        assert_eq!(incoming.take(b"0123456789\r\n.\r\nQUIT"), 15);
        assert_eq!((incoming.fault(), incoming.content()), (Some(Fault::TooBig), &b""[..]));
        assert!(incoming.is_done());
    }

    #[test]
    fn chunks_are_joined_and_a_line_may_go_on_in_the_next() {
        let mut incoming = incoming(100);
        for (chunk, used) in [(&b"a\r"[..], 2), (b"\n.\r\n", 4), (b"end", 3)] {
            incoming.expect_chunk(chunk.len() as u64);
            assert_eq!(incoming.take(&[chunk, b"BDAT"].concat()), used);
            assert!(incoming.is_done());
        }
        incoming.end_chunks();
        assert_eq!((incoming.fault(), incoming.content()), (None, &b"a\r\n.\r\nend\r\n"[..]));
    }

    #[test]
    fn a_bare_line_end_in_a_chunk_spoils_the_message_but_not_the_count() {
        for (bytes, fault) in
            [(&b"a\nb\0"[..], Fault::BareLf), (b"a\rb\r", Fault::BareCr), (b"\0\0\0\0", Fault::Nul)]
        {
            let mut incoming = incoming(100);
            incoming.expect_chunk(4);
            assert_eq!(incoming.take(&[bytes, b"NOOP"].concat()), 4);
            incoming.end_chunks();
            assert_eq!(incoming.fault(), Some(fault));
        }
    }
}
