//! The API: what programs do with keys, and what they are told.

mod credentials;
mod document;
mod readme;
mod requests;
mod walk;

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
