//! The OpenAPI document. The handlers say what is their own; what holds for many of them is said here once, and each gets of it
//! what its shape asks for: ids in its path, a query, a body, an `Idempotency-Key`.

mod links;
mod refusals;
mod rules;

use axum::http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, Header, KnownFormat, ObjectBuilder, OpenApi, PathItem, Ref, RefOr, Required, Response, Schema,
    SchemaFormat, Type,
};
use utoipa::{Modify, OpenApi as _};

use super::failure::ErrorResponse;
use refusals::REFUSALS;

/// What `/openapi.json` says of the whole; `routes` brings the rest.
pub fn head() -> OpenApi {
    Document::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gatepost",
        description = "SMTP credentials for programs. What is not marked as Gatepost's own works as in AhaSend's API v2. How many \
            requests may come is counted for each account, over all its keys, and by each node for itself."
    ),
    servers((url = "/", description = "The server that this document came from.")),
    tags(
        (name = "Utility", description = "Whether a key works."),
        (name = "API keys", description = "With what programs ask: what each key may do, and from where."),
        (name = "Domains", description = "Sending domains, each verified by a TXT record."),
        (name = "Events", description = "Gatepost's own: the audit log, and log-ins that were denied."),
        (name = "Messages", description = "Gatepost's own: the log of what credentials sent."),
        (name = "Webhooks", description = "Endpoints that are told what happens to messages and credentials, each request signed."),
        (name = "SMTP credentials", description = "Usernames and passwords with which applications sign in at the SMTP door.")
    ),
    components(schemas(ErrorResponse)),
    modifiers(&Common)
)]
struct Document;

const RATE: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

/// The operation of whose body all may be left out, and so the body itself.
const WITHOUT_A_BODY: &str = "rotateSMTPCredential";

/// Name, description, and what it is where that is no number.
const HEADERS: [(&str, &str, Option<&str>); 5] = [
    ("RateLimit-Limit", "How many requests the account may send at once to this node.", None),
    ("RateLimit-Remaining", "How many of these are left.", None),
    ("RateLimit-Reset", "Seconds until all of them are there again.", None),
    ("Retry-After", "Seconds after which the same request may succeed.", None),
    (
        "Idempotent-Replayed",
        "There when this is the answer to an earlier request with the same key.",
        Some("true"),
    ),
];

/// What the operations refer to.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("gp-sk-64-CHARACTERS")
            .description(Some("An API key. Each operation names the scopes of which the key needs one."));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("BearerAuth", SecurityScheme::Http(bearer.build()));
        for (name, description, word) in HEADERS {
            let value = match word {
                Some(word) => ObjectBuilder::new().schema_type(Type::String).enum_values(Some([word])),
                None => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)),
            };
            let mut header = Header::new(value.build());
            header.description = Some(description.to_owned());
            components.headers.insert(name.to_owned(), header.into());
        }
        for refusal in &REFUSALS {
            components.responses.insert(refusal.name.to_owned(), refusal.response().into());
        }
    }
}

fn failure() -> Content {
    Content::new(Some(Ref::from_schema_name("ErrorResponse")))
}

fn tell(response: &mut Response, header: &str) {
    let reference = Ref::new(format!("#/components/headers/{header}"));
    response.headers.entry(header.to_owned()).or_insert(RefOr::Ref(reference));
}

pub fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Gives every operation what the handlers need not say each for itself.
pub fn complete(document: &mut OpenApi) {
    rules::add(document.components.get_or_insert_default());
    links::add(&mut document.paths);
    let paths: Vec<String> = document.paths.paths.keys().cloned().collect();
    for (path, item) in &mut document.paths.paths {
        let is_behind_another = paths.iter().any(|other| stands_before(other, path));
        for (_, operation) in operations(item) {
            name_ids(path, operation);
            if operation.operation_id.as_deref() == Some(WITHOUT_A_BODY)
                && let Some(RefOr::T(body)) = &mut operation.request_body
            {
                body.required = Some(Required::False);
            }
            let is_once =
                parameters(operation).any(|parameter| parameter.parameter_in == ParameterIn::Header);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    finish(status, response, is_once);
                }
            }
            for refusal in &REFUSALS {
                if refusal.fits(path, operation, is_behind_another) {
                    let reference = Ref::from_response_name(refusal.name);
                    let responses = &mut operation.responses.responses;
                    responses.entry(refusal.status.to_owned()).or_insert(RefOr::Ref(reference));
                }
            }
        }
    }
}

/// Whether it has a word where the other path has an id, and is asked instead of it.
fn stands_before(other: &str, path: &str) -> bool {
    let is_id = |part: &str| part.starts_with('{');
    let both = || other.split('/').zip(path.split('/'));
    other.split('/').count() == path.split('/').count()
        && both().all(|(word, part)| word == part || is_id(part) && !is_id(word))
        && other != path
}

pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::POST, post),
        (Method::PUT, put),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// What the handler says of an answer itself: a description at least, and a schema where it is no refusal.
fn finish(status: &str, response: &mut Response, is_once: bool) {
    if response.description.is_empty() {
        response.description = if status == "201" { "Created." } else { "Done." }.to_owned();
    }
    if status.starts_with('4') && response.content.is_empty() {
        response.content.insert("application/json".to_owned(), failure().into());
    }
    if is_once {
        tell(response, "Idempotent-Replayed");
    }
    for name in RATE {
        tell(response, name);
    }
}

/// All ids in paths are UUIDs.
fn name_ids(path: &str, operation: &mut Operation) {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let said: Vec<String> = parameters(operation).map(|parameter| parameter.name.clone()).collect();
    let ids = names.filter(|name| !said.iter().any(|said| said == name)).map(id);
    let ids: Vec<RefOr<Parameter>> = ids.map(RefOr::T).collect();
    operation.parameters.get_or_insert_default().splice(0..0, ids);
}

fn id(name: &str) -> Parameter {
    let uuid = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .build();
    let mut parameter = Parameter::new(name);
    parameter.parameter_in = ParameterIn::Path;
    parameter.required = Required::True;
    parameter.schema = Some(RefOr::T(Schema::Object(uuid)));
    parameter
}
