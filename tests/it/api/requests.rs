//! What requests are answered: who may do what, from where, to whom; and what is said to requests that are wrong.

use gatepost::model::api_key::Draft;
use gatepost::model::credential::{Draft as CredentialDraft, Mode, Scope};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder};

use super::{Program, Told};
use crate::support::{Issued, TestApp, eventually};

/// Which key a request is sent with.
#[derive(Clone, Copy, Debug)]
enum Key {
    /// `*`
    Star,
    /// Reads all credentials.
    Reader,
    /// Reads, writes and deletes those of a.example.
    OfA,
    /// May only ping.
    Verifier,
    /// Works from 192.0.2.0/24 alone.
    Elsewhere,
    /// Was deleted.
    Gone,
    /// Is a password.
    Password,
    None,
}
use Key::{Elsewhere, Gone, OfA, Password, Reader, Star, Verifier};

const LIST: &str = "/smtp-credentials";
/// A global credential, one scoped to a.example, one to b.example, one to both, one of another organization, none.
const GLOBAL: &str = "/smtp-credentials/{global}";
const A: &str = "/smtp-credentials/{a}";
const B: &str = "/smtp-credentials/{b}";
const BOTH: &str = "/smtp-credentials/{both}";
const FOREIGN: &str = "/smtp-credentials/{foreign}";
const NOBODY: &str = "/smtp-credentials/01930000-0000-7000-8000-000000000000";

/// Key, method, path, body, status, and a part of the message.
type Row = (Key, &'static str, &'static str, &'static str, u16, &'static str);

const REQUESTS: &[Row] = &[
    // Who asks.
    (Star, "GET", "/v2/ping", "", 200, "pong"),
    (Verifier, "GET", "/v2/ping", "", 200, "pong"),
    (Key::None, "GET", "/v2/ping", "", 401, "Missing or malformed bearer token"),
    (Password, "GET", "/v2/ping", "", 401, "Missing or malformed bearer token"),
    (Gone, "GET", "/v2/ping", "", 401, "Invalid API key"),
    (Elsewhere, "GET", "/v2/ping", "", 403, "does not work from 127.0.0.1"),
    (Elsewhere, "GET", LIST, "", 403, "does not work from 127.0.0.1"),
    (Key::None, "GET", LIST, "", 401, "Missing or malformed bearer token"),
    (Key::None, "POST", LIST, "{}", 401, "Missing or malformed bearer token"),
    // Whose account.
    (Star, "GET", "/v2/accounts/x/smtp-credentials", "", 400, "invalid account_id"),
    (Star, "GET", "/v2/accounts/{foreign}/smtp-credentials", "", 403, "another account"),
    (Star, "POST", "/v2/accounts/{foreign}/smtp-credentials", "{}", 403, "another account"),
    (Star, "GET", "/v2/accounts", "", 404, "nothing at this address"),
    (Star, "GET", "/v2", "", 404, "nothing at this address"),
    (Star, "GET", "/v2/", "", 404, "nothing at this address"),
    (Star, "GET", "/v2/nothing", "", 404, "nothing at this address"),
    // What it may do.
    (Verifier, "GET", LIST, "", 403, "Insufficient permissions"),
    (Verifier, "GET", A, "", 403, "Insufficient permissions"),
    (Verifier, "POST", LIST, r#"{"name": "x", "scope": "global"}"#, 403, "Insufficient permissions"),
    (Reader, "GET", LIST, "", 200, ""),
    (Reader, "GET", GLOBAL, "", 200, ""),
    (Reader, "GET", BOTH, "", 200, ""),
    (Reader, "POST", LIST, r#"{"name": "x", "scope": "global"}"#, 403, "Insufficient permissions"),
    (Reader, "PATCH", A, r#"{"name": "x"}"#, 403, "Insufficient permissions"),
    (Reader, "DELETE", A, "", 403, "smtp-credentials:delete:all"),
    (Reader, "POST", "/smtp-credentials/{a}/rotate", "{}", 403, "Insufficient permissions"),
    (Reader, "POST", "/smtp-credentials/{a}/revoke", "", 403, "Insufficient permissions"),
    (
        Reader,
        "POST",
        "/smtp-credentials/verify",
        r#"{"username": "x", "password": "y"}"#,
        403,
        "Insufficient permissions",
    ),
    (OfA, "GET", A, "", 200, ""),
    (OfA, "GET", B, "", 403, "Insufficient permissions"),
    (OfA, "GET", BOTH, "", 403, "Insufficient permissions"),
    (OfA, "GET", GLOBAL, "", 403, "Insufficient permissions"),
    (OfA, "PATCH", A, r#"{"name": "renamed"}"#, 200, ""),
    (OfA, "PATCH", A, r#"{"scope": "global"}"#, 403, "Insufficient permissions"),
    (OfA, "PATCH", A, r#"{"domains": ["a.example", "b.example"]}"#, 403, "Insufficient permissions"),
    (OfA, "PATCH", B, r#"{"name": "x"}"#, 403, "Insufficient permissions"),
    (OfA, "POST", "/smtp-credentials/{b}/rotate", "{}", 403, "Insufficient permissions"),
    (OfA, "DELETE", B, "", 403, "Insufficient permissions"),
    (OfA, "POST", LIST, r#"{"name": "g", "scope": "global"}"#, 403, "Insufficient permissions"),
    (
        OfA,
        "POST",
        LIST,
        r#"{"name": "b", "scope": "scoped", "domains": ["b.example"]}"#,
        403,
        "Insufficient permissions",
    ),
    (OfA, "POST", LIST, r#"{"name": "mine", "scope": "scoped", "domains": [" A.Example. "]}"#, 201, ""),
    // What there is.
    (Star, "GET", FOREIGN, "", 404, "credential not found"),
    (Star, "PATCH", FOREIGN, r#"{"name": "x"}"#, 404, "credential not found"),
    (Star, "DELETE", FOREIGN, "", 404, "credential not found"),
    (Star, "POST", "/smtp-credentials/{foreign}/rotate", "{}", 404, "credential not found"),
    (Star, "POST", "/smtp-credentials/{foreign}/revoke", "", 404, "credential not found"),
    (Star, "GET", NOBODY, "", 404, "credential not found"),
    (Star, "GET", "/smtp-credentials/1", "", 400, "invalid smtp_credential_id"),
    (Star, "DELETE", "/smtp-credentials/1", "", 400, "invalid smtp_credential_id"),
    (Star, "PUT", A, "{}", 405, "another method"),
    (Star, "POST", "/v2/ping", "", 405, "another method"),
    // Lists.
    (Star, "GET", "/smtp-credentials?limit=0", "", 400, "limit must be between 1 and 100"),
    (Star, "GET", "/smtp-credentials?limit=101", "", 400, "limit must be between 1 and 100"),
    (Star, "GET", "/smtp-credentials?limit=x", "", 400, "limit must be between 1 and 100"),
    (Star, "GET", "/smtp-credentials?after=rubbish", "", 400, "after"),
    (Star, "GET", "/smtp-credentials?before=AAAA", "", 400, "before"),
    (Star, "GET", "/smtp-credentials?status=lost", "", 400, "status"),
    (Star, "GET", "/smtp-credentials?unused_for_days=0", "", 400, "unused_for_days"),
    (Star, "GET", "/smtp-credentials?status=active&sandbox=false&q=a&unused_for_days=90", "", 200, ""),
    // What is asked for beside what there is.
    (Star, "GET", "/v2/ping?x=1", "", 400, "unknown query parameter `x`, there are none here"),
    (Star, "GET", "/smtp-credentials/{a}?fields=name", "", 400, "unknown query parameter `fields`"),
    (Star, "DELETE", "/smtp-credentials/{a}?dry_run=true", "", 400, "unknown query parameter `dry_run`"),
    (
        Star,
        "POST",
        "/smtp-credentials/{a}/rotate?dry_run=true",
        "{}",
        400,
        "unknown query parameter `dry_run`",
    ),
    (Star, "POST", "/smtp-credentials/{a}/revoke", r#"{"reason": "leaked"}"#, 400, "takes no body"),
    (Star, "POST", "/smtp-credentials/{a}/enable", "rubbish", 400, "takes no body"),
    (Star, "POST", "/smtp-credentials/{a}/enable", " {} ", 200, ""),
    // Bodies.
    (Star, "POST", LIST, "null", 400, "must be a JSON object"),
    (Star, "POST", LIST, r#""sk_a_secret""#, 400, "the body must be a JSON object"),
    (OfA, "POST", LIST, r#"{"name": "x", "scope": "scoped", "domains": []}"#, 400, "domains"),
    (OfA, "PATCH", A, r#"{"domains": []}"#, 400, "domains"),
    (Star, "POST", LIST, "", 400, "not JSON"),
    (Star, "POST", LIST, "{", 400, "not JSON"),
    (Star, "POST", LIST, "[]", 400, "must be a JSON object"),
    (Star, "POST", LIST, r#"["arr", false, "global", [], null]"#, 400, "must be a JSON object"),
    (Star, "POST", LIST, r#"{"scope": "global"}"#, 400, "name"),
    (Star, "POST", LIST, r#"{"name": 1, "scope": "global"}"#, 400, "name"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "some"}"#, 400, "scope"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "global", "colour": "red"}"#, 400, "colour"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "scoped"}"#, 400, "domains"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "global", "domains": ["a.example"]}"#, 400, "domains"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "scoped", "domains": ["c.example"]}"#, 400, "domains"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "scoped", "domains": ["not a domain"]}"#, 400, "domains"),
    (Star, "POST", LIST, r#"{"name": "x", "scope": "global", "expires_at": "tomorrow"}"#, 400, "expires_at"),
    (
        Star,
        "POST",
        LIST,
        r#"{"name": "x", "scope": "global", "expires_at": "2020-01-01T00:00:00Z"}"#,
        400,
        "expires_at",
    ),
    (Star, "POST", LIST, r#"{"name": "both", "scope": "global"}"#, 409, "name"),
    (Star, "PATCH", B, r#"{"name": "both"}"#, 409, "name"),
    (Star, "PATCH", B, "{}", 400, "at least one field"),
    (Star, "POST", "/smtp-credentials/{b}/rotate", "", 201, ""),
    (Star, "POST", "/smtp-credentials/{b}/rotate", "{}", 201, ""),
    (Star, "POST", "/smtp-credentials/{b}/rotate", r#"{"grace_seconds": 604801}"#, 400, "grace_seconds"),
    (Star, "POST", "/smtp-credentials/{b}/rotate", r#"{"grace_seconds": -1}"#, 400, "grace_seconds"),
];

/// Programs, and the ids that stand in braces.
struct World {
    programs: Vec<(Key, Program)>,
    ids: Vec<(&'static str, String)>,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        app.verified("a.example").await;
        app.verified("b.example").await;
        let scoped = async |name: &str, domains: &[&str]| {
            let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
            let (mode, scope) = (Mode::Production, Scope::Scoped);
            app.issue_as(CredentialDraft { name: name.to_owned(), mode, scope, domains, expires_at: None })
                .await
                .id
        };
        let ids = vec![
            ("{global}", app.issue("global").await.id),
            ("{a}", scoped("a", &["a.example"]).await),
            ("{b}", scoped("b", &["b.example"]).await),
            ("{both}", scoped("both", &["a.example", "b.example"]).await),
            ("{foreign}", foreign(app).await.id),
        ];
        let of_a =
            ["read", "write", "delete"].map(|action| format!("smtp-credentials:{action}:{{a.example}}"));
        let of_a: Vec<&str> = of_a.iter().map(String::as_str).collect();
        let elsewhere = Draft {
            label: "Elsewhere".to_owned(),
            scopes: vec!["*".to_owned()],
            networks: vec!["192.0.2.0/24".to_owned()],
        };
        let programs = vec![
            (Star, Program::with(app, &["*"]).await),
            (Reader, Program::with(app, &["smtp-credentials:read:all"]).await),
            (OfA, Program::with(app, &of_a).await),
            (Verifier, Program::with(app, &["events:read"]).await),
            (Elsewhere, Program::with_key(app, &elsewhere).await),
            (Gone, Program::with(app, &["*"]).await.gone(app).await),
            (Password, Program::with(app, &["*"]).await),
            (Key::None, Program::with(app, &["*"]).await),
        ];
        Self { programs, ids }
    }

    async fn ask(&self, (key, method, path, body, ..): &Row) -> Told {
        let named = self.ids.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
        let program = self
            .programs
            .iter()
            .find(|(other, _)| std::mem::discriminant(other) == std::mem::discriminant(key));
        let program = &program.expect("a program").1;
        let mut request = program.request(method.parse::<Method>().expect("a method"), &named);
        if !body.is_empty() || path == &LIST && *method == "POST" {
            request = request.header("content-type", "application/json").body((*body).to_owned());
        }
        Told::of(signed_as(*key, request)).await
    }
}

/// The same with what this key, if it is none, stands for.
fn signed_as(key: Key, request: RequestBuilder) -> RequestBuilder {
    let (client, request) = request.build_split();
    let mut request = request.expect("a request");
    match key {
        Key::None => _ = request.headers_mut().remove(AUTHORIZATION),
        Password => _ = request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Basic eDp5")),
        _ => {}
    }
    RequestBuilder::from_parts(client, request)
}

/// A credential of another organization.
pub async fn foreign(app: &TestApp) -> Issued {
    let issued = app.issue("foreign").await;
    let other = "01930000-0000-7000-8000-00000000000f";
    let database = app.installation.database();
    database
        .execute(&format!(
            "INSERT INTO organizations (id, name, created_at) VALUES ('{other}', 'Other Inc', 0)"
        ))
        .await;
    database
        .execute(&format!("UPDATE credentials SET organization = '{other}' WHERE id = '{}'", issued.id))
        .await;
    issued
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_answered_as_it_should_be() {
    let app = TestApp::start().await;
    let world = World::new(&app).await;
    assert!(REQUESTS.len() >= 60);
    let mut wrong = Vec::new();
    for row in REQUESTS {
        let told = world.ask(row).await;
        let (key, method, path, body, status, message) = row;
        if told.status != *status || !told.message().contains(message) {
            wrong
                .push(format!("{key:?} {method} {path} {body}: expected {status} {message:?}, was {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_can_not_be_read_is_said_in_a_sentence_that_repeats_no_value() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let rotate = format!("{LIST}/{}/rotate", app.issue("Shop").await.id);
    let whole = "grace_seconds: This must be a whole number, not below zero.";
    for (path, body, said) in [
        (LIST, r#"{"scope": "global"}"#, "name: This field is required."),
        (
            LIST,
            r#"{"name": "x", "scope": "global", "colour": "red"}"#,
            "colour: There is no such field here; there are name, sandbox, scope, domains and expires_at.",
        ),
        (LIST, r#"{"name": "x", "name": "y", "scope": "global"}"#, "name: This field is there twice."),
        (LIST, r#"{"name": "x", "scope": "global", "domains": null}"#, "domains: This must be a list."),
        (LIST, r#"{"name": "x", "scope": "scoped", "domains": [7]}"#, "domains[0]: This must be a text."),
        (LIST, r#"{"name": "x", "scope": "global", "sandbox": 1}"#, "sandbox: This must be true or false."),
        (LIST, r#"{"name": "x", "scope": "some"}"#, "scope: “some” is none of global, scoped."),
        (LIST, "{\n  \"name\": x}", "the body is not JSON: look at line 2, column 11"),
        (LIST, "{} {}", "name: This field is required."),
        (&rotate, r#"{"grace_seconds": "12345"}"#, whole),
        (&rotate, r#"{"grace_seconds": -12345}"#, whole),
        (&rotate, "{} 12345", "the body is not JSON: look at line 1, column 4"),
        (
            "/smtp-credentials/verify",
            r#"{"username": "x", "password": 12345}"#,
            "password: This must be a text.",
        ),
        (
            "/smtp-credentials/verify",
            r#"{"username": "x", "password": true}"#,
            "password: This must be a text.",
        ),
        (
            "/smtp-credentials/verify",
            r#"{"username": "x", "password": [12345]}"#,
            "password: This must be a text.",
        ),
    ] {
        let request = program.request(Method::POST, path).header("content-type", "application/json");
        let told = Told::of(request.body(body.to_owned())).await;
        assert_eq!((told.status, told.message()), (400, said), "{body}");
    }
    for (query, said) in [
        ("sandbox=perhaps", "sandbox: This must be true or false."),
        ("unused_for_days=many", "unused_for_days: This must be a whole number."),
        ("unused_for_days=-1", "unused_for_days: This must be a whole number."),
        ("status=lost", "status: “lost” is none of active, revoked, expired."),
        ("q=a&q=b", "q: This field is there twice."),
    ] {
        let told = program.get(&format!("{LIST}?{query}")).await;
        assert_eq!((told.status, told.message()), (400, said), "{query}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_json_is_refused_as_such() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let send = async |kind: &str, body: String| {
        let request = program.request(Method::POST, LIST).header("content-type", kind);
        Told::of(request.body(body)).await.status
    };
    assert_eq!(send("text/plain", "{}".to_owned()).await, 415);
    assert_eq!(send("application/x-www-form-urlencoded", "name=x".to_owned()).await, 415);
    let long = format!(r#"{{"name": "{}", "scope": "global"}}"#, "x".repeat(300_000));
    assert_eq!(send("application/json", long).await, 413);
    assert_eq!(
        send("application/json; charset=utf-8", r#"{"name": "x", "scope": "global"}"#.to_owned()).await,
        201
    );
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_one_request() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let send = async |key: &str, body: &str| {
        let request = program.request(Method::POST, LIST).header("content-type", "application/json");
        Told::of(request.header("idempotency-key", key).body(body.to_owned())).await
    };
    let first = send("one", r#"{"name": "x", "scope": "global"}"#).await;
    let again = send("one", r#"{"name": "x", "scope": "global"}"#).await;
    assert_eq!((first.status, again.status, &first.body), (201, 201, &again.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = send("one", r#"{"name": "y", "scope": "global"}"#).await;
    assert_eq!(
        (other.status, other.message().contains("different request payload")),
        (422, true),
        "{other:?}"
    );
    // A refusal is repeated too, even once it would not be one any more.
    let refused = send("two", r#"{"name": "x", "scope": "global"}"#).await;
    assert_eq!(refused.status, 409);
    let id = first.body["id"].as_str().unwrap();
    assert_eq!(program.delete(&format!("{LIST}/{id}")).await.status, 200);
    assert_eq!(send("two", r#"{"name": "x", "scope": "global"}"#).await.status, 409);
    // An answer that holds a secret is kept for five minutes, the key of another program is another.
    app.clock.advance(std::time::Duration::from_secs(301));
    let fresh = send("one", r#"{"name": "x", "scope": "global"}"#).await;
    assert_eq!(fresh.status, 201);
    assert_ne!(fresh.body["password"], first.body["password"]);
    let neighbour = Program::with(&app, &["*"]).await;
    let request = neighbour.request(Method::POST, LIST).header("content-type", "application/json");
    let own =
        Told::of(request.header("idempotency-key", "one").body(r#"{"name": "z", "scope": "global"}"#)).await;
    assert_eq!(own.status, 201, "{own:?}");
    for key in ["", &"x".repeat(256)] {
        assert_eq!(send(key, r#"{"name": "w", "scope": "global"}"#).await.status, 400, "{key:?}");
    }
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let app =
        TestApp::with_config(|config| (config.api_requests_per_second, config.api_burst) = (1, 2)).await;
    let program = Program::with(&app, &["*"]).await;
    let first = program.get("/v2/ping").await;
    assert_eq!(
        (&first.headers["ratelimit-limit"], &first.headers["ratelimit-remaining"]),
        (&"2".parse().unwrap(), &"1".parse().unwrap())
    );
    // On a busy machine the next ones may be no faster than they may be.
    let refused = eventually("one comes too soon", async || {
        Some(program.get("/v2/ping").await).filter(|told| told.status != 200)
    })
    .await;
    assert_eq!((refused.status, refused.message()), (429, "Too many requests, rate limited."));
    assert_eq!(refused.headers["retry-after"], "1");
}
