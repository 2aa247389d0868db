//! The few headers by which htmx and the pages talk.

use std::convert::Infallible;

use askama::Template;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, IntoResponseParts, Redirect, Response, ResponseParts};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::Answer;
use super::page::{html, refused, render};
use crate::error::Result;

pub const REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
/// For what Back is to lead away from again.
pub const PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");
pub const REPLACE_URL: HeaderName = HeaderName::from_static("hx-replace-url");
pub const RESWAP: HeaderName = HeaderName::from_static("hx-reswap");
pub const TRIGGER: HeaderName = HeaderName::from_static("hx-trigger");
/// What every answer varies by.
pub const VARY: HeaderValue = HeaderValue::from_static("HX-Request, HX-Request-Type");

/// Who asks: a browser for a page, or htmx for a piece of one.
#[derive(Clone, Debug, Default)]
pub struct Htmx {
    /// Whether htmx asks for a piece, to put into the page that is open.
    pub partial: bool,
    /// Whether a page asks that nobody touches: the element `#live` of it, every few seconds.
    pub by_itself: bool,
    /// Path and query of that page.
    pub current: Option<Uri>,
}

impl Htmx {
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let partial = text("hx-request") == Some("true") && text("hx-request-type") != Some("full");
        let by_itself = partial && text("hx-source").is_some_and(|source| source.ends_with("#live"));
        Self { partial, by_itself, current: text("hx-current-url").and_then(|url| url.parse().ok()) }
    }

    /// Whether the page that is open is at this path.
    pub fn is_at(&self, path: &str) -> bool {
        self.partial && self.current.as_ref().is_some_and(|uri| uri.path() == path)
    }

    /// The page, or the block of it that htmx asks for.
    pub fn answer(&self, page: &impl Template, block: &impl Template) -> Answer {
        if self.partial { html(block) } else { html(page) }
    }

    /// The same of a form with what is wrong with it.
    pub fn refuse(&self, page: &impl Template, block: &impl Template) -> Answer {
        if self.partial { refused(block) } else { refused(page) }
    }

    /// The way to another page of this dashboard.
    pub fn go(&self, to: &str) -> Response {
        if self.partial { [(REDIRECT, to)].into_response() } else { Redirect::to(to).into_response() }
    }

    /// What stands in the address of the page that is open; what can't be understood is as if it were not there.
    pub fn query<T: DeserializeOwned + Default>(&self) -> T {
        let query = self.current.as_ref().and_then(|uri| Query::try_from_uri(uri).ok());
        query.map(|Query(query)| query).unwrap_or_default()
    }
}

/// What the page is told beside what it is given.
#[derive(Clone, Debug)]
pub enum Tell {
    /// Close the dialog, if one is open, and show this for a few seconds.
    Done(String),
    /// Show this as an error; the dialog stays.
    Failed(String),
}

impl IntoResponseParts for Tell {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        let events = match self {
            Self::Done(text) => json!({"done": {}, "toast": {"text": text, "kind": "done"}}),
            Self::Failed(text) => json!({"toast": {"text": text, "kind": "error"}}),
        };
        response.headers_mut().insert(TRIGGER, header(&events));
        Ok(response)
    }
}

/// JSON in a header's characters: what is beyond ASCII as `\u…`.
fn header(value: &Value) -> HeaderValue {
    let mut text = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() && !byte.is_ascii_control() => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\u{unit:04x}")),
        }
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("{}"))
}

/// A piece that goes into its own place in the open page, whatever the rest of the answer is for.
pub fn piece(target: &str, block: &impl Template) -> Result<String> {
    let html = render(block)?;
    Ok(format!(r##"<hx-partial hx-target="#{target}" hx-swap="outerHTML">{html}</hx-partial>"##))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toast_fits_into_a_header_in_any_script() {
        let value = header(&json!({"toast": "“Größe” 😀"}));
        let text = value.to_str().unwrap_or_default();
        assert_eq!(text, r#"{"toast":"\u201cGr\u00f6\u00dfe\u201d \ud83d\ude00"}"#);
    }
}
