//! A walk through a long list, in both directions, while it changes: nothing twice, nothing missed that was there throughout.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::support::TestApp;

/// Credentials that are there throughout.
const STEADY: usize = 5_000;
/// Credentials that have come and gone when the walks are over.
const ENOUGH: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_seen_twice_and_nothing_is_missed_while_credentials_come_and_go() {
    let app =
        TestApp::with_config(|config| (config.api_requests_per_second, config.api_burst) = (10_000, 10_000))
            .await;
    let first = app.issue("first").await;
    fill(&app, &first.id).await;
    let program = Arc::new(Program::with(&app, &["*"]).await);
    let passed = Arc::new(AtomicUsize::new(0));
    let traffic = tokio::spawn(come_and_go(program.clone(), passed.clone()));
    while passed.load(Ordering::Relaxed) < ENOUGH {
        walk_both_ways(&program).await;
    }
    traffic.abort();
}

async fn walk_both_ways(program: &Program) {
    let (forward, last) = walk(program, "after", None).await;
    let steady = |seen: &[String]| seen.iter().filter(|name| name.starts_with("steady")).count();
    assert_eq!(steady(&forward), STEADY);
    let (backward, _) = walk(program, "before", Some(last)).await;
    // The last page itself lies behind the cursor that the walk back begins with.
    assert!(steady(&backward) >= STEADY - 100);
    let both: HashSet<&String> =
        forward.iter().chain(&backward).filter(|name| name.starts_with("steady")).collect();
    assert_eq!(both.len(), STEADY);
}

/// All names on the way from a cursor to the end, and the cursor that leads back. Fails on a name that is seen twice.
async fn walk(program: &Program, direction: &str, mut cursor: Option<String>) -> (Vec<String>, String) {
    let (mut seen, mut names) = (HashSet::new(), Vec::new());
    let mut back = String::new();
    loop {
        let place = cursor.as_ref().map(|cursor| format!("&{direction}={cursor}")).unwrap_or_default();
        let told = program.get(&format!("/smtp-credentials?limit=100{place}")).await;
        assert_eq!(told.status, 200, "{told:?}");
        for credential in told.body["data"].as_array().unwrap() {
            let name = credential["name"].as_str().unwrap().to_owned();
            assert!(seen.insert(credential["id"].as_str().unwrap().to_owned()), "{name} is seen twice");
            names.push(name);
        }
        let pagination = &told.body["pagination"];
        let text = |name: &str| pagination[name].as_str().map(str::to_owned);
        let (next, previous) = (text("next_cursor"), text("previous_cursor"));
        if direction == "after" {
            back = previous.unwrap_or(back);
            cursor = next;
        } else {
            cursor = previous;
        }
        assert_eq!(pagination["has_more"], Value::Bool(cursor.is_some()));
        if cursor.is_none() {
            return (names, back);
        }
    }
}

/// Creates and deletes, and counts how often.
async fn come_and_go(program: Arc<Program>, passed: Arc<AtomicUsize>) {
    for count in 0.. {
        let created = program
            .post("/smtp-credentials", &json!({"name": format!("passing {count}"), "scope": "global"}))
            .await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.body["id"].as_str().unwrap().to_owned();
        let deleted = program.send(Method::DELETE, &format!("/smtp-credentials/{id}"), &json!({})).await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
        passed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Copies of one credential, with ids and times spread over the past; many of the same instant.
async fn fill(app: &TestApp, first: &str) {
    let database = app.installation.database();
    for batch in 0..STEADY / 500 {
        let rows: Vec<String> =
            (batch * 500..(batch + 1) * 500).map(|number| format!("SELECT {number} AS number")).collect();
        let sql = format!(
            "INSERT INTO credentials (id, organization, name, sort_name, username, status, mode, scope, password_id, \
             password_hash, created_at, created_by, updated_at) SELECT '0190' || substr(id, 5, 26) || \
             substr('00000' || CAST(number AS TEXT), length(CAST(number AS TEXT)), 6), organization, \
             'steady ' || CAST(number AS TEXT), 'steady ' || CAST(number AS TEXT), 'smtp_steady' || CAST(number AS TEXT), \
             status, mode, scope, password_id, password_hash, created_at - 1000 - number / 10, created_by, updated_at \
             FROM credentials, ({}) AS numbers WHERE credentials.id = '{first}'",
            rows.join(" UNION ALL ")
        );
        database.execute(&sql).await;
    }
}
