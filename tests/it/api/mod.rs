//! The API: what programs do with keys, and what they are told.

mod api_keys;
mod audit;
mod changes;
mod commands;
mod credentials;
mod denials;
mod document;
mod domains;
mod events;
mod idempotency;
mod lists;
mod messages;
mod readme;
mod reference;
mod requests;
mod schemathesis;
mod verify;
mod walk;
mod webhooks;

use std::net::IpAddr;

use gatepost::model::ApiKey;
use gatepost::model::api_key::Draft;
use gatepost::secret::Password;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::TestApp;

/// A program with a key.
pub struct Program {
    client: reqwest::Client,
    url: String,
    key: String,
    pub account: String,
}

/// What it is told.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Program {
    /// With a key that may do this.
    pub async fn with(app: &TestApp, scopes: &[&str]) -> Self {
        let draft = Draft {
            label: "Deployment".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            networks: Vec::new(),
        };
        Self::with_key(app, &draft).await
    }

    pub async fn with_key(app: &TestApp, draft: &Draft) -> Self {
        let actor = app.operator().await;
        let mut tx = app.app.db.begin().await.unwrap();
        let issued = ApiKey::create(&mut tx, &actor, draft).await.unwrap();
        tx.commit().await.unwrap();
        Self {
            client: reqwest::Client::new(),
            url: app.url.clone(),
            key: issued.secret.expose().to_owned(),
            account: actor.organization.to_string(),
        }
    }

    /// With a key that was made before.
    pub fn with_access(app: &TestApp, key: &str, account: &str) -> Self {
        let (url, key, account) = (app.url.clone(), key.to_owned(), account.to_owned());
        Self { client: reqwest::Client::new(), url, key, account }
    }

    /// The same program with another key, which it was given.
    pub fn with_secret(&self, key: &str) -> Self {
        let (url, account) = (self.url.clone(), self.account.clone());
        Self { client: reqwest::Client::new(), url, key: key.to_owned(), account }
    }

    /// The same program at another address of this machine: all of 127.0.0.0/8 is.
    pub fn at(&self, address: IpAddr) -> Self {
        let client = reqwest::Client::builder().local_address(address).build().expect("a client");
        Self { client, ..self.with_secret(&self.key) }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// After its key was deleted.
    pub async fn gone(self, app: &TestApp) -> Self {
        let actor = app.operator().await;
        let mut tx = app.app.db.begin().await.unwrap();
        let key = ApiKey::by_secret(&mut tx, &Password::new(self.key.clone())).await.unwrap().unwrap();
        ApiKey::delete(&mut tx, &actor, key.id).await.unwrap();
        tx.commit().await.unwrap();
        self
    }

    /// `path` below the account, or from `/v2` on.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with("/v2") {
            path.to_owned()
        } else {
            format!("/v2/accounts/{}{path}", self.account)
        };
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Told {
        Told::of(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Told {
        Told::of(self.request(Method::DELETE, path)).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Told {
        let request = self.request(method, path).header("content-type", "application/json");
        Told::of(request.body(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Told {
        self.send(Method::PUT, path, body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Told {
        self.send(Method::POST, path, body).await
    }
}

impl Told {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = text.parse().unwrap_or_else(|_| panic!("{status} is no JSON: {text}"));
        Self { status, headers, body }
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// The rows of a list, page by page to its end; the way back must show the same.
pub async fn both_ways(program: &Program, path: &str) -> Vec<Value> {
    let page = async |turn: &str| {
        let told = program.get(&format!("{path}{turn}")).await;
        assert_eq!(
            (told.status, &told.body["object"]),
            (200, &Value::from("list")),
            "{path}{turn}: {told:?}"
        );
        let rows = told.body["data"].as_array().expect("rows").clone();
        (rows, told.body["pagination"].clone())
    };
    let (mut rows, mut place) = page("").await;
    assert_eq!(place.get("previous_cursor"), None, "the first page");
    let (mut last, mut pages) = (rows.len(), 1);
    while place["has_more"] == true {
        let (more, next) =
            page(&format!("&after={}", place["next_cursor"].as_str().expect("a cursor"))).await;
        (last, pages, place) = (more.len(), pages + 1, next);
        rows.extend(more);
    }
    assert_eq!(place.get("next_cursor"), None, "the last page");
    let mut back = rows[rows.len() - last..].to_vec();
    for left in (0..pages - 1).rev() {
        let (mut more, before) =
            page(&format!("&before={}", place["previous_cursor"].as_str().expect("a cursor"))).await;
        assert_eq!(before["has_more"], left > 0, "{before}");
        more.extend(back);
        (back, place) = (more, before);
    }
    assert_eq!(back, rows, "forward and back");
    rows
}
