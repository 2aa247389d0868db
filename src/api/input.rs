//! What a request brings: a JSON body, a query, and how lists are asked for.

mod sentence;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::IntoParams;

use super::failure::{Failure, Result};
use crate::app::App;
use crate::error::Error;
use crate::model::Turn;
use crate::model::domain::normalize;

/// A JSON body, with what an `Idempotency-Key` is compared by.
#[derive(Debug)]
pub struct Input<T> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let kind = Kind::of(request.headers());
        Self::read(kind, arrived(request, app).await?)
    }
}

/// The same where all may be left out: no body is an empty object.
#[derive(Debug)]
pub struct InputOrNone<T>(pub Input<T>);

impl<T: DeserializeOwned> FromRequest<App> for InputOrNone<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let kind = Kind::of(request.headers());
        let bytes = arrived(request, app).await?;
        let input = match bytes.is_empty() {
            true => Input::read(Kind::Json, Bytes::from_static(b"{}")),
            false => Input::read(kind, bytes),
        };
        input.map(Self)
    }
}

impl<T: DeserializeOwned> Input<T> {
    fn read(kind: Kind, bytes: Bytes) -> Result<Self> {
        match kind {
            Kind::Json => {}
            Kind::Unsaid if bytes.is_empty() => return Err(Failure::bad("the request has no body")),
            Kind::Unsaid | Kind::Other => {
                let message = "the Content-Type must be application/json";
                return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
            }
        }
        // A struct could be read from a list too; and what is no object may be a secret that its error would repeat.
        let begins_otherwise = !bytes.trim_ascii_start().starts_with(b"{");
        if begins_otherwise && serde_json::from_slice::<IgnoredAny>(&bytes).is_ok() {
            return Err(Failure::bad("the body must be a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| refused(&error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| refused(".", &error))?;
        Ok(Self { value, bytes })
    }
}

async fn arrived(request: Request, app: &App) -> Result<Bytes> {
    Bytes::from_request(request, app).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(rejection.status(), "the body is too long"),
        _ => Failure::bad("the body did not arrive"),
    })
}

/// What the body is said to be.
#[derive(Clone, Copy)]
enum Kind {
    Json,
    Other,
    Unsaid,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Self::Unsaid };
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") { Self::Json } else { Self::Other }
    }
}

/// Names the field, or the place where the body is no JSON.
fn refused(path: &str, error: &serde_json::Error) -> Failure {
    let (line, column, text) = (error.line(), error.column(), error.to_string());
    if !error.is_data() {
        return Failure::bad(format!("the body is not JSON: look at line {line}, column {column}"));
    }
    let place = format!(" at line {line} column {column}");
    Failure::bad(sentence::of(path, text.strip_suffix(&place).unwrap_or(&text)))
}

/// What a request asks for in its query.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let asked = Query::try_from_uri(&parts.uri);
        let Query(asked) = asked.map_err(|rejection| {
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let named = text.split_once(": ").filter(|(name, _)| is_name(name));
            let (name, cause) = named.unwrap_or((".", text));
            Failure::bad(sentence::of(name, cause))
        })?;
        Ok(Self(asked))
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 100)]
    limit: Option<String>,
    /// A cursor: `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]*$")]
    after: Option<String>,
    /// A cursor: `previous_cursor` of the page behind.
    #[param(pattern = "^[A-Za-z0-9_-]*$")]
    before: Option<String>,
}

impl Paging {
    pub fn is_backward(&self) -> bool {
        self.before.as_ref().is_some_and(|cursor| !cursor.is_empty())
    }

    pub fn turn(&self) -> Result<Turn> {
        let limit = match &self.limit {
            None => Some(100),
            Some(text) => text.parse().ok().filter(|limit| (1..=100).contains(limit)),
        };
        let limit = limit.ok_or_else(|| Failure::bad("limit must be between 1 and 100"))?;
        Ok(Turn::new(self.after.as_deref(), self.before.as_deref(), limit)?)
    }
}

/// Names of domains in a body, as the model keeps them.
pub fn domains(names: &[String]) -> Result<Vec<String>> {
    let kept = |name: &String| {
        normalize(name).map_err(|error| match error {
            Error::Invalid(problems) => {
                Failure::bad(format!("domains: {}", problems.of("name").unwrap_or_default()))
            }
            error => error.into(),
        })
    };
    names.iter().map(kept).collect()
}
