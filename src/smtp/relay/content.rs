//! A message's content as DATA carries it: lines that begin with a dot get another (RFC 5321 section 4.5.2).

/// Bytes that are handed to the wire at a time.
const CHUNK: usize = 16 * 1024;

/// Cuts the content into chunks, so that it is never copied whole.
pub struct Stuffing<'a> {
    pieces: std::slice::Iter<'a, &'a [u8]>,
    /// Of the present piece.
    rest: &'a [u8],
    at_line_start: bool,
}

impl<'a> Stuffing<'a> {
    pub fn new(pieces: &'a [&'a [u8]]) -> Self {
        Stuffing { pieces: pieces.iter(), rest: &[], at_line_start: true }
    }

    /// Puts the next part of the content into `chunk`, in place of what was in it. False at the end.
    ///
    /// Any LF begins a line here: the content has none without a CR, and if it had, it could not end the message.
    pub fn fill(&mut self, chunk: &mut Vec<u8>) -> bool {
        chunk.clear();
        while chunk.len() < CHUNK {
            if self.rest.is_empty() {
                let Some(piece) = self.pieces.next() else { break };
                self.rest = piece;
                continue;
            }
            if self.at_line_start && self.rest[0] == b'.' {
                chunk.push(b'.');
            }
            let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
            let (part, rest) = self.rest.split_at(line.min(CHUNK));
            chunk.extend_from_slice(part);
            self.at_line_start = part.ends_with(b"\n");
            self.rest = rest;
        }
        !chunk.is_empty()
    }

    /// What ends the content.
    pub fn end(&self) -> &'static [u8] {
        if self.at_line_start { b".\r\n" } else { b"\r\n.\r\n" }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut stuffing, mut chunk, mut all) = (Stuffing::new(pieces), Vec::new(), Vec::new());
        while stuffing.fill(&mut chunk) {
            assert!(chunk.len() <= 2 * CHUNK + 1, "{}", chunk.len());
            all.extend_from_slice(&chunk);
        }
        all.extend_from_slice(stuffing.end());
        all
    }

    /// What a receiver makes of it: up to the lonely dot, one dot less where a line begins with one.
    fn received(wire: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        let mut lines = wire.split_inclusive(|byte| *byte == b'\n');
        for line in lines.by_ref() {
            if line == b".\r\n" {
                break;
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
        assert_eq!(lines.next(), None, "the dot ends it");
        content
    }

    #[test]
    fn a_dot_that_begins_a_line_is_doubled_also_where_pieces_meet() {
        assert_eq!(stuffed(&[b"A: b\r\n\r\n", b".\r\n..\r\n.c"]), b"A: b\r\n\r\n..\r\n...\r\n..c\r\n.\r\n");
        assert_eq!(stuffed(&[b"a\r\n", b"", b".\r\n"]), b"a\r\n..\r\n.\r\n");
        assert_eq!(stuffed(&[b"a", b".b\r\n"]), b"a.b\r\n.\r\n");
        assert_eq!(stuffed(&[b"a\r", b"\n.", b"\r\n"]), b"a\r\n..\r\n.\r\n");
        assert_eq!(stuffed(&[]), b".\r\n");
        assert_eq!(stuffed(&[b"a\n.\r\nMAIL FROM:<x@y>\r\n"]), b"a\n..\r\nMAIL FROM:<x@y>\r\n.\r\n");
    }

    #[test]
    fn lines_as_long_as_a_chunk_and_longer_arrive_whole() {
        for length in [CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let mut content = vec![b'.'; length];
            content.extend_from_slice(b"\r\n.\r\n.x\r\n");
            assert_eq!(received(&stuffed(&[&content])), content, "{length}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_arrives(lines in proptest::collection::vec("[.a]{0,4}", 0..40), cut in 0_usize..200) {
            let content: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let (header, body) = content.as_bytes().split_at(cut.min(content.len()));
            prop_assert_eq!(received(&stuffed(&[header, body])), content.as_bytes());
        }
    }
}
