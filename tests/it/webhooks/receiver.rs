//! An endpoint of webhooks in this process: hears requests, answers as it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::eventually;

/// How the receiver answers one request.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    /// With this body.
    Text(u16, String),
    /// To another place.
    Redirect(String),
    /// Not within the test's time.
    Never,
    /// 200, and then a byte now and then, for ever.
    Endless(Duration),
}

/// One request.
#[derive(Clone, Debug)]
pub struct Heard {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    /// For the next requests; after them [`Shared::usual`].
    answers: Mutex<VecDeque<Answer>>,
    usual: Mutex<Option<Answer>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let router = Router::new().fallback(hear).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How the next requests are answered, one after the other.
    pub fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.answers.lock().unwrap().extend(answers);
    }

    /// How all others are answered, instead of 204.
    pub fn usually(&self, answer: Answer) {
        *self.shared.usual.lock().unwrap() = Some(answer);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// Waits for so many requests; there may be more.
    pub async fn hears_at_least(&self, number: usize) -> Vec<Heard> {
        eventually(&format!("{number} requests"), async || {
            let heard = self.heard();
            (heard.len() >= number).then_some(heard)
        })
        .await
    }

    /// Waits for so many requests, and fails if there were more.
    pub async fn hears(&self, number: usize) -> Vec<Heard> {
        let heard = self.hears_at_least(number).await;
        assert_eq!(heard.len(), number, "{heard:#?}");
        heard
    }
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn json(&self) -> Value {
        self.body.parse().expect("JSON")
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }
}

async fn hear(
    State(shared): State<Arc<Shared>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: String,
) -> Response {
    shared.heard.lock().unwrap().push(Heard { method, path: uri.path().to_owned(), headers, body });
    let answer = shared.answers.lock().unwrap().pop_front();
    let answer = answer.or_else(|| shared.usual.lock().unwrap().clone()).unwrap_or(Answer::Status(204));
    let status = |code| StatusCode::from_u16(code).expect("a status");
    match answer {
        Answer::Status(code) => status(code).into_response(),
        Answer::Text(code, text) => (status(code), text).into_response(),
        Answer::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Answer::Never => std::future::pending().await,
        Answer::Endless(pause) => {
            let drops = futures_util::stream::unfold((), move |()| async move {
                tokio::time::sleep(pause).await;
                Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"drop ")), ()))
            });
            Body::from_stream(drops).into_response()
        }
    }
}
