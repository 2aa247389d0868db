//! What a message holds, as files: its attachments, and the whole of it. Nothing of it is ever shown as a page of this dashboard.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;

use super::opened::{self, Which};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::pieces::source as source_of;
use crate::id::MessageId;
use crate::model::credential::is_deceptive;
use crate::web::failure::Failure;
use crate::web::files::file;
use crate::web::signed_in::SignedIn;

/// Characters of a file's name.
const LONGEST_NAME: usize = 120;
/// What may keep its type: nothing of it runs anything, wherever it is opened.
const SAFE: [&str; 9] = [
    "application/pdf",
    "application/zip",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
];

/// `GET /messages/{id}/attachments/{number}`
pub async fn attachment(
    State(app): State<App>,
    who: SignedIn,
    Path((id, number)): Path<(MessageId, usize)>,
) -> Result<Response, Failure> {
    let which = Which { organization: who.organization(), id };
    let found = opened::attachment(&app, which, number).await?.ok_or(Error::NotFound("attachment"))?;
    let kind = SAFE.iter().find(|safe| **safe == found.kind).unwrap_or(&"application/octet-stream");
    Ok(file(&found.name, kind, Body::from(found.bytes)))
}

/// `GET /messages/{id}/source`: the whole message as it was taken, never more than a piece of it in memory.
pub async fn source(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<MessageId>,
) -> Result<Response, Failure> {
    let body = source_of(&app, who.organization(), id).await?;
    let body = body.ok_or(Error::NotFound("message, or what it held is forgotten"))?;
    Ok(file(&format!("{id}.eml"), "application/octet-stream", body))
}

/// A name that its sender chose, harmless in a header, on a page and on a disk: without its path, and without what ends a line
/// or a quoted text, what can't be seen, and what turns the text around it. None where nothing of it is left.
pub fn file_name(chosen: &str) -> Option<String> {
    let last = chosen.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !is_deceptive(c.encode_utf8(&mut [0; 4])));
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
            assert_eq!(file_name(chosen).as_deref(), kept, "{chosen:?}");
        }
        let long = file_name(&("x".repeat(500) + ".tar")).unwrap_or_default();
        assert_eq!((long.len(), long.ends_with("x.tar")), (LONGEST_NAME, true));
    }
}
