//! Answers that are files to keep: their name, and a body that comes piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc::Receiver;

use super::page::Uncompressed;
use super::urlencoded;
use crate::error::{Error, Result};

/// The answer's body. One that fails in the middle is cut off, so that nobody takes a part for the whole.
pub struct Pieces(pub Receiver<Result<Bytes>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(hyper::body::Frame::data)))
    }
}

/// An answer that is kept as a file of this name, and never opened as a page of this dashboard.
pub fn file(name: &str, kind: &'static str, body: Body) -> Response {
    let disposition = HeaderValue::try_from(disposition(name));
    let disposition = disposition.unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let headers = [(CONTENT_DISPOSITION, disposition), (CONTENT_TYPE, HeaderValue::from_static(kind))];
    (Extension(Uncompressed), headers, body).into_response()
}

/// RFC 6266 with the name twice: in ASCII for old clients, and whole (RFC 8187).
fn disposition(name: &str) -> String {
    let ascii: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", urlencoded::encoded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beyond_ascii_is_given_twice() {
        assert_eq!(
            disposition("Größe 1.txt"),
            "attachment; filename=\"Gr__e 1.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.txt"
        );
    }
}
