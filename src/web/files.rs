//! Answers that are files to keep, and their names.

use axum::Extension;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::page::Uncompressed;
use super::urlencoded;
use crate::model::name::is_deceptive_character;

/// Characters of a file's name.
const LONGEST_NAME: usize = 120;

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

/// A name that its sender chose, harmless in a header, on a page and on a disk: without its path, and without what ends a line
/// or a quoted text, what can't be seen, and what turns the text around it. None where nothing of it is left.
pub fn harmless_name(chosen: &str) -> Option<String> {
    let last = chosen.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !is_deceptive_character(*c));
    let safe = kept.map(|c| if "\"*:<>?|%".contains(c) { '_' } else { c });
    let name: String = safe.collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.chars().count() <= 12 => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let stem: String = stem.chars().take(LONGEST_NAME - ending.chars().count()).collect();
    (!stem.is_empty()).then(|| stem + &ending)
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

    #[test]
    fn a_name_that_its_sender_chose_does_no_harm() {
        for (chosen, kept) in [
            ("invoice.pdf", Some("invoice.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\temp\\run.exe", Some("run.exe")),
            ("a\r\nX-Evil: 1\r\n\r\n<script>.txt", Some("aX-Evil_ 1_script_.txt")),
            ("a\"; filename=\"b.exe", Some("a_; filename=_b.exe")),
            ("photo\u{202e}gpj.exe", Some("photogpj.exe")),
            (".bashrc", Some("bashrc")),
            ("…", Some("…")),
            ("", None),
            ("..", None),
            ("a/", None),
            ("Größe.txt", Some("Größe.txt")),
        ] {
            assert_eq!(harmless_name(chosen).as_deref(), kept, "{chosen:?}");
        }
        let long = harmless_name(&("x".repeat(500) + ".tar")).unwrap_or_default();
        assert_eq!((long.len(), long.ends_with("x.tar")), (LONGEST_NAME, true));
    }
}
