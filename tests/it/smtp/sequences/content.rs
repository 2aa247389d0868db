//! What the model knows about the content of a message that has come.

use gatepost::smtp::data::header::Header;
use gatepost::smtp::data::mailbox;

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
