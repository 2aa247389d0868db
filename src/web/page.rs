//! A page on its way out: the frame around it, and how a template becomes an answer.

use askama::Template;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::response::IntoResponse;

use super::answer::Answer;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Which entry of the menu a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    Activity,
    ApiKeys,
    Credentials,
    Domains,
    Members,
    Messages,
    Security,
    Usage,
    Webhooks,
}

/// What stands around a page of a member who is logged in.
#[derive(Clone, Debug)]
pub struct Frame {
    pub here: Here,
    pub organization: String,
    pub email: String,
    /// What happened just before, in a sentence.
    pub notice: Option<String>,
    pub now: Timestamp,
}

pub const HTML: (HeaderName, HeaderValue) =
    (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));

/// Renders a page or a block of one.
///
/// # Errors
/// [`Error::Internal`]: only a formatting that fails can be the cause.
pub fn render(template: &impl Template) -> Result<String> {
    template.render().map_err(|cause| Error::Internal(format!("a template: {cause}")))
}

pub fn html(template: &impl Template) -> Answer {
    Ok(([HTML], render(template)?).into_response())
}

/// The same form again, with what is wrong with it.
pub fn refused(template: &impl Template) -> Answer {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(template)?).into_response())
}

/// An answer that is not compressed: it holds a secret beside what a stranger could have chosen, or comes piece by piece.
#[derive(Clone, Copy, Debug)]
pub struct Uncompressed;
