//! The commands of the reference, `/docs/api`: each is run as it is printed, and does what it says.

use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

use super::{Program, Told};
use crate::support::{Letter, TestApp, TestDns};

/// The printed commands, each with the id of its operation.
async fn commands(app: &TestApp) -> Vec<(String, String)> {
    let page = reqwest::get(format!("{}/docs/api", app.url)).await.unwrap().text().await.unwrap();
    let printed = page.split("<pre id=\"").skip(1).filter_map(|rest| {
        let (id, rest) = rest.split_once("-curl\"")?;
        let (_, rest) = rest.split_once('>')?;
        let (command, _) = rest.split_once("</pre>")?;
        let plain = [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'")];
        let command = plain.iter().fold(command.to_owned(), |text, (code, plain)| text.replace(code, plain));
        Some((id.to_owned(), command))
    });
    printed.collect()
}

fn id(told: &Told) -> &str {
    told.body["id"].as_str().unwrap_or_else(|| panic!("{told:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_of_the_reference_works_as_it_is_printed() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    app.verified("shop.example").await;
    app.verified("old.example").await;
    let program = Program::with(&app, &["*"]).await;
    let credential = program.post("/smtp-credentials", &json!({"name": "Old shop", "scope": "global"})).await;
    let key = program.post("/api-keys", &json!({"label": "Old", "scopes": ["*"]})).await;
    let webhook =
        json!({"name": "Old", "url": "https://shop.example/", "scope": "global", "on_failed": true});
    let webhook = program.post("/webhooks", &webhook).await;
    let message = app.send(&app.issue("Sender").await, &Letter::default()).await;

    let mut commands = commands(&app).await;
    let document = gatepost::api::document();
    let operations = document.paths.paths.values().map(|item| {
        [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten().count()
    });
    assert_eq!(commands.len(), operations.sum::<usize>(), "one for each operation");
    // What ends things comes last.
    commands.sort_by_key(|(operation, command)| {
        (command.contains(Method::DELETE.as_str()), operation == "revokeSMTPCredential")
    });
    let mut wrong = Vec::new();
    for (operation, command) in commands {
        let mut shell = Command::new("bash");
        shell.args(["-c", &command]).env("CURL_HOME", app.installation.dir());
        shell.env("GATEPOST_API_KEY", program.key()).env("ACCOUNT_ID", &program.account);
        shell.env("SMTP_CREDENTIAL_ID", id(&credential)).env("KEY_ID", id(&key));
        shell.env("WEBHOOK_ID", id(&webhook)).env("DOMAIN", "old.example");
        shell.env("MESSAGE_ID", message.trim_start_matches("/messages/"));
        // Curl's own settings: only what came and with which status.
        std::fs::write(
            app.installation.dir().join(".curlrc"),
            "silent\nshow-error\nwrite-out = \"\\n%{http_code}\"",
        )
        .unwrap();
        let output = shell.output().await.expect("bash");
        let text = String::from_utf8_lossy(&output.stdout);
        let status = text.lines().last().unwrap_or_default();
        if !matches!(status, "200" | "201") {
            wrong.push(format!("{operation}: {command}\n{text}{}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
