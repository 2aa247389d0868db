//! What went wrong, as a page: the one place where the dashboard turns an [`Error`] into an answer.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{error, warn};

use super::answer::Failure;
use super::htmx::{self, Htmx, Tell};
use super::page::{HTML, render};
use crate::error::Error;
use crate::http::requests;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: u16,
    heading: &'a str,
    advice: &'a str,
    /// By which the log line is found.
    reference: Option<&'a str>,
}

/// Gives every failed answer that has no page yet one: whether a handler failed, or nothing was found, a panic was caught,
/// the body was too long or the time was up. Nothing of the cause is in it but what was said for people.
pub async fn show(request: Request, next: Next) -> Response {
    let htmx = Htmx::of(request.headers());
    let reference = requests::id(request.extensions());
    let response = next.run(request).await;
    let status = response.status();
    let has_page = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| *kind == HTML.1);
    if !(status.is_client_error() || status.is_server_error()) || has_page || is_answered(response.headers())
    {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned();
    if let Some(Failure(cause)) = &failure {
        match **cause {
            Error::Internal(_) | Error::Setup(_) => error!(%cause, "the request failed"),
            Error::Unavailable(_) => warn!(%cause, "the request failed for now"),
            _ => {}
        }
    }
    let (heading, advice) = words(status, failure.as_ref().map(|failure| &*failure.0));
    let reference = Some(reference.as_str()).filter(|_| status.is_server_error());
    let mut shown = if htmx.partial && status.is_client_error() {
        (status, [(htmx::RESWAP, "none")], Tell::Failed(advice), ()).into_response()
    } else {
        let page = ErrorPage { status: status.as_u16(), heading, advice: &advice, reference };
        (status, [HTML], Body::from(render(&page).unwrap_or_default())).into_response()
    };
    if let Some(allow) = response.headers().get(header::ALLOW) {
        shown.headers_mut().insert(header::ALLOW, allow.clone());
    }
    shown
}

/// Whether it tells htmx what to do already.
fn is_answered(headers: &HeaderMap) -> bool {
    headers.contains_key(htmx::REDIRECT)
}

fn words(status: StatusCode, cause: Option<&Error>) -> (&'static str, String) {
    let advice = match (cause, status) {
        (Some(Error::Conflict(why)), _) => return ("That does not go together", why.clone()),
        (Some(Error::Forbidden(why)), _) => return ("That can’t be done", why.clone()),
        (Some(Error::Invalid(problems)), _) => {
            let messages: Vec<&str> = problems.0.iter().map(|problem| problem.message.as_str()).collect();
            return ("That can’t be done", messages.join(" "));
        }
        (Some(Error::NotFound("link")), _) => {
            let advice = "It works once, and only while nobody has an account. If you have one, log in.";
            return ("This link is used up", advice.to_owned());
        }
        (Some(Error::NotFound("invitation")), _) => {
            let advice = "It was used, taken back or replaced, or it is too old. If you have an account, log in; if not, ask \
                          an owner to invite you again.";
            return ("This invitation works no more", advice.to_owned());
        }
        (Some(Error::NotFound(what)), _) => {
            return (
                "Not found",
                format!("There is no such {what}. It may have been deleted, or the address is mistyped."),
            );
        }
        (_, StatusCode::NOT_FOUND) => return ("Not found", "There is no page at this address.".to_owned()),
        (_, StatusCode::METHOD_NOT_ALLOWED) => "This address takes another kind of request.",
        (_, StatusCode::FORBIDDEN) => {
            "The request came from another site, so nothing was done. Open the dashboard itself and try again."
        }
        (_, StatusCode::PAYLOAD_TOO_LARGE) => {
            "That was longer than any form here. Shorten it and send it again."
        }
        (_, StatusCode::REQUEST_TIMEOUT) => "It took too long to arrive. Send it again.",
        (_, StatusCode::SERVICE_UNAVAILABLE) => {
            return (
                "Not available right now",
                "Gatepost is short of something it needs. Try again in a moment.".to_owned(),
            );
        }
        (_, status) if status.is_client_error() => "Gatepost did not understand the request.",
        _ => {
            let advice = "What was confirmed before is safe. Try again; if it stays, give this reference to the person \
                          who runs this Gatepost.";
            return ("Something went wrong on our side", advice.to_owned());
        }
    };
    ("That can’t be done", advice.to_owned())
}
