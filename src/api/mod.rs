//! What programs ask over HTTP. The route table.
//!
//! Below `/v2` stands the part of AhaSend's API v2 that Gatepost serves, with the same paths, fields and codes, and what Gatepost
//! adds in the same manner. A handler is four moves, as in the pages; what it takes and answers describes itself in `/openapi.json`.

mod api_keys;
mod caller;
mod credentials;
mod denials;
mod document;
mod domains;
mod events;
mod failure;
mod health;
mod input;
mod list;
mod messages;
mod once;
mod rate;
mod strict;
mod webhooks;
mod words;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use axum::{Extension, Json, Router, middleware};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Timestamp;
use crate::http::requests::{Routine, caught};
use crate::http::unchanging::Unchanging;
use crate::http::whole::arrived;
use crate::id::OrganizationId;
use caller::{Caller, KeyGate, admit};
use failure::Failure;
use strict::{Taken, refuse_the_rest};

/// The longest body.
const MAX_BODY: usize = 256 * 1024;

pub fn router(app: App) -> Router {
    let (routes, mut document) = v2().split_for_parts();
    document::complete(&mut document);
    let served = Unchanging::new("application/json", text(&document));
    let gated = strict(routes, document)
        .layer(middleware::from_fn_with_state(KeyGate::new(app.clone()), admit))
        .layer(middleware::from_fn(arrived))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let open = Router::new()
        .route("/healthz", get(health::process))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(middleware::map_response(async |mut answer: Response| {
            answer.extensions_mut().insert(Routine);
            answer
        }));
    let open = open.route("/openapi.json", get(async move |headers: HeaderMap| served.answer(&headers)));
    let gated = gated
        .method_not_allowed_fallback(not_allowed)
        .route("/v2/{*rest}", any(nothing_here))
        .route("/v2/", any(nothing_here))
        .route("/v2", any(nothing_here));
    let in_words = middleware::map_response(failure::in_words);
    caught(open.with_state(app.clone())).merge(caught(gated.with_state(app)).layer(in_words))
}

/// Everything below `/v2` for whoever runs commands on the machine: the command line asks it in its own process, without a key.
pub fn for_operator(app: App, organization: OrganizationId) -> Router {
    let operator = Caller::operator(organization, app.clock.now());
    let (routes, document) = v2().split_for_parts();
    strict(routes, document).layer(Extension(operator)).fallback(nothing_here).with_state(app)
}

fn strict(routes: Router<App>, document: OpenApi) -> Router<App> {
    routes.layer(middleware::from_fn_with_state(Taken::by(document), refuse_the_rest))
}

/// Every route below `/v2`, with its description.
fn v2() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::head())
        .routes(routes!(ping))
        .merge(credentials::routes())
        .merge(api_keys::routes())
        .merge(domains::routes())
        .merge(webhooks::routes())
        .merge(messages::routes())
        .merge(events::routes())
        .merge(denials::routes())
}

/// What the API takes and answers.
pub fn document() -> OpenApi {
    let mut document = v2().into_openapi();
    document::complete(&mut document);
    document
}

/// The same, as it is served and kept in `docs/openapi.json`.
pub fn document_as_json() -> String {
    text(&document())
}

fn text(document: &OpenApi) -> String {
    #[expect(
        clippy::expect_used,
        reason = "all its keys are strings, and no part of it refuses to be written"
    )]
    document.to_pretty_json().expect("a document is written as JSON")
}

/// That something was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessResponse {
    message: String,
}

impl SuccessResponse {
    fn new(message: &str) -> Self {
        Self { message: message.to_owned() }
    }
}

/// That a key is accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    /// `pong`
    message: &'static str,
    /// Gatepost's own: the account that the key belongs to, as it stands in all other paths.
    account_id: Uuid,
}

/// Tests a key: any that is accepted gets `pong`, and its account.
#[utoipa::path(
    get, path = "/v2/ping", operation_id = "ping", tag = "Utility",
    responses((status = 200, body = Pong)),
    security(("BearerAuth" = []))
)]
async fn ping(caller: Caller) -> Json<Pong> {
    Json(Pong { message: "pong", account_id: caller.organization().uuid() })
}

async fn nothing_here() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

async fn not_allowed() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "this address takes another method")
}

/// A text, or null where it is empty.
fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// RFC 3339 in UTC.
fn time(at: Timestamp) -> String {
    at.rfc3339()
}

/// A time in RFC 3339, or null.
mod optional_time {
    use super::{Deserialize, Deserializer, Timestamp};

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

/// A whole number, however it is written: `2700.0` is one too (JSON Schema, section 6.1.1 of its validation).
mod whole {
    use super::{Deserialize, Deserializer};

    /// Whole up to here, beyond it a float skips some.
    const MOST: f64 = 9_007_199_254_740_992.0;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(u64),
        Float(f64),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        match Written::deserialize(deserializer) {
            Ok(Written::Whole(number)) => Ok(number),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and within bounds"
            )]
            Ok(Written::Float(number)) if number.fract() == 0.0 && (0.0..=MOST).contains(&number) => {
                Ok(number as u64)
            }
            _ => Err(serde::de::Error::custom("This must be a whole number, not below zero")),
        }
    }
}
