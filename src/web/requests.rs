//! What every request gets: an id, a line in the log, and headers that keep browsers strict.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, Entry, HeaderName, HeaderValue, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use metrics::counter;
use tower_http::request_id::{MakeRequestId, RequestId};
use tracing::{Span, info, info_span};

use super::htmx;
use crate::app::App;
use crate::telemetry::HTTP_RESPONSES;

/// Nothing inline, nothing from elsewhere, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Not `no-referrer`: with it Chromium sends `Origin: null`, and no form could be told from another site's.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
];

/// Two years. Other names below this host are none of our business.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Puts the headers on every answer, errors included. What says nothing about caching is not kept.
pub async fn strict_headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if app.config.public_url.as_ref().is_some_and(|url| url.is_https()) {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.append(VARY, htmx::VARY);
    secure_removal(headers);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The session layer removes its cookie without saying `Secure`; of one named `__Host-…` browsers ignore that.
fn secure_removal(headers: &mut HeaderMap) {
    let Entry::Occupied(mut cookies) = headers.entry(SET_COOKIE) else { return };
    for cookie in cookies.iter_mut() {
        let text = cookie.to_str().unwrap_or_default();
        if text.starts_with("__Host-") && !text.contains("; Secure") {
            *cookie = HeaderValue::try_from(format!("{text}; Secure")).unwrap_or_else(|_| cookie.clone());
        }
    }
}

/// UUID v7, made here: a client's own is not believed.
#[derive(Clone, Copy, Debug)]
pub struct FreshId;

impl MakeRequestId for FreshId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::try_from(crate::id::RequestId::new().to_string()).ok().map(RequestId::new)
    }
}

/// The request's id as text.
pub fn id(extensions: &Extensions) -> String {
    let id = extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Everything logged while a request is served carries this. The query is left out: it may hold a link's token.
pub fn span<B>(request: &axum::http::Request<B>) -> Span {
    info_span!("http", id = id(request.extensions()), method = %request.method(), path = request.uri().path())
}

/// The line in the log, and the count.
pub fn answered<B>(response: &axum::http::Response<B>, took: Duration, _: &Span) {
    let status = response.status().as_u16();
    counter!(HTTP_RESPONSES, "status" => status.to_string()).increment(1);
    info!(status, ms = took.as_secs_f64() * 1e3, "answered");
}
