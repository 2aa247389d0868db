//! A request is heard out before anything is decided about it: who is let in and what holds is as it is when it is done, not
//! as it was when its first byte came.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(20);

/// A layer round whatever reads who asks. The longest body is that of `DefaultBodyLimit`, which stands round it.
pub async fn arrived(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut bounded = Request::new(body);
    *bounded.extensions_mut() = parts.extensions.clone();
    match timeout(BODY_TIME, Bytes::from_request(bounded, &())).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(rejection)) => rejection.status().into_response(),
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}
