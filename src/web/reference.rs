//! The API's reference, made of the same document that programs read at `/openapi.json`: it can't say anything else.
//!
//! Open to everybody, since it holds no secret; the same for everybody, so it is rendered once.

mod example;
mod fields;

use std::fmt::{self, Display};

use askama::Template;
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::answer::Failure;
use super::page::render;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::unchanging::Unchanging;
use crate::model::api_key::scope;
use example::curl;
use fields::{Field, Fields, entries, followed, strings, text};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[derive(Template)]
#[template(path = "reference.html")]
struct Page {
    /// Where the API is: `https://gatepost.example`.
    server: String,
    version: String,
    groups: Vec<Group>,
    /// For everything of a kind.
    plain: Vec<&'static str>,
    /// For all domains, or for one.
    by_domain: Vec<&'static str>,
    /// Requests of an account in a second, and at once.
    rate: (u32, u32),
}

/// The operations of a tag.
struct Group {
    name: String,
    description: Prose,
    operations: Vec<Operation>,
}

struct Operation {
    /// The anchor.
    id: String,
    method: String,
    path: String,
    summary: Prose,
    description: Prose,
    /// One of these is needed.
    scopes: Vec<String>,
    parameters: Vec<Field>,
    body: Vec<Field>,
    answers: Vec<Answer>,
    curl: String,
}

/// One of the answers that an operation may give.
struct Answer {
    status: String,
    description: Prose,
    headers: Vec<String>,
    /// Only of those that are no refusal: refusals all look the same.
    fields: Vec<Field>,
}

/// Text with code in it: shown escaped, and what stands between backticks as code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Prose(String);

impl Prose {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.0.split('`').enumerate() {
            let (open, close) = if index % 2 == 1 { ("<code>", "</code>") } else { ("", "") };
            let piece = piece.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            write!(f, "{open}{piece}{close}")?;
        }
        Ok(())
    }
}

impl askama::filters::HtmlSafe for Prose {}

/// `GET /docs/api`.
pub fn route(app: &App, document: &OpenApi) -> MethodRouter<App> {
    let page = page(app, document).map_err(Failure::from);
    get(move |headers: HeaderMap| {
        let page = page.clone();
        async move { page.map(|page| page.answer(&headers)) }
    })
}

fn page(app: &App, document: &OpenApi) -> Result<Unchanging> {
    let document = serde_json::to_value(document).map_err(|cause| Error::Internal(cause.to_string()))?;
    let server = app.public_url.as_str().to_owned();
    let page = Page {
        version: text(&document["info"], "version"),
        groups: groups(&document, &server),
        plain: scope::PLAIN.to_vec(),
        by_domain: scope::BY_DOMAIN.to_vec(),
        rate: (app.config.api_requests_per_second, app.config.api_burst),
        server,
    };
    Ok(Unchanging::new("text/html; charset=utf-8", render(&page)?))
}

fn groups(document: &Value, server: &str) -> Vec<Group> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let group = |tag: &Value| {
        let name = text(tag, "name");
        let operations = operations(document, &name, server);
        Group { description: Prose::of(&text(tag, "description")), name, operations }
    };
    tags.map(group).filter(|group| !group.operations.is_empty()).collect()
}

/// Those of a tag, by path and then as METHODS has them.
fn operations(document: &Value, tag: &str, server: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in entries(&document["paths"]) {
        for method in METHODS {
            let operation = &item[method];
            if strings(&operation["tags"]).any(|name| name == tag) {
                found.push(Operation::of(document, (path, method), operation, server));
            }
        }
    }
    found
}

impl Operation {
    fn of(document: &Value, (path, method): (&str, &str), operation: &Value, server: &str) -> Self {
        let scopes = operation["security"].as_array().into_iter().flatten();
        let body = followed(document, &operation["requestBody"]);
        let body = &body["content"]["application/json"]["schema"];
        let answers = entries(&operation["responses"]);
        Self {
            id: text(operation, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: Prose::of(&text(operation, "summary")),
            description: Prose::of(&text(operation, "description")),
            scopes: scopes.flat_map(|scheme| strings(&scheme["BearerAuth"])).map(str::to_owned).collect(),
            parameters: Fields::new(document).of_parameters(&operation["parameters"]),
            body: Fields::new(document).of_body(body),
            answers: answers.map(|(status, answer)| Answer::of(document, status, answer)).collect(),
            curl: curl(document, (path, method), body, server),
        }
    }
}

impl Answer {
    fn of(document: &Value, status: &str, answer: &Value) -> Self {
        let answer = followed(document, answer);
        let schema = &answer["content"]["application/json"]["schema"];
        let is_refusal = status.starts_with('4') || status.starts_with('5');
        Self {
            status: status.to_owned(),
            description: Prose::of(&text(answer, "description")),
            headers: entries(&answer["headers"]).map(|(name, _)| name.to_owned()).collect(),
            fields: if is_refusal { Vec::new() } else { Fields::new(document).of_body(schema) },
        }
    }
}
