//! Requests that are on their way while what they stand on ends: what holds is what holds when all of it is there.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::Program;
use crate::support::{ALICE, PATIENCE, TestApp};

const NEW: &str = "another long pass phrase";

/// A request whose head has been read and whose body has begun.
struct Halfway(TcpStream);

impl Halfway {
    async fn begins(app: &TestApp, head: &str, body: &str) -> Self {
        let mut stream =
            TcpStream::connect(app.url.trim_start_matches("http://")).await.expect("a connection");
        let head = format!(
            "POST {head}\r\nHost: gatepost\r\nContent-Length: {}\r\nExpect: 100-continue",
            body.len()
        );
        stream
            .write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())
            .await
            .expect("it is open");
        let mut heard = [0; 25];
        // Gatepost asks for the body: it has read the head, and looks at it.
        timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("in time").expect("an answer");
        assert_eq!(&heard, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(&body.as_bytes()[..5]).await.expect("it is open");
        Self(stream)
    }

    /// What is answered once the rest of the body has come.
    async fn ends(mut self, body: &str) -> String {
        self.0.write_all(&body.as_bytes()[5..]).await.expect("it is open");
        let mut answer = String::new();
        timeout(PATIENCE, self.0.read_to_string(&mut answer)).await.expect("in time").expect("an answer");
        answer
    }
}

#[tokio::test]
async fn a_session_that_ends_while_a_form_arrives_does_nothing_more() {
    let app = TestApp::start().await;
    let (alice, thief) = (app.alice().await, app.alice().await);
    let form = "label=backdoor&scope=global";
    let head = format!(
        "/settings/api-keys HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nCookie: {}",
        thief.cookie().expect("a cookie")
    );
    let halfway = Halfway::begins(&app, &head, form).await;
    let change = [("current", ALICE.1), ("new", NEW)];
    assert_eq!(alice.post("/settings/security/password", &change).await.status, 303);
    let answer = halfway.ends(form).await;
    assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("location: /login"), "{answer}");
    assert!(alice.page("/settings/api-keys").await.contains("No API key yet"));
}

#[tokio::test]
async fn a_key_that_is_deleted_while_a_body_arrives_does_nothing_more() {
    let app = TestApp::start().await;
    let program = Program::with(&app, &["*"]).await;
    let account = app.operator().await.organization;
    let body = json!({"name": "Backdoor", "scope": "global"}).to_string();
    let head = format!(
        "/v2/accounts/{account}/smtp-credentials HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {}",
        program.key()
    );
    let halfway = Halfway::begins(&app, &head, &body).await;
    program.gone(&app).await;
    let answer = halfway.ends(&body).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn no_log_in_with_the_old_password_outlives_it() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let browsers: Vec<_> = (0..6).map(|_| app.visitor()).collect();
    let log_ins =
        futures_util::future::join_all(browsers.iter().map(|browser| browser.log_in(ALICE.0, ALICE.1)));
    let form = [("current", ALICE.1), ("new", NEW)];
    let (_, changed) = tokio::join!(log_ins, alice.post("/settings/security/password", &form));
    assert_eq!(changed.status, 303);
    for browser in &browsers {
        assert_eq!(browser.get("/settings/security").await.status, 303, "it is out");
    }
    assert_eq!(alice.get("/settings/security").await.status, 200, "she stays");
    let other = app.visitor();
    assert_eq!(other.log_in(ALICE.0, NEW).await.status, 303);
    let ([one, another], path) = ([&alice, &other], "/settings/security/password");
    let (first, second) = (
        [("current", NEW), ("new", "the first of two phrases")],
        [("current", NEW), ("new", "the second of two phrases")],
    );
    let (one, another) = tokio::join!(one.post(path, &first), another.post(path, &second));
    let done = [&one, &another].iter().filter(|answer| answer.location() == "/settings/security").count();
    assert_eq!(done, 1, "one of two changes counts: {one:?} {another:?}");
}
