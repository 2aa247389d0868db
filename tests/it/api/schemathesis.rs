//! What schemathesis finds when it tries everything that an OpenAPI document allows, and much that it does not.
//!
//! It runs with two documents: our own, and `tests/contract/ahasend-v2.json`, what AhaSend's API v2 promises of the paths that
//! Gatepost serves too. Of that one the rules are looser than the API's (names are unique, domains must exist), so there it
//! does not ask that everything which the document allows is accepted.

use std::path::Path;

use gatepost::api::document_as_json;
use gatepost::model::ApiKey;
use gatepost::secret::Password;
use serde_json::{Value, json};
use tokio::process::Command;

use super::Program;
use crate::support::TestApp;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CONTRACT: &str = include_str!("../../contract/ahasend-v2.json");
/// A domain that the account has.
const DOMAIN: &str = "shop.example";
/// Requests of each kind to an operation, always the same ones. One worker: with two, CPython 3.11 counts the recursion of both in
/// `ast.parse` as one and ends with a `SystemError`.
const BOUNDS: [&str; 3] = ["--max-examples=20", "--workers=1", "--seed=4"];

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_with_our_own_document() {
    let run = Run::start().await;
    let document = document_as_json().parse().unwrap();
    run.check(said_precisely(document, &run.program.account), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_nothing_with_the_contract() {
    let run = Run::start().await;
    let mut document: Value = CONTRACT.parse().unwrap();
    // There it is a text that has to be a boolean, which no header is.
    document["components"]["headers"]["IdempotentReplayed"]["schema"]["enum"] = json!(["true", "false"]);
    let loose = "--exclude-checks=positive_data_acceptance";
    run.check(with_account(document, &run.program.account), &[loose]).await;
}

/// Gatepost, and a program whose key may do everything.
struct Run {
    app: TestApp,
    program: Program,
    key_id: String,
}

impl Run {
    async fn start() -> Self {
        let app = TestApp::with_config(|config| {
            (config.api_requests_per_second, config.api_burst) = (100_000, 1_000_000);
            config.set("webhook_allowed_networks", "127.0.0.0/8").unwrap();
        })
        .await;
        app.verified(DOMAIN).await;
        let program = Program::with(&app, &["*"]).await;
        let secret = Password::new(program.key().to_owned());
        let key = ApiKey::by_secret(&mut app.app.db.read().await.unwrap(), &secret).await.unwrap();
        let key_id = key.expect("its key").id.to_string();
        Self { app, program, key_id }
    }

    async fn check(&self, document: Value, options: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("openapi.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let output = self.command(dir.path(), &file).args(options).output().await.expect("schemathesis");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(self.program.get("/v2/ping").await.status, 200, "its key was to last: {text}");
    }

    fn command(&self, dir: &Path, document: &Path) -> Command {
        let mut command = Command::new(Path::new(ROOT).join("target/tools/python/bin/schemathesis"));
        command.arg("--config-file").arg(Path::new(ROOT).join("tests/contract/schemathesis.toml"));
        command.arg("run").arg(document).args(["--url", &self.app.url, "--no-color"]).args(BOUNDS);
        command.args(["--header", &format!("Authorization: Bearer {}", self.program.key())]);
        command.env("SCHEMATHESIS_HOOKS", Path::new(ROOT).join("tests/contract/hooks.py"));
        command.env("KEPT", format!("{} {DOMAIN}", self.key_id)).env("HOME", dir).current_dir(dir);
        command.kill_on_drop(true);
        command
    }
}

/// The account in paths is this one; others are tried too, as values that are not allowed.
fn with_account(mut document: Value, account: &str) -> Value {
    visit(&mut document, &mut |value| {
        if value["in"] == "path" && value["name"] == "account_id" {
            value["schema"] = json!({"enum": [account]});
        }
    });
    document
}

/// What a document can't know of an account and of the time, so that everything else can be held to it: which domains the account
/// has, what is a time to come, how a network or an address is written, where webhooks may lead, and that cursors come out of lists (`walk.rs` follows those).
fn said_precisely(document: Value, account: &str) -> Value {
    let mut document = with_account(document, account);
    visit(&mut document["paths"], &mut |operation| {
        if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.retain(|parameter| parameter["name"] != "after" && parameter["name"] != "before");
        }
    });
    let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| is_of_a_request(name)) {
        visit(schema, &mut |object| {
            // `reference.rs` sends the examples.
            object.as_object_mut().expect("an object").remove("example");
            let Some(fields) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
            let scopes = [
                "*",
                "events:read",
                "domains:write",
                "smtp-credentials:read:all",
                "webhooks:read:{shop.example}",
            ];
            one_of(fields, "scopes", &scopes);
            one_of(fields, "domains", &[DOMAIN]);
            one_of(fields, "ip_allow_list", &["127.0.0.1", "::1", "192.0.2.0/24", "2001:db8::/32"]);
            if let Some(url) = fields.get_mut("url") {
                *url = json!({"enum": ["https://127.0.0.1:9/hooks", "http://localhost:9/"]});
            }
            if let Some(from) = fields.get_mut("from") {
                *from = json!({"enum": ["shop@shop.example", "shop.example", null]});
            }
            if let Some(time) = fields.get_mut("expires_at") {
                *time = json!({"enum": ["2999-01-01T00:00:00Z", null]});
            }
        });
    }
    document
}

fn is_of_a_request(schema: &str) -> bool {
    let created = schema.starts_with("Created");
    !created && ["Create", "Update", "Verify"].iter().any(|verb| schema.starts_with(verb))
}

/// Each in this list is one of these.
fn one_of(fields: &mut serde_json::Map<String, Value>, name: &str, words: &[&str]) {
    if let Some(list) = fields.get_mut(name).filter(|list| list["items"].is_object()) {
        list["items"] = json!({"enum": words});
    }
}

/// Everything in a document, from the outside in.
fn visit(value: &mut Value, change: &mut impl FnMut(&mut Value)) {
    if value.is_object() {
        change(value);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| visit(value, change)),
        Value::Array(values) => values.iter_mut().for_each(|value| visit(value, change)),
        _ => {}
    }
}
