//! Work that is done once for each `Idempotency-Key`, whoever asks again and however often at the same time.
//!
//! What is wrong with a request that was read is found in the work or its preparation, so that this answer too is given again.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;
use zeroize::Zeroizing;

use super::caller::Caller;
use super::failure::{Failure, Result};
use super::input::Input;
use crate::app::App;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Error;
use crate::model::idempotency::{Known, Request};

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The request's key, and what else makes it the same request.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Idempotency {
    /// The same key with the same request gets the same answer again, for 24 hours; for 5 minutes where it holds a secret. With
    /// another request it is refused. It belongs to the API key that sends it: another API key's is another. Refusals are repeated
    /// too, but for those of a request that was not read (no JSON, a field missing, unknown or of another kind) and for 401, 403
    /// and 429: what a key may do can be changed.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    key: Option<String>,
    #[param(ignore)]
    method: Method,
    #[param(ignore)]
    path: String,
}

impl FromRequestParts<App> for Idempotency {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let key = match parts.headers.get(NAME).map(HeaderValue::to_str) {
            None => None,
            Some(Ok(key)) if (1..=255).contains(&key.len()) => Some(key.to_owned()),
            Some(_) => {
                return Err(Failure::bad("the Idempotency-Key must have 1 to 255 characters of ASCII"));
            }
        };
        Ok(Self { key, method: parts.method.clone(), path: parts.uri.path().to_owned() })
    }
}

/// Whether an answer may be read by whoever reads the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    NoSecret,
    Secret,
}

/// Work for one request.
pub struct Once<'a> {
    app: &'a App,
    /// Without an `Idempotency-Key`, or from the operator, it is done each time.
    request: Option<Request>,
    now: Timestamp,
}

impl<'a> Once<'a> {
    pub fn new<T>(app: &'a App, caller: &Caller, key: Idempotency, input: &Input<T>) -> Self {
        let what = (key.method.as_str(), key.path.as_str(), &*input.bytes);
        let request = key.key.zip(caller.key()).map(|(key, api_key)| {
            let whose = (caller.organization(), api_key);
            Request::new(whose, &key, what)
        });
        Self { app, request, now: caller.now }
    }

    /// Does the work in a transaction, with the answer that the same request will get again; or undoes it. What needs no
    /// transaction, or should not wait in one, is prepared before it.
    pub async fn run<P, T: Serialize>(
        self,
        holds: Holds,
        prepare: impl AsyncFnOnce() -> Result<P>,
        work: impl AsyncFnOnce(&mut Tx, P) -> Result<T>,
    ) -> Result<Response> {
        if let Some(answer) = self.before().await? {
            return Ok(answer);
        }
        let prepared = match prepare().await {
            Ok(prepared) => prepared,
            Err(failure) => return self.refuse(failure).await,
        };
        let mut tx = self.app.db.begin().await?;
        if let Some(answer) = self.begin(&mut tx).await? {
            return Ok(answer);
        }
        let value = match work(&mut tx, prepared).await {
            Ok(value) => value,
            Err(failure) => {
                drop(tx);
                return self.refuse(failure).await;
            }
        };
        let body = serde_json::to_string(&value).map_err(|cause| Error::Internal(cause.to_string()))?;
        let body = Zeroizing::new(body);
        if let Some(request) = &self.request {
            let sealing = (holds == Holds::Secret).then_some(&self.app.sealing);
            let answer = (StatusCode::CREATED.as_u16(), body.as_str());
            request.end(&mut tx, answer, sealing, self.now).await?;
        }
        tx.commit().await?;
        Ok(json(StatusCode::CREATED, &body))
    }

    /// The answer that was given before, to be had without any preparation.
    async fn before(&self) -> Result<Option<Response>> {
        let Some(request) = &self.request else { return Ok(None) };
        let mut connection = self.app.db.read().await?;
        replayed(request.look(&mut connection, &self.app.sealing, self.now).await?)
    }

    /// The same, or the place for the answer is taken.
    async fn begin(&self, tx: &mut Tx) -> Result<Option<Response>> {
        let Some(request) = &self.request else { return Ok(None) };
        replayed(request.begin(tx, &self.app.sealing, self.now).await?)
    }

    /// Keeps a refusal as the answer, unless another request with the key was answered meanwhile.
    async fn refuse(self, failure: Failure) -> Result<Response> {
        if let Some(request) = self.request.as_ref().filter(|_| failure.is_of_the_request()) {
            let mut tx = self.app.db.begin().await?;
            if let Some(answer) = self.begin(&mut tx).await? {
                return Ok(answer);
            }
            let body = serde_json::json!({ "message": failure.message }).to_string();
            let answer = (failure.status.as_u16(), body.as_str());
            request.end(&mut tx, answer, None, self.now).await?;
            tx.commit().await?;
        }
        Err(failure)
    }
}

/// None where the request is new.
fn replayed(known: Known) -> Result<Option<Response>> {
    match known {
        Known::Fresh => Ok(None),
        Known::Answered(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = json(status, &answer.body);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(Some(response))
        }
        Known::InProgress => {
            let message = "A request with this idempotency key is already in progress".to_owned();
            Err(Failure { status: StatusCode::CONFLICT, message, retry_after: Some(1) })
        }
        Known::Mismatch => Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency key was already used with a different request payload",
        )),
        Known::Sealed => Err(Failure::new(
            StatusCode::CONFLICT,
            "the answer to this idempotency key can't be repeated: this node has another sealing_key than the one that gave it",
        )),
    }
}

fn json(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}
