//! How fast the API answers inside the process with 100,000 credentials: `cargo bench --bench api`.
//!
//! The median of reading one credential, against the same with 100; then pages of the list at its start and at its end, in
//! turns, and their ratio. With `TEST_DATABASE_URL` on PostgreSQL too.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails where it can't go on"
)]

mod common;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use common::{Running, Samples, Store};
use gatepost::api;
use gatepost::model::api_key::Draft;
use gatepost::model::credential::{Filter, Listing, Sort};
use gatepost::model::{Actor, ApiKey, Credential, Turn};
use serde_json::Value;
use tower::ServiceExt;

const ROUNDS: usize = 500;

/// The API on a store, and what it is asked with.
struct Api {
    router: Router,
    account: String,
    key: String,
    /// The credential that was created in the middle.
    one: String,
    _running: Running,
}

#[tokio::main]
async fn main() {
    for (name, server) in Store::kinds() {
        let stores =
            (Store::with(100, server.as_deref()).await, Store::with(100_000, server.as_deref()).await);
        let (few, many) = (Api::on(&stores.0).await, Api::on(&stores.1).await);
        println!("{name}: median of {ROUNDS} rounds, in microseconds\n");
        let paths = (format!("/{}", few.one), format!("/{}", many.one));
        compare("one credential: of 100, of 100,000", (&few, &paths.0), (&many, &paths.1)).await;
        for limit in [20, 100] {
            let start = format!("?limit={limit}");
            let end = many.last_page(&start).await;
            compare(&format!("a page of {limit}: the first, the last"), (&many, &start), (&many, &end)).await;
        }
        println!();
    }
}

impl Api {
    async fn on(store: &Store) -> Self {
        let running = Running::on(store).await;
        let app = running.app.clone();
        let actor = Actor::operator(store.organization, app.clock.now());
        let draft = Draft { label: "Bench".to_owned(), scopes: vec!["*".to_owned()], networks: Vec::new() };
        let mut tx = app.db.begin().await.expect("a transaction");
        let issued = ApiKey::create(&mut tx, &actor, &draft).await.expect("a key");
        let listing = Listing {
            filter: Filter::default(),
            sort: Sort::Username,
            descending: false,
            turn: Turn::first(1),
        };
        let page = Credential::list(&mut tx, store.organization, &listing, store.now).await.expect("a page");
        tx.commit().await.expect("a commit");
        let one = page.rows[0].id.to_string();
        let (account, key) = (store.organization.to_string(), issued.secret.expose().to_owned());
        Self { router: api::router(app), account, key, one, _running: running }
    }

    async fn get(&self, path: &str) -> Value {
        let request = Request::get(format!("/v2/accounts/{}/smtp-credentials{path}", self.account))
            .header("authorization", format!("Bearer {}", self.key));
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Goes through the list, and returns the question for its last page.
    async fn last_page(&self, first: &str) -> String {
        let mut path = first.to_owned();
        loop {
            let page = self.get(&path).await;
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => path = format!("{first}&after={next}"),
                None => return path,
            }
        }
    }
}

/// Asks both in turns, so that whatever else the machine does meets both, and prints a line.
async fn compare(name: &str, one: (&Api, &str), other: (&Api, &str)) {
    let (mut of_one, mut of_other) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        of_one.measure(async || one.0.get(one.1).await).await;
        of_other.measure(async || other.0.get(other.1).await).await;
    }
    let (one, other) = (of_one.median(), of_other.median());
    println!("{name:<46} {one:>9.0} {other:>9.0} {:>6.2}", other / one);
}
