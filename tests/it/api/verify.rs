//! What the gate would answer, asked through the API.

use std::time::Duration;

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Mode, Scope};
use serde_json::{Value, json};

use super::Program;
use super::requests::foreign;
use crate::support::{Issued, TestApp, eventually};

const VERIFY: &str = "/smtp-credentials/verify";
/// A password as Gatepost draws them, and nobody's.
const WRONG: &str = "sk_00000000000000000000000000000000";

/// A program that may do this and nothing else.
async fn verifier(app: &TestApp) -> Program {
    Program::with(app, &["smtp-credentials:verify"]).await
}

async fn ask(program: &Program, body: &Value) -> Value {
    let told = program.post(VERIFY, body).await;
    assert_eq!(told.status, 200, "{told:?}");
    told.body
}

fn pair(Issued { username, password, .. }: &Issued) -> Value {
    json!({"username": username, "password": password})
}

fn draft(name: &str) -> Draft {
    let (mode, scope) = (Mode::Production, Scope::Global);
    Draft { name: name.to_owned(), mode, scope, domains: Vec::new(), expires_at: None }
}

#[tokio::test]
async fn a_right_pair_is_granted_and_counts_as_a_login() {
    let app = TestApp::start().await;
    let (program, shop) = (verifier(&app).await, app.issue_for_sandbox("Shop").await);
    let granted = ask(&program, &pair(&shop)).await;
    let expected = json!({"granted": true, "reason": null, "reference": null, "credential_id": shop.id, "sandbox": true,
        "from_allowed": null});
    assert_eq!(granted, expected);
    eventually("its last use", async || app.credential(&shop).await.last_used).await;
}

#[tokio::test]
async fn a_denial_says_why_and_has_a_reference() {
    let app = TestApp::start().await;
    let program = verifier(&app).await;
    let [shop, revoked] = [app.issue("Shop").await, app.issue("Revoked").await];
    app.change(&revoked, Credential::revoke).await;
    let soon = app.clock.now().plus(Duration::from_secs(3_600));
    let expired = app.issue_as(Draft { expires_at: Some(soon), ..draft("Expired") }).await;
    app.clock.advance(Duration::from_secs(7_200));
    for (username, password, reason) in [
        (&shop.username, WRONG, "wrong_password"),
        (&shop.username, "hunter2", "malformed_password"),
        (&revoked.username, &revoked.password, "revoked"),
        (&revoked.username, WRONG, "wrong_password"),
        (&expired.username, &expired.password, "expired"),
        (&"smtp_0000000000000000".to_owned(), WRONG, "unknown_username"),
    ] {
        let denied = ask(&program, &json!({"username": username, "password": password})).await;
        assert_eq!((&denied["granted"], &denied["reason"]), (&json!(false), &json!(reason)), "{denied}");
        assert_eq!(denied["reference"].as_str().map(str::len), Some(5), "{denied}");
        assert_eq!((&denied["credential_id"], &denied["sandbox"]), (&Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn guessing_through_the_api_is_slowed_down_too() {
    let app = TestApp::start().await;
    let (program, shop) = (verifier(&app).await, app.issue("Shop").await);
    let mut reasons = Vec::new();
    for number in 0..12 {
        let password = format!("sk_{number:032}");
        let guess = json!({"username": shop.username, "password": password, "client": "192.0.2.1"});
        reasons.push(ask(&program, &guess).await["reason"].as_str().unwrap().to_owned());
    }
    let throttled = reasons.iter().filter(|reason| *reason == "throttled").count();
    assert!(reasons[0] == "wrong_password" && throttled > 0, "{reasons:?}");
    for (client, granted) in [(Some("192.0.2.1"), false), (Some("192.0.2.2"), true), (None, true)] {
        let mut question = pair(&shop);
        question["client"] = json!(client);
        assert_eq!(ask(&program, &question).await["granted"], json!(granted), "{client:?}");
    }
}

#[tokio::test]
async fn what_a_program_says_of_its_clients_closes_no_door_to_them() {
    let app = TestApp::start().await;
    let (program, shop) = (verifier(&app).await, app.issue("Shop").await);
    let mut reasons = Vec::new();
    for number in 0..24 {
        let guess =
            json!({"username": format!("smtp_{number:016}"), "password": "hunter2", "client": "127.0.0.1"});
        reasons.push(ask(&program, &guess).await["reason"].as_str().unwrap().to_owned());
    }
    assert_eq!(reasons.last().unwrap(), "throttled", "{reasons:?}");
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn whether_it_may_send_from_an_address_is_told() {
    let app = TestApp::start().await;
    for domain in ["a.example", "b.example"] {
        app.verified(domain).await;
    }
    app.add_domain("pending.example").await;
    let program = verifier(&app).await;
    let all = app.issue_as(draft("All")).await;
    let domains = vec!["a.example".to_owned(), "pending.example".to_owned()];
    let some = app.issue_as(Draft { scope: Scope::Scoped, domains, ..draft("Some") }).await;
    for (whose, from, allowed) in [
        (&all, "shop@a.example", true),
        (&all, "b.example", true),
        (&all, "shop@other.example", false),
        (&some, "Shop@A.Example", true),
        (&some, "shop@b.example", false),
        (&some, "shop@pending.example", false),
        (&some, "shop@sub.a.example", false),
    ] {
        let mut question = pair(whose);
        question["from"] = from.into();
        assert_eq!(ask(&program, &question).await["from_allowed"], json!(allowed), "{from}");
    }
}

#[tokio::test]
async fn what_is_neither_an_address_nor_a_domain_is_refused_before_the_gate_is_asked() {
    let app = TestApp::start().await;
    app.verified("c.example").await;
    let (program, shop) = (verifier(&app).await, app.issue("Shop").await);
    for from in [
        "Shop <shop@c.example>",
        "<shop@c.example>",
        "Shop <shop@c.example",
        "",
        "@",
        "shop@",
        "@c.example",
        "shop",
        "shop@c",
        "shop@c.example@",
        "shop @c.example",
        "shop@ c.example",
        "a@b@c.example",
        "a,b@c.example",
        "shop@c..example",
        "c.example\n",
    ] {
        let mut question = pair(&shop);
        question["from"] = from.into();
        let told = program.post(VERIFY, &question).await;
        let expected = (400, "from: an address, such as shop@example.com, or a domain");
        assert_eq!((told.status, told.message()), expected, "{from:?}");
    }
    assert!(app.credential(&shop).await.last_used.is_none(), "none of them was a log-in");
    for from in
        ["shop@c.example", "\"the shop\"@C.example", "größe@c.example.", "a.b+c@c.example", "c.example"]
    {
        let mut question = pair(&shop);
        question["from"] = from.into();
        assert_eq!(ask(&program, &question).await["from_allowed"], true, "{from:?}");
    }
}

#[tokio::test]
async fn a_pair_of_another_organization_is_unknown_right_or_wrong() {
    let app = TestApp::start().await;
    let (program, shop) = (verifier(&app).await, foreign(&app).await);
    let alice = app.alice().await;
    for password in [shop.password.as_str(), WRONG] {
        let denied = ask(&program, &json!({"username": shop.username, "password": password})).await;
        let told = (&denied["granted"], &denied["reason"]);
        assert_eq!(told, (&json!(false), &json!("unknown_username")), "{denied}");
        let page = format!("/activity?kind=denied&reference={}", denied["reference"].as_str().unwrap());
        eventually("the caller's own organization has the line", async || {
            alice.page(&page).await.contains("Unknown username").then_some(())
        })
        .await;
    }
    let home = "(SELECT id FROM organizations WHERE name <> 'Other Inc')";
    let statement = format!("UPDATE credentials SET organization = {home} WHERE id = '{}'", shop.id);
    app.installation.database().execute(&statement).await;
    assert!(app.credential(&shop).await.last_used.is_none(), "not even the right one was a use of it");
}

#[tokio::test]
async fn trouble_with_the_database_is_never_a_verdict() {
    let app = TestApp::start().await;
    let (program, shop) = (verifier(&app).await, app.issue("Shop").await);
    ask(&program, &pair(&shop)).await;
    app.installation.database().take_away().await;
    let told = program.post(VERIFY, &pair(&shop)).await;
    assert!(matches!(told.status, 500 | 503) && told.body.get("granted").is_none(), "{told:?}");
    app.installation.database().bring_back().await;
}

#[tokio::test]
async fn what_is_longer_than_any_is_refused_by_name() {
    let app = TestApp::start().await;
    let program = verifier(&app).await;
    for (field, length) in [("username", 256), ("password", 1_025), ("from", 321)] {
        let mut question = json!({"username": "smtp_x", "password": "y"});
        question[field] = "x".repeat(length).into();
        let told = program.post(VERIFY, &question).await;
        assert!(told.status == 400 && told.message().contains(field), "{told:?}");
    }
    let question = json!({"username": "smtp_x", "password": "y", "client": "nowhere"});
    let told = program.post(VERIFY, &question).await;
    assert!(told.status == 400 && told.message().starts_with("client: an IP address"), "{told:?}");
}
