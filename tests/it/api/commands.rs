//! API keys from the command line, and what the log says of them.

use serde_json::Value;

use super::Told;
use crate::support::{GatepostProcess, Installation};

async fn ask(gatepost: &GatepostProcess, key: &str, path: &str) -> Told {
    Told::of(reqwest::Client::new().get(format!("{}{path}", gatepost.url)).bearer_auth(key)).await
}

#[tokio::test]
async fn a_key_is_created_listed_and_deleted_while_the_server_runs() {
    let here = Installation::new().await;
    let gatepost = GatepostProcess::start(&here).await;
    here.run(&["domain", "add", "shop.example"]).await.stdout();
    let created = here
        .run(&[
            "api-key",
            "create",
            "--label",
            "Shop",
            "--scope",
            "smtp-credentials:read:{shop.example}",
            "--json",
        ])
        .await
        .stdout();
    let created: Value = created.trim().parse().expect("one JSON object");
    let text = |name: &str| created[name].as_str().expect("text").to_owned();
    let (secret, account) = (text("secret_key"), text("account_id"));
    assert_eq!(
        (text("label").as_str(), &created["scopes"][0]["scope"]),
        ("Shop", &"smtp-credentials:read:{shop.example}".into())
    );
    let listed = ask(&gatepost, &secret, &format!("/v2/accounts/{account}/smtp-credentials")).await;
    assert_eq!((listed.status, &listed.body["object"]), (200, &"list".into()), "{listed:?}");

    let plain = here
        .run(&["api-key", "create", "--label", "Plain", "--scope", "events:read", "--scope", "domains:read"])
        .await
        .stdout();
    assert!(plain.starts_with("gp-sk-") && plain.len() == "gp-sk-".len() + 64 + 1, "the key alone: {plain}");
    assert_eq!(ask(&gatepost, plain.trim(), "/v2/ping").await.status, 200);
    let elsewhere =
        ["api-key", "create", "--label", "Elsewhere", "--scope", "*", "--allow", "192.0.2.7", "--env"];
    let env = here.run(&elsewhere).await.stdout();
    let lines: Vec<(&str, &str)> = env.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!((lines[0].0, lines[1]), ("GATEPOST_API_KEY", ("GATEPOST_SERVER", "http://127.0.0.1:8080")));
    assert_eq!(ask(&gatepost, lines[0].1, "/v2/ping").await.status, 403, "from here");

    let table = here.run(&["api-key", "list"]).await.stdout();
    assert!(
        table.starts_with("LABEL") && table.contains("192.0.2.7/32") && table.contains("anywhere"),
        "{table}"
    );
    assert!(!table.contains("gp-sk-"), "{table}");
    let json = here.run(&["api-key", "list", "--json"]).await.stdout();
    let keys: Vec<Value> = json.lines().map(|line| line.parse().expect("JSON")).collect();
    let labels: Vec<&str> = keys.iter().map(|key| key["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Elsewhere", "Plain", "Shop"]);
    assert!(keys.iter().all(|key| key.get("secret_key").is_none()));

    let deleted = here.run(&["api-key", "delete", keys[1]["public_key"].as_str().unwrap()]).await.stdout();
    assert!(deleted.contains("Plain"), "{deleted}");
    assert_eq!(ask(&gatepost, plain.trim(), "/v2/ping").await.message(), "Invalid API key");
    here.run(&["api-key", "delete", &text("id")]).await.stdout();
    assert_eq!(ask(&gatepost, &secret, "/v2/ping").await.status, 401);
    let again = here.run(&["api-key", "delete", &text("id")]).await.complaint();
    assert!(again.contains("API key not found"), "{again}");
    assert!(gatepost.stop().await.success());
}

#[tokio::test]
async fn a_key_that_can_not_be_is_refused_with_one_sentence() {
    let here = Installation::new().await;
    here.run(&["migrate"]).await.stdout();
    let create = async |arguments: &[&str]| {
        here.run(&[&["api-key", "create", "--label", "Shop"], arguments].concat()).await.complaint()
    };
    assert!(create(&["--scope", "everything"]).await.contains("“everything” is not a scope"));
    assert!(create(&["--scope", "*", "--allow", "0.0.0.0/0"]).await.contains("is everywhere"));
    assert!(create(&["--scope", "webhooks:read:{shop.example}"]).await.contains("not a domain"));
    let missing = here.run(&["api-key", "create", "--label", "Shop"]).await;
    assert!(missing.code == Some(2) && missing.stderr.contains("--scope"), "{missing:?}");
    assert_eq!(here.run(&["api-key", "list"]).await.stdout().lines().count(), 1, "none was made");
}

#[tokio::test]
async fn no_key_is_ever_logged() {
    let here = Installation::new().await;
    let created = here.run(&["api-key", "create", "--label", "Shop", "--scope", "*", "--json"]).await;
    assert!(!created.stderr.contains("gp-sk-"));
    let created: Value = created.stdout().trim().parse().expect("JSON");
    let (secret, account) =
        (created["secret_key"].as_str().unwrap(), created["account_id"].as_str().unwrap());
    let gatepost = GatepostProcess::start(&here).await;
    let keys = format!("/v2/accounts/{account}/api-keys");
    assert_eq!(ask(&gatepost, secret, "/v2/ping").await.status, 200);
    assert_eq!(ask(&gatepost, secret, &keys).await.status, 200);
    let wrong = secret.replace("gp-sk-", "gp-sk-0");
    assert_eq!(ask(&gatepost, &wrong, "/v2/ping").await.status, 401);
    let request = reqwest::Client::new().post(format!("{}{keys}", gatepost.url)).bearer_auth(secret);
    let request = request.header("content-type", "application/json").header("idempotency-key", "first");
    let made = Told::of(request.body(r#"{"label": "Made", "scopes": ["domains:read"]}"#)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let request = reqwest::Client::new().get(format!("{}/v2/ping", gatepost.url));
    assert_eq!(Told::of(request.header("authorization", format!("Basic {secret}"))).await.status, 401);

    let log = gatepost.log();
    assert!(log.contains("/v2/ping") && log.contains("201"), "requests are logged at this level:\n{log}");
    for secret in [secret, &wrong, made.body["secret_key"].as_str().unwrap()] {
        let random = secret.trim_start_matches("gp-sk-");
        assert!(
            !log.contains(random) && !log.contains(&gatepost::secret::token_hash(secret)),
            "a key is in the log"
        );
    }
    assert!(gatepost.stop().await.success());
}
