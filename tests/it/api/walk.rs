//! A walk through a long list, in both directions, while it changes: nothing twice, nothing missed that was there throughout.

use std::cell::Cell;
use std::collections::HashSet;

use serde_json::{Value, json};

use super::Program;
use crate::support::TestApp;

/// Credentials that are there throughout.
const STEADY: usize = 5_000;
/// Credentials between them that go when a page ends with them: what its cursor points at is gone then.
const PASSING: usize = 2_500;
/// Credentials that have come and gone elsewhere when the walks are over.
const ENOUGH: usize = 20;
/// Walks, even if they are faster than that.
const WALKS: usize = 20;

/// One way through the list.
struct Walk {
    /// The names of each page, as they followed each other.
    pages: Vec<Vec<String>>,
    /// The last cursor that leads back.
    back: String,
    /// Pages whose last row was gone when the next one was asked for.
    edges_gone: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_seen_twice_and_nothing_is_missed_while_credentials_come_and_go() {
    let app =
        TestApp::with_config(|config| (config.api_requests_per_second, config.api_burst) = (10_000, 10_000))
            .await;
    let first = app.issue("first").await.id;
    copy(&app, &first, ("0190", "steady"), (0..STEADY).map(|number| (number, number))).await;
    copy(&app, &first, ("0191", "passing"), (0..PASSING).map(|number| (number, number * 2))).await;
    let program = Program::with(&app, &["*"]).await;
    let (passed, over) = (Cell::new(0), Cell::new(false));
    let walks = async {
        for _ in 0..WALKS {
            walk_both_ways(&program).await;
            if passed.get() >= ENOUGH {
                break;
            }
        }
        over.set(true);
    };
    tokio::join!(walks, come_and_go(&app, &first, &program, (&passed, &over)));
    assert!(passed.get() >= ENOUGH, "only {} have come and gone", passed.get());
}

async fn walk_both_ways(program: &Program) {
    let steady = |pages: &[Vec<String>]| {
        pages.iter().flatten().filter(|name| name.starts_with("steady")).cloned().collect::<Vec<_>>()
    };
    let forward = walk(program, "after", None).await;
    assert_eq!(steady(&forward.pages).len(), STEADY);
    let mut backward = walk(program, "before", Some(forward.back)).await;
    backward.pages.reverse();
    // The last page lies behind the cursor that the walk back begins with.
    let (_, before) = forward.pages.split_last().expect("pages");
    assert!(steady(&backward.pages) == steady(before), "the way back is another");
    assert!(forward.edges_gone > 0 && backward.edges_gone > 0, "no cursor has lost its row");
}

/// From a cursor to the end. Fails on a row that is seen twice.
async fn walk(program: &Program, direction: &str, mut cursor: Option<String>) -> Walk {
    let mut seen = HashSet::new();
    let mut walk = Walk { pages: Vec::new(), back: String::new(), edges_gone: 0 };
    loop {
        let place = cursor.as_ref().map(|cursor| format!("&{direction}={cursor}")).unwrap_or_default();
        let told = program.get(&format!("/smtp-credentials?limit=100{place}")).await;
        assert_eq!(told.status, 200, "{told:?}");
        let rows = told.body["data"].as_array().unwrap();
        let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
        for row in rows {
            assert!(seen.insert(text(row, "id").unwrap()), "{row} is seen twice");
        }
        walk.pages.push(rows.iter().map(|row| text(row, "name").unwrap()).collect());
        let pagination = &told.body["pagination"];
        let (next, previous) = (text(pagination, "next_cursor"), text(pagination, "previous_cursor"));
        let edge = if direction == "after" {
            walk.back = previous.unwrap_or(walk.back);
            cursor = next;
            rows.last()
        } else {
            cursor = previous;
            rows.first()
        };
        assert_eq!(pagination["has_more"], Value::Bool(cursor.is_some()));
        if cursor.is_none() {
            return walk;
        }
        if let Some(edge) = edge.filter(|edge| edge["name"].as_str().unwrap().starts_with("passing")) {
            delete(program, &text(edge, "id").unwrap()).await;
            walk.edges_gone += 1;
        }
    }
}

/// Creates and deletes until the walks are over, at the list's beginning and everywhere in it, and counts how often.
async fn come_and_go(
    app: &TestApp,
    first: &str,
    program: &Program,
    (passed, over): (&Cell<usize>, &Cell<bool>),
) {
    let mut amid = Vec::new();
    while !over.get() {
        let count = passed.get();
        let created = program
            .post("/smtp-credentials", &json!({"name": format!("newest {count}"), "scope": "global"}))
            .await;
        assert_eq!(created.status, 201, "{created:?}");
        delete(program, created.body["id"].as_str().unwrap()).await;
        let kind = ("0192", "fleeting");
        copy(app, first, kind, std::iter::once((count, count * 1_009 % STEADY))).await;
        amid.push(id_of(first, kind.0, count));
        if amid.len() > 5 {
            delete(program, &amid.remove(0)).await;
        }
        passed.set(count + 1);
    }
}

async fn delete(program: &Program, id: &str) {
    let deleted = program.delete(&format!("/smtp-credentials/{id}")).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
}

fn id_of(first: &str, prefix: &str, number: usize) -> String {
    format!("{prefix}{}{number:06}", &first[4..30])
}

/// Copies of one credential: with this prefix in their ids, this name, and for each its number and its place in the list; many
/// are of the same instant.
async fn copy(
    app: &TestApp,
    first: &str,
    (prefix, name): (&str, &str),
    numbers: impl Iterator<Item = (usize, usize)>,
) {
    let rows: Vec<String> = numbers
        .map(|(number, place)| {
            let id = id_of(first, prefix, number);
            format!(
                "SELECT '{id}' AS new_id, '{name} {number}' AS new_name, {} AS earlier",
                1_000 + place / 10
            )
        })
        .collect();
    for rows in rows.chunks(500) {
        let sql = format!(
            "INSERT INTO credentials (id, organization, name, sort_name, username, status, mode, scope, password_id, \
             password_hash, created_at, created_by, updated_at) SELECT new_id, organization, new_name, new_name, \
             'smtp_' || new_name, status, mode, scope, password_id, password_hash, created_at - earlier, created_by, \
             updated_at FROM credentials, ({}) AS copies WHERE credentials.id = '{first}'",
            rows.join(" UNION ALL ")
        );
        app.installation.database().execute(&sql).await;
    }
}
