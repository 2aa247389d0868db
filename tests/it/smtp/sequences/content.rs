//! What the model knows about the content of a message: found in the whole of it, at once.

use gatepost::smtp::data::header::Header;
use gatepost::smtp::data::mailbox;

/// Where the first CR or LF is that is not one half of a line end, or the first NUL. A last CR may yet become a line end.
pub fn spoiled(bytes: &[u8]) -> Option<usize> {
    let is_spoiled = |at: usize| match bytes[at] {
        0 => true,
        b'\r' => bytes.get(at + 1).is_some_and(|next| *next != b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => false,
    };
    (0..bytes.len()).find(|at| is_spoiled(*at))
}

/// How many bytes the message after DATA has with its last dot, once that has come.
pub fn end(bytes: &[u8]) -> Option<usize> {
    match bytes.starts_with(b".\r\n") {
        true => Some(3),
        false => bytes.windows(5).position(|window| window == b"\r\n.\r\n").map(|at| at + 5),
    }
}

/// What was meant by a message that came with this; the last line is the lonely dot.
pub fn unstuffed(wire: &[u8]) -> Vec<u8> {
    let lines = wire.strip_suffix(b".\r\n").unwrap_or(wire).split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}

/// Whether it has a header, and one author, from acme.example. (How headers are read is not the matter here.)
pub fn is_from_acme(content: &[u8]) -> bool {
    let Ok((header, _)) = Header::split(content) else { return false };
    let mut fields = header.all("From");
    let (Some(field), None) = (fields.next(), fields.next()) else { return false };
    let authors = mailbox::list(field.body).unwrap_or_default();
    !authors.is_empty() && authors.iter().all(|author| author.domain == "acme.example")
}

/// As it is handed on: an empty line ends the header.
pub fn with_a_body(mut content: Vec<u8>) -> Vec<u8> {
    if !content.starts_with(b"\r\n") && !content.windows(4).any(|window| window == b"\r\n\r\n") {
        content.extend_from_slice(b"\r\n");
    }
    content
}
