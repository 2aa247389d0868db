//! What a request brings beside what its operation asks for is refused, not ignored: a query parameter by its name, and a body
//! where none is read. Which those are stands in the document.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::ParameterIn;

use super::document::{operations, parameters};
use super::failure::{Failure, Result};

/// The longest body that is looked at where none is read: `{}` and white space are none.
const MAX_NOTHING: usize = 1_024;

/// What each operation takes, by method and path.
#[derive(Clone, Debug)]
pub struct Taken(Arc<HashMap<(Method, String), Takes>>);

#[derive(Debug, Default)]
struct Takes {
    query: Vec<String>,
    body: bool,
}

impl Taken {
    pub fn by(mut document: OpenApi) -> Self {
        let mut taken = HashMap::new();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                let asked = parameters(operation).filter(|one| one.parameter_in == ParameterIn::Query);
                let query = asked.map(|one| one.name.clone()).collect();
                let takes = Takes { query, body: operation.request_body.is_some() };
                taken.insert((method, path.clone()), takes);
            }
        }
        Self(Arc::new(taken))
    }

    fn of(&self, request: &Request) -> Option<&Takes> {
        let path = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        self.0.get(&(method, path))
    }
}

/// The layer in front of every operation.
pub async fn refuse_the_rest(State(taken): State<Taken>, request: Request, next: Next) -> Response {
    let Some(takes) = taken.of(&request) else { return next.run(request).await };
    match takes.check(request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

impl Takes {
    async fn check(&self, request: Request) -> Result<Request> {
        self.check_query(&request)?;
        if self.body {
            return Ok(request);
        }
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_NOTHING).await.unwrap_or_else(|_| Bytes::from_static(b"too long"));
        let text: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        match text.as_slice() {
            b"" | b"{}" => Ok(Request::from_parts(parts, Body::empty())),
            _ => Err(Failure::bad("this request takes no body")),
        }
    }

    fn check_query(&self, request: &Request) -> Result<()> {
        let given: Query<Vec<(String, String)>> = Query::try_from_uri(request.uri())
            .map_err(|_| Failure::bad("the query is not of the form name=value&name=value"))?;
        let Some((unknown, _)) = given.iter().find(|(name, _)| !self.query.contains(name)) else {
            return Ok(());
        };
        let known = if self.query.is_empty() { "none here" } else { &self.query.join(", ") };
        Err(Failure::bad(format!("unknown query parameter `{unknown}`, there are {known}")))
    }
}
