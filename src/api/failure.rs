//! What went wrong, as `{"message": …}`: the one place where the API turns an [`Error`] into an answer.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;

use crate::error::{Error, Problems};

/// A refusal: its status and a sentence that names the field, or the request's id.
#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub message: String,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u64>,
}

/// Every answer that is no success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorResponse {
    /// A sentence; it names the field where one is wrong.
    pub message: String,
}

const INTERNAL: &str = "internal error";

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    fn for_now() -> Self {
        let message = "temporarily unavailable, try again in a moment".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message, retry_after: Some(1) }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Whether the request itself is at fault: the same one is refused again. What its key may do can be changed in a moment.
    pub fn is_of_the_request(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::FORBIDDEN
    }
}

/// What a layer answered for a handler that panicked or took too long, in the API's words.
pub async fn in_words(answer: Response) -> Response {
    let says_nothing =
        answer.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json");
    match answer.status() {
        StatusCode::SERVICE_UNAVAILABLE if says_nothing => Failure::for_now().into_response(),
        StatusCode::PAYLOAD_TOO_LARGE if says_nothing => {
            Failure::new(answer.status(), "the body is too long").into_response()
        }
        StatusCode::REQUEST_TIMEOUT if says_nothing => {
            Failure::new(answer.status(), "the body took too long to arrive").into_response()
        }
        StatusCode::BAD_REQUEST if says_nothing => Failure::bad("the body did not arrive").into_response(),
        status if status.is_server_error() && says_nothing => Failure::new(status, INTERNAL).into_response(),
        _ => answer,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) if problems.is_taken() => {
                Self::new(StatusCode::CONFLICT, told(&problems))
            }
            Error::Invalid(problems) => Self::bad(told(&problems)),
            Error::NotFound(what) => Self::new(StatusCode::NOT_FOUND, format!("{what} not found")),
            Error::Conflict(why) => Self::new(StatusCode::CONFLICT, why),
            Error::Forbidden(why) => Self::new(StatusCode::FORBIDDEN, why),
            Error::Unavailable(cause) => {
                warn!(%cause, "the request failed for now");
                Self::for_now()
            }
            Error::Setup(cause) | Error::Internal(cause) => {
                error!(%cause, "the request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
            }
        }
    }
}

/// `name: There is a credential named “x” already.`
fn told(problems: &Problems) -> String {
    problems.to_string()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorResponse { message: self.message })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::map_response;
    use axum::routing::get;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn panics() -> &'static str {
        panic!("a secret of the handler")
    }

    #[tokio::test]
    async fn what_a_layer_answers_is_in_the_words_of_the_api() {
        let routes = Router::new()
            .route("/panic", get(panics))
            .route("/slow", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .route("/own", get(|| async { Failure::new(StatusCode::BAD_GATEWAY, "our own words") }))
            .layer(CatchPanicLayer::new())
            .layer(map_response(in_words));
        for (path, status, message) in [
            ("/panic", 500, "internal error"),
            ("/slow", 503, "temporarily unavailable, try again in a moment"),
            ("/own", 502, "our own words"),
        ] {
            let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
            let answer = routes.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), status);
            let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
            assert_eq!(body, format!(r#"{{"message":"{message}"}}"#));
        }
    }
}
