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

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Whether the request itself is at fault: the same one is refused again.
    pub fn is_of_the_request(&self) -> bool {
        self.status.is_client_error()
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
                let message = "temporarily unavailable, try again in a moment";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self { status, message: message.to_owned(), retry_after: Some(1) }
            }
            Error::Setup(cause) | Error::Internal(cause) => {
                error!(%cause, "the request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
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
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
