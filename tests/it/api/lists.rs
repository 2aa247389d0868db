//! Which credentials a list holds: each filter, each key, and what is no filter.

use std::time::Duration;

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Mode, Scope};

use super::Program;
use crate::support::{TestApp, eventually};

const DAY: Duration = Duration::from_secs(86_400);

/// Six credentials, each with a reason to be found.
async fn six(app: &TestApp) -> [crate::support::Issued; 6] {
    for domain in ["a.example", "b.example"] {
        app.verified(domain).await;
    }
    let draft = |name: &str, domains: &[&str]| Draft {
        name: name.to_owned(),
        mode: Mode::Production,
        scope: if domains.is_empty() { Scope::Global } else { Scope::Scoped },
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        expires_at: None,
    };
    let soon = Some(app.clock.now().plus(DAY));
    let six = [
        app.issue_as(draft("Global", &[])).await,
        app.issue_as(draft("A", &["a.example"])).await,
        app.issue_as(Draft { mode: Mode::Sandbox, ..draft("B", &["b.example"]) }).await,
        app.issue_as(draft("A and B", &["a.example", "b.example"])).await,
        app.issue_as(Draft { expires_at: soon, ..draft("Expired", &["a.example"]) }).await,
        app.issue_as(Draft { mode: Mode::Sandbox, ..draft("Revoked", &[]) }).await,
    ];
    app.change(&six[5], Credential::revoke).await;
    app.clock.advance(91 * DAY);
    app.issue_as(draft("Fresh", &[])).await;
    let used = &six[1];
    assert_eq!(app.log_in(&used.username, &used.password).await.code, 235);
    eventually("its use", async || app.credential(used).await.last_used).await;
    six
}

async fn names(program: &Program, query: &str) -> Vec<String> {
    let told = program.get(&format!("/smtp-credentials?{query}")).await;
    assert_eq!(told.status, 200, "{query}: {told:?}");
    let rows = told.body["data"].as_array().expect("rows");
    rows.iter().map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn each_filter_lets_through_what_it_says() {
    let app = TestApp::start().await;
    let six = six(&app).await;
    let program = Program::with(&app, &["smtp-credentials:read:all"]).await;
    let username = format!("q={}", &six[2].username[4..12]);
    for (query, expected) in [
        ("", &["Fresh", "Revoked", "Expired", "A and B", "B", "A", "Global"][..]),
        ("status=active", &["Fresh", "A and B", "B", "A", "Global"]),
        ("status=revoked", &["Revoked"]),
        ("status=expired", &["Expired"]),
        ("sandbox=true", &["Revoked", "B"]),
        ("sandbox=false", &["Fresh", "Expired", "A and B", "A", "Global"]),
        ("unused_for_days=90", &["Revoked", "Expired", "A and B", "B", "Global"]),
        ("unused_for_days=92", &[]),
        // Longer than what a username has by chance.
        ("q=AND%20b", &["A and B"]),
        ("q=EXPIRED", &["Expired"]),
        ("q=100%25", &[]),
        (&username, &["B"]),
        ("sandbox=true&status=active&unused_for_days=90", &["B"]),
        ("limit=2", &["Fresh", "Revoked"]),
    ] {
        assert_eq!(names(&program, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_key_for_some_domains_lists_what_is_scoped_to_these_alone() {
    let app = TestApp::start().await;
    six(&app).await;
    let [a, b] = ["a.example", "b.example"].map(|name| format!("smtp-credentials:read:{{{name}}}"));
    for (scopes, expected) in [
        (&[a.as_str()][..], &["Expired", "A"][..]),
        (&[&b], &["B"]),
        (&[&a, &b], &["Expired", "A and B", "B", "A"]),
    ] {
        let program = Program::with(&app, scopes).await;
        assert_eq!(names(&program, "").await, expected, "{scopes:?}");
        assert!(!names(&program, "sandbox=true").await.contains(&"Revoked".to_owned()));
    }
}

#[tokio::test]
async fn what_is_no_parameter_is_refused_by_name() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    for (path, parameter) in [
        ("/smtp-credentials?staus=revoked", "staus"),
        ("/smtp-credentials?limit=5&unused_for_day=90", "unused_for_day"),
        ("/api-keys?q=x", "q"),
        ("/domains?status=lost", "status"),
        ("/webhooks?event=x", "event"),
        ("/messages?from=x", "from"),
        ("/events?member=x", "member"),
    ] {
        let told = program.get(path).await;
        let expected = format!("unknown query parameter `{parameter}`, there are ");
        assert!(told.status == 400 && told.message().starts_with(&expected), "{path}: {told:?}");
    }
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_is_refused_by_its_own_name() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    app.issue("Shop").await;
    app.issue("Store").await;
    // A cursor of the dashboard, where names have an order.
    let other = "eAp4";
    for field in ["after", "before"] {
        let told = program.get(&format!("/smtp-credentials?{field}={other}")).await;
        assert!(told.status == 400 && told.message().starts_with(field), "{told:?}");
    }
}
