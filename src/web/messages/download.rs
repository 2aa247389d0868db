//! What a message holds, as files: its attachments, and the whole of it. Nothing of it is ever shown as a page of this dashboard.

use axum::body::Body;
use axum::extract::Path;

use super::opened::{self, Which};
use crate::error::Error;
use crate::http::pieces::source as source_of;
use crate::id::MessageId;
use crate::web::answer::Answer;
use crate::web::files::file;
use crate::web::signed_in::SignedIn;

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
pub async fn attachment(who: SignedIn, Path((id, number)): Path<(MessageId, usize)>) -> Answer {
    let which = Which { organization: who.organization(), id };
    let found = opened::attachment(&who.app, which, number).await?.ok_or(Error::NotFound("attachment"))?;
    let kind = SAFE.iter().find(|safe| **safe == found.kind).unwrap_or(&"application/octet-stream");
    Ok(file(&found.name, kind, Body::from(found.bytes)))
}

/// `GET /messages/{id}/source`: the whole message as it was taken, never more than a piece of it in memory.
pub async fn source(who: SignedIn, Path(id): Path<MessageId>) -> Answer {
    let body = source_of(&who.app, who.organization(), id).await?;
    let body = body.ok_or(Error::NotFound("message, or what it held is forgotten"))?;
    Ok(file(&format!("{id}.eml"), "application/octet-stream", body))
}
