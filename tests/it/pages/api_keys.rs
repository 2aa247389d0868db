//! API keys as people use them in the dashboard.

use std::process::Stdio;

use gatepost::model::api_key::Draft;
use gatepost::model::{ApiKey, Turn};

use crate::support::{TestApp, eventually};

const HOME: &str = "/settings/api-keys";

/// What there is, newest first.
async fn keys(app: &TestApp) -> Vec<ApiKey> {
    let organization = app.operator().await.organization;
    let mut connection = app.app.db.read().await.unwrap();
    ApiKey::page(&mut connection, organization, &Turn::first(100)).await.unwrap().rows
}

fn scopes(key: &ApiKey) -> Vec<String> {
    key.scopes.iter().map(|held| held.scope.to_string()).collect()
}

/// One that somebody has made before.
async fn made(app: &TestApp, label: &str, scopes: &[&str], networks: &[&str]) -> ApiKey {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let draft = Draft { label: label.to_owned(), scopes: words(scopes), networks: words(networks) };
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    let issued = ApiKey::create(&mut tx, &actor, &draft).await.unwrap();
    tx.commit().await.unwrap();
    issued.key
}

/// What the API answers to this key.
async fn ping(app: &TestApp, key: &str) -> u16 {
    let request = reqwest::Client::new().get(format!("{}/v2/ping", app.url)).bearer_auth(key);
    request.send().await.expect("an answer").status().as_u16()
}

/// Runs a snippet as it was shown.
async fn run(snippet: &str) -> String {
    let mut shell = tokio::process::Command::new("sh");
    let shell = shell.args(["-c", snippet]).stderr(Stdio::null()).output();
    String::from_utf8(shell.await.expect("a shell").stdout).expect("UTF-8")
}

#[tokio::test]
async fn alice_creates_a_key_copies_it_and_her_program_works_with_it() {
    let app = TestApp::start().await;
    app.alice().await;
    app.issue("Shop").await;
    app.unverified("shop.example").await;
    app.unverified("bücher.example").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/settings/smtp-credentials").await;
    alice.click("API keys").await;
    alice.is_at(HOME).await;
    alice.sees("No API key yet").await;
    let account = app.operator().await.organization.to_string();
    alice.sees(&account).await;
    alice.inspect("api-keys-empty").await;
    alice.click("Create API key").await;
    alice.sees("shown in the next step").await;
    assert_eq!(alice.focused().await, "Label");
    alice.is_at(HOME).await;
    alice.fill("Label", "Deployment").await;
    alice.click("Create API key").await;
    alice.sees("Choose at least one scope.").await;
    assert_eq!(alice.value_of("Label").await, "Deployment");
    alice.click("read SMTP credentials").await;
    alice.click("write SMTP credentials").await;
    alice.click("read Activity").await;
    alice.inspect("api-key-create").await;
    alice.click("Single domains").await;
    alice.click("Create API key").await;
    alice.sees("Choose at least one domain.").await;
    alice.inspect("api-key-refused").await;
    alice.click("shop.example").await;
    alice.fill("Allowed from optional", "0.0.0.0/0").await;
    alice.click("Create API key").await;
    alice.sees("is everywhere: leave the list empty for that.").await;
    alice.fill("Allowed from optional", "127.0.0.1\n10.0.0.0/8").await;
    alice.click("Create API key").await;
    alice.sees("Copy the key of Deployment").await;
    let secret = alice.value_of("API key").await;
    assert!(
        secret.starts_with("gp-sk-")
            && !alice
                .evaluate("getComputedStyle(document.querySelector('.hush')).webkitTextSecurity === 'none'")
                .await
                .is_some_and(|shown| shown == true),
        "it is masked"
    );
    assert_eq!(alice.value_of("Account id").await, account);
    alice.inspect("api-key-created").await;
    alice.click("Show API key").await;
    alice.click("Copy API key").await;
    let snippet = alice.evaluate("document.getElementById('secret-example').textContent").await.unwrap();
    let answer = run(snippet.as_str().unwrap()).await;
    assert!(answer.contains(r#""object":"list""#), "{snippet}: {answer}");
    alice.click("Done").await;
    alice.sees("2 networks").await;
    eventually("closing leaves no trace of it", async || {
        let page = alice.evaluate("document.documentElement.outerHTML").await?.to_string();
        (!page.contains(&secret)).then_some(())
    })
    .await;
    let key = keys(&app).await.remove(0);
    let kept =
        ["events:read", "smtp-credentials:read:{shop.example}", "smtp-credentials:write:{shop.example}"];
    assert_eq!(scopes(&key), kept);
    alice.goto(HOME).await;
    alice.sees(&key.public_key).await;
    alice.sees("just now").await;
    alice.sees_no("never").await;
    alice.inspect("api-keys").await;
    let example = alice.evaluate("document.getElementById('example').textContent").await.unwrap();
    let answer = run(&format!("GATEPOST_API_KEY={secret}; {}", example.as_str().unwrap())).await;
    assert!(answer.contains(r#""object":"list""#), "{example}: {answer}");
    alice.close().await;
}

#[tokio::test]
async fn alice_edits_and_deletes_a_key() {
    let app = TestApp::start().await;
    app.alice().await;
    app.unverified("shop.example").await;
    made(&app, "Deployment", &["smtp-credentials:read:{shop.example}", "domains:read"], &["192.0.2.0/24"])
        .await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("2 scopes").await;
    alice.click("Actions for Deployment").await;
    alice.inspect("api-keys-menu").await;
    alice.click("Edit").await;
    alice.sees("The key stays").await;
    assert_eq!(alice.value_of("Allowed from optional").await, "192.0.2.0/24");
    assert_eq!(alice.count("[name=grants]:checked").await, 2);
    assert_eq!(alice.count("[name=domains]:checked").await, 1);
    alice.inspect("api-key-edit").await;
    alice.fill("Label", "Deployment of the shop").await;
    alice.click("write SMTP credentials").await;
    // A list that leaves out where she is: it is not her key that asks.
    alice.fill("Allowed from optional", "198.51.100.7").await;
    alice.click("Save").await;
    alice.sees("Saved. It holds for the next request.").await;
    alice.sees("198.51.100.7/32").await;
    let key = keys(&app).await.remove(0);
    let kept =
        ["domains:read", "smtp-credentials:read:{shop.example}", "smtp-credentials:write:{shop.example}"];
    assert_eq!(
        (key.label.as_str(), scopes(&key)),
        ("Deployment of the shop", kept.map(str::to_owned).to_vec())
    );

    alice.click("Actions for Deployment of the shop").await;
    alice.click("Edit").await;
    alice.click("Everything").await;
    alice.click("Save").await;
    eventually("it may do everything", async || (scopes(&keys(&app).await[0]) == ["*"]).then_some(())).await;
    alice.sees("Everything").await;
    alice.click("Actions for Deployment of the shop").await;
    alice.click("Delete").await;
    alice.sees("It is gone for good").await;
    alice.sees("It was never used.").await;
    alice.inspect("api-key-delete").await;
    alice.click("Delete API key").await;
    alice.sees("Deployment of the shop is deleted.").await;
    alice.sees("No API key yet").await;
    alice.goto("/activity").await;
    for said in [
        "Created API key",
        "Edited API key",
        "Deleted API key",
        "label: “Deployment” → “Deployment of the shop”",
    ] {
        alice.sees(said).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn scopes_that_the_form_can_not_say_are_kept_as_text() {
    let app = TestApp::start().await;
    app.unverified("a.example").await;
    app.unverified("b.example").await;
    let given = ["messages:read:{a.example}", "webhooks:read:{a.example}", "webhooks:read:{b.example}"];
    made(&app, "Uneven", &given, &[]).await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Actions for Uneven").await;
    alice.click("Edit").await;
    assert_eq!(alice.value_of("Further scopes").await, given.join("\n"));
    alice.fill("Label", "Still uneven").await;
    alice.click("Save").await;
    alice.sees("Saved.").await;
    assert_eq!(scopes(&keys(&app).await[0]), given);
    alice.click("Actions for Still uneven").await;
    alice.click("Edit").await;
    alice.fill("Further scopes", "webhooks:read").await;
    alice.click("Save").await;
    alice.sees("“webhooks:read” is not a scope.").await;
    alice.click("Cancel").await;
    alice.close().await;
}

#[tokio::test]
async fn a_domain_says_which_keys_lose_scopes_with_it() {
    let app = TestApp::start().await;
    app.unverified("shop.example").await;
    made(&app, "Shop", &["webhooks:read:{shop.example}", "messages:read:{shop.example}"], &[]).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/settings/domains").await;
    alice.click("Remove shop.example").await;
    alice.sees("1 API key has scopes for it, and loses them.").await;
    alice.inspect("domain-delete-with-keys").await;
    alice.click("Remove domain").await;
    alice.sees("shop.example is removed.").await;
    assert!(scopes(&keys(&app).await[0]).is_empty());
    alice.goto(HOME).await;
    alice.sees("None").await;
    alice.close().await;
}

#[tokio::test]
async fn a_key_lives_from_creation_to_deletion_without_scripts() {
    let app = TestApp::start().await;
    let alice = app.alice_without_scripts().await;
    alice.goto(HOME).await;
    alice.click("Create API key").await;
    alice.is_at(&format!("{HOME}/new")).await;
    alice.fill("Label", "Deployment").await;
    alice.click("Create API key").await;
    alice.sees("Choose at least one scope.").await;
    alice.click("read Domains").await;
    alice.click("Create API key").await;
    alice.sees("Copy the key of Deployment").await;
    let secret = alice.value_of("API key").await;
    alice.click("Show the key").await;
    alice.sees(&secret).await;
    alice.sees("/v2/ping").await;
    assert_eq!(ping(&app, &secret).await, 200);
    alice.click("Done").await;
    alice.is_at(HOME).await;
    alice.click("Actions for Deployment").await;
    alice.click("Edit").await;
    alice.fill("Label", "Ledger").await;
    alice.click("Save").await;
    alice.sees("Saved.").await;
    alice.sees("Ledger").await;
    alice.click("Actions for Ledger").await;
    alice.click("Delete").await;
    alice.sees("A program still works with it.").await;
    alice.click("Delete API key").await;
    alice.sees("No API key yet").await;
    assert_eq!(ping(&app, &secret).await, 401);
    alice.close().await;
}

#[tokio::test]
async fn a_key_is_created_on_a_phone() {
    let app = TestApp::start().await;
    let alice = app.alice_on_a_phone().await;
    alice.goto(HOME).await;
    alice.click("Create the first key").await;
    alice.fill("Label", "Deployment").await;
    alice.click("Everything").await;
    alice.click("Create API key").await;
    alice.sees("Copy the key of Deployment").await;
    alice.click("Copy API key").await;
    alice.click("Done").await;
    for fact in ["Deployment", "Everything", "Anywhere", "never"] {
        alice.sees(fact).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn many_keys_are_shown_in_pages() {
    let app = TestApp::start().await;
    for number in 0..52 {
        made(&app, &format!("Key {number:02}"), &["domains:read"], &[]).await;
    }
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    assert_eq!(alice.count("tbody tr").await, 50);
    alice.click("Older").await;
    eventually("the rest", async || (alice.count("tbody tr").await == 2).then_some(())).await;
    alice.sees("Key 00").await;
    alice.click("Newer").await;
    eventually("the newest", async || (alice.count("tbody tr").await == 50).then_some(())).await;
    alice.close().await;
}

#[tokio::test]
async fn the_answer_that_holds_a_key_is_kept_nowhere_and_keys_of_others_are_not_there() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let answer = alice.post(HOME, &[("label", "Shop"), ("scope", "global")]).await;
    assert!(answer.status == 200 && answer.body.contains("gp-sk-"), "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-encoding"), "");
    assert!(!alice.page(HOME).await.contains("gp-sk-"), "it is shown once");
    let nobodys = gatepost::id::ApiKeyId::new();
    for step in ["edit", "delete"] {
        assert_eq!(alice.get(&format!("{HOME}/{nobodys}/{step}")).await.status, 404, "{step}");
        let form = [("label", "x"), ("scope", "global")];
        assert_eq!(alice.post(&format!("{HOME}/{nobodys}/{step}"), &form).await.status, 404, "{step}");
    }
    assert_eq!(app.visitor().get(HOME).await.status, 303, "for members alone");
}

#[tokio::test]
async fn a_form_that_was_opened_before_another_s_change_does_not_undo_it_unseen() {
    let app = TestApp::start().await;
    let key = made(&app, "Deployment", &["domains:read", "api-keys:write"], &[]).await;
    let alice = app.alice().await;
    let (path, mark) = (format!("{HOME}/{}/edit", key.id), key.updated_at.as_micros().to_string());
    let narrower = [("label", "Deployment"), ("grants", "domains:read"), ("ip_allow_list", "192.0.2.7")];
    assert_eq!(alice.post(&path, &narrower).await.status, 303);
    let old =
        [("label", "Ledger"), ("grants", "domains:read"), ("grants", "api-keys:write"), ("seen", &mark)];
    let refused = alice.post(&path, &old).await;
    assert!(refused.status == 422 && refused.body.contains("Somebody changed it"), "{}", refused.body);
    assert_eq!(scopes(&keys(&app).await[0]), ["domains:read"]);
    let (_, rest) = refused.body.split_once("name=\"seen\" value=\"").expect("a mark");
    let newest = rest.split('"').next().unwrap();
    let again = [("label", "Ledger"), ("grants", "domains:read"), ("seen", newest)];
    assert_eq!(alice.post(&path, &again).await.status, 303, "who was told may save");
    assert_eq!(keys(&app).await[0].label, "Ledger");
}

#[tokio::test]
async fn more_scopes_than_a_key_may_have_are_refused_before_they_are_made() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let names: Vec<String> = (0..8_000).map(|number| format!("{number}.example")).collect();
    let mut form = vec![("label", "Much"), ("scope", "scoped"), ("reach", "scoped")];
    form.extend(std::iter::repeat_n(("grants", "webhooks:read"), 8_000));
    form.extend(names.iter().map(|name| ("domains", name.as_str())));
    let refused = alice.post(HOME, &form).await;
    assert!(refused.status == 422 && refused.body.contains("Name at most 500 scopes."), "{}", refused.status);
}
