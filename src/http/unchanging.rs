//! Answers that change with the program alone: whoever has one asks only whether it still holds.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::secret::token_hash;

/// One such answer, with what it is recognised by.
#[derive(Clone, Debug)]
pub struct Unchanging {
    kind: &'static str,
    body: Bytes,
    etag: String,
}

impl Unchanging {
    /// `kind`: its Content-Type.
    pub fn new(kind: &'static str, body: String) -> Self {
        // Weak: the same content may be sent compressed.
        let etag = format!("W/\"{}\"", &token_hash(&body)[..16]);
        Self { kind, body: body.into(), etag }
    }

    /// RFC 9110 section 13.1.2.
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let known: [(HeaderName, &str); 2] =
            [(header::CACHE_CONTROL, "public, no-cache"), (header::ETAG, &self.etag)];
        match asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| self.is_among(tags.as_bytes())) {
            true => (StatusCode::NOT_MODIFIED, known).into_response(),
            false => (known, [(header::CONTENT_TYPE, self.kind)], self.body.clone()).into_response(),
        }
    }

    fn is_among(&self, tags: &[u8]) -> bool {
        let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
        tags.split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|tag| tag == b"*" || opaque(tag) == opaque(self.etag.as_bytes()))
    }
}
