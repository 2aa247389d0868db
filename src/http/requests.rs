//! What every request gets: an id, a line in the log, and headers that keep browsers strict.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, Entry, HeaderName, HeaderValue, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_DNS_PREFETCH_CONTROL, X_FRAME_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use metrics::counter;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::{Span, debug, info, info_span};

use crate::app::App;
use crate::telemetry::HTTP_RESPONSES;

/// Nothing inline, nothing from elsewhere, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same for a page that shows one of ours in a frame.
const POLICY_WITH_FRAMES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                  connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
                                  frame-ancestors 'none'";

/// What somebody else wrote, in a frame of ours: it runs nothing, asks nobody for anything, sends nothing, and can't reach the
/// page around it. Its links open in another tab, which is free of all this.
const FOREIGN_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                              style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; \
                              base-uri 'none'; frame-ancestors 'self'";

/// The same with pictures from elsewhere.
const FOREIGN_POLICY_WITH_IMAGES: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
                                          style-src 'unsafe-inline'; img-src data: https:; font-src data:; \
                                          form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

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

/// How long an answer may take to begin.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// On an answer: it is asked for all the time, by machines, so its line in the log is for debugging only.
#[derive(Clone, Copy, Debug)]
pub struct Routine;

/// On an answer: another policy than the usual one.
#[derive(Clone, Copy, Debug)]
pub enum Policy {
    /// A page of ours that shows another one in a frame.
    WithFrames,
    /// What somebody else wrote, for a frame.
    Foreign { remote_images: bool },
}

impl Policy {
    const fn text(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::WithFrames => POLICY_WITH_FRAMES,
            Self::Foreign { remote_images: false } => FOREIGN_POLICY,
            Self::Foreign { remote_images: true } => FOREIGN_POLICY_WITH_IMAGES,
        })
    }
}

/// What stands round all routes, errors included. The first layer sees a request first and its answer last.
pub fn around(app: &App, routes: Router) -> Router {
    let trace =
        TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(answered).on_failure(());
    routes.layer(
        ServiceBuilder::new()
            .map_request(without_id)
            .layer(SetRequestIdLayer::x_request_id(FreshId))
            .layer(trace)
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(from_fn_with_state(app.clone(), strict_headers)),
    )
}

/// What stands close round the routes of a room: a panic and a handler that takes too long are answered.
pub fn caught(routes: Router) -> Router {
    let in_time = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, ANSWER_TIME);
    routes.layer(ServiceBuilder::new().layer(CatchPanicLayer::new()).layer(in_time))
}

/// Puts the headers on every answer. What says nothing about caching is not kept.
async fn strict_headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = response.extensions().get::<Policy>().copied();
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy.text());
    }
    if matches!(policy, Some(Policy::Foreign { .. })) {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        headers.insert(X_DNS_PREFETCH_CONTROL, HeaderValue::from_static("off"));
    }
    if app.public_url.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
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

/// The layer that sets an id keeps one that is there.
fn without_id<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    request.headers_mut().remove("x-request-id");
    request
}

/// UUID v7, made here: a client's own is not believed.
#[derive(Clone, Copy, Debug)]
struct FreshId;

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
fn span<B>(request: &axum::http::Request<B>) -> Span {
    info_span!("http", id = id(request.extensions()), method = %request.method(), path = request.uri().path())
}

/// The line in the log, and the count.
fn answered<B>(response: &axum::http::Response<B>, took: Duration, _: &Span) {
    let status = response.status().as_u16();
    counter!(HTTP_RESPONSES, "status" => status.to_string()).increment(1);
    let ms = took.as_secs_f64() * 1e3;
    match response.extensions().get::<Routine>() {
        Some(Routine) => debug!(status, ms, "answered"),
        None => info!(status, ms, "answered"),
    }
}
