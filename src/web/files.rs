//! Answers that are files to keep, and their names.

use axum::Extension;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::page::Uncompressed;
use super::urlencoded;

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
