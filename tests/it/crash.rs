//! `kill -9`: everything that was answered is there after the restart.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::support::{GatepostProcess, Installation, Visitor};

const HOME: &str = "/settings/smtp-credentials";
/// As many are created, and as many revoked, at once.
const REQUESTS: usize = 100;
/// Answers after which the process is killed: most requests are under way then.
const ENOUGH: usize = 60;

/// What the dashboard has confirmed.
#[derive(Default)]
struct Confirmed {
    created: Mutex<Vec<String>>,
    revoked: Mutex<Vec<String>>,
    answers: AtomicUsize,
    /// Until it is killed.
    server: Mutex<Option<GatepostProcess>>,
}

impl Confirmed {
    /// Counts an answer. Whoever counts the last one that is awaited kills the process there and then.
    async fn count(&self) {
        if self.answers.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
            self.server.lock().await.take().expect("it is killed once").kill().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_answered_is_there_after_a_kill_in_the_middle_of_200_changes() {
    let here = Installation::new().await;
    let server =
        GatepostProcess::start_with(&here, |command| command.env("GATEPOST_LOG_LEVEL", "warn")).await;
    let alice = Arc::new(server.visitor());
    let link = server.setup_link.clone().unwrap();
    alice.set_up(&link, "alice@acme.example", "correct horse battery staple").await;
    for number in 0..REQUESTS {
        let answer = alice.post(HOME, &[("name", &format!("old {number}"))]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let old: Vec<String> = listed(&here).await.into_values().map(|credential| credential.id).collect();
    assert_eq!(old.len(), REQUESTS);

    let confirmed = Arc::new(Confirmed { server: Mutex::new(Some(server)), ..Confirmed::default() });
    let mut requests = JoinSet::new();
    for (number, id) in old.into_iter().enumerate() {
        requests.spawn(create(alice.clone(), confirmed.clone(), format!("new {number}")));
        requests.spawn(revoke(alice.clone(), confirmed.clone(), id));
    }
    requests.join_all().await;
    let answers = confirmed.answers.load(Ordering::Relaxed);
    assert!((ENOUGH..2 * REQUESTS).contains(&answers), "it was killed in the middle");

    let _again = GatepostProcess::start(&here).await;
    let found = listed(&here).await;
    for name in &*confirmed.created.lock().await {
        assert!(found.contains_key(name), "“{name}” was confirmed, and is lost");
    }
    let by_id: HashMap<_, _> =
        found.into_values().map(|credential| (credential.id, credential.status)).collect();
    for id in &*confirmed.revoked.lock().await {
        assert_eq!(by_id[id], "revoked", "that {id} is revoked was confirmed");
    }
}

async fn create(alice: Arc<Visitor>, confirmed: Arc<Confirmed>, name: String) {
    let form = format!("name={}", name.replace(' ', "+"));
    if answered(&alice, HOME, form).await == Some(200) {
        confirmed.created.lock().await.push(name);
        confirmed.count().await;
    }
}

async fn revoke(alice: Arc<Visitor>, confirmed: Arc<Confirmed>, id: String) {
    if answered(&alice, &format!("{HOME}/{id}/revoke"), String::new()).await == Some(303) {
        confirmed.revoked.lock().await.push(id);
        confirmed.count().await;
    }
}

/// The status, unless the server went away first.
async fn answered(alice: &Visitor, path: &str, form: String) -> Option<u16> {
    let request = alice.request(Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = alice.try_send(request).await.ok()?;
    let status = answer.status.as_u16();
    assert!(matches!(status, 200 | 303 | 503), "{status}: {}", answer.body);
    Some(status)
}

struct Listed {
    id: String,
    status: String,
}

/// All credentials by name, as the command line lists them.
async fn listed(here: &Installation) -> HashMap<String, Listed> {
    let list = here.run(&["credential", "list", "--json"]).await.stdout();
    let read = |line: &str| {
        let object: serde_json::Value = line.parse().expect("an object a line");
        let text = |key: &str| object[key].as_str().expect("text").to_owned();
        (text("name"), Listed { id: text("id"), status: text("status") })
    };
    list.lines().map(read).collect()
}
