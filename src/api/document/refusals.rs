//! The refusals that many operations share, and which of them may be an operation's answer.

use utoipa::openapi::Response;
use utoipa::openapi::path::{Operation, ParameterIn};

use super::{RATE, failure, parameters, tell};

/// A refusal that many operations share.
pub struct Refusal {
    pub status: &'static str,
    pub name: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
}

pub const REFUSALS: [Refusal; 12] = [
    refusal("400", "BadRequest", "A value is wrong; the message names it.", &["Idempotent-Replayed"]),
    refusal("401", "Unauthorized", "No key, or one that is not known.", &[]),
    refusal(
        "403",
        "Forbidden",
        "The key lacks the scope or works from other addresses, or the account is not the key's own, whether there is such a one or not.",
        &[],
    ),
    refusal("404", "NotFound", "The account has nothing with this id.", &["Idempotent-Replayed"]),
    refusal(
        "405",
        "OtherMethod",
        "There is another operation at this address, which takes other methods.",
        &[],
    ),
    refusal(
        "409",
        "Conflict",
        "Another has the value already, or a request with the same Idempotency-Key is in progress.",
        &["Idempotent-Replayed", "Retry-After"],
    ),
    refusal("413", "BodyTooLong", "The body is longer than 256 KiB.", &[]),
    refusal("415", "NotJson", "The Content-Type is not application/json.", &[]),
    refusal("422", "KeyReused", "The Idempotency-Key was used for another request.", &[]),
    refusal("429", "TooManyRequests", "The account sends this node too many requests.", &["Retry-After"]),
    refusal("500", "InternalError", "Something broke. Gatepost's log has the cause.", &[]),
    refusal(
        "503",
        "Unavailable",
        "The database, or a place to work in, is not there for the moment.",
        &["Retry-After"],
    ),
];

const fn refusal(
    status: &'static str,
    name: &'static str,
    description: &'static str,
    headers: &'static [&'static str],
) -> Refusal {
    Refusal { status, name, description, headers }
}

impl Refusal {
    pub fn response(&self) -> Response {
        let mut response = Response::new(self.description);
        let is_after_the_key = !matches!(self.status, "401" | "403" | "405");
        let rate = RATE.iter().filter(|_| is_after_the_key);
        for name in self.headers.iter().chain(rate) {
            tell(&mut response, name);
        }
        response.content.insert("application/json".to_owned(), failure().into());
        response
    }

    /// Whether this may be the answer to such an operation. `is_behind_another`: some of its addresses are another's.
    pub fn fits(&self, path: &str, operation: &Operation, is_behind_another: bool) -> bool {
        let has = |place: ParameterIn| parameters(operation).any(|parameter| parameter.parameter_in == place);
        let has_body = operation.request_body.is_some();
        match self.status {
            "404" => path.matches('{').count() > 1,
            "405" => is_behind_another,
            "409" | "422" => has(ParameterIn::Header),
            "413" | "415" => has_body,
            _ => true,
        }
    }
}
