//! Endpoints in other languages: the examples as they are printed, with the public libraries of Standard Webhooks, in processes of
//! their own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use gatepost::examples::receivers;
use gatepost::model::Webhook;
use gatepost::model::webhook::delivery::Status;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::*;
use crate::support::PATIENCE;

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools");

/// An example that runs.
struct Program {
    address: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
    child: Child,
    _dir: TempDir,
}

impl Program {
    /// `id`: the example's; `secret`: what it is given as WEBHOOK_SECRET. Its address is the one thing that is changed in its text.
    async fn start(id: &str, secret: &str, address: SocketAddr) -> Self {
        let text = receivers().into_iter().find(|example| example.id == id).expect("an example").text;
        let dir = tempfile::tempdir().unwrap();
        let text = text.replace("127.0.0.1", &address.ip().to_string());
        let text = text.replace("8000", &address.port().to_string());
        let mut command = match id {
            "python" => {
                std::fs::write(dir.path().join("receiver.py"), text).unwrap();
                let mut command = Command::new(Path::new(TOOLS).join("python/bin/python"));
                command.arg("receiver.py");
                command
            }
            _ => {
                std::fs::write(dir.path().join("receiver.mjs"), text).unwrap();
                let modules = Path::new(TOOLS).join("node/node_modules");
                std::os::unix::fs::symlink(modules, dir.path().join("node_modules")).unwrap();
                let mut command = Command::new("node");
                command.arg("receiver.mjs");
                command
            }
        };
        command.current_dir(dir.path()).env("WEBHOOK_SECRET", secret).kill_on_drop(true);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("tests/run installs it");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        eventually("it listens", async || tokio::net::TcpStream::connect(address).await.ok().map(drop)).await;
        Self { address, lines, child, _dir: dir }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Its port is free afterwards.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// The next event that it has found genuine.
    async fn genuine(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("a line in time").unwrap().expect("a line")
    }
}

/// Of this machine, where no other test listens: what is free stays free.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.77.1:0").unwrap().local_addr().unwrap()
}

async fn every_event_is_genuine(id: &str) {
    let app = start().await;
    let address = free_address();
    let issued = create(&app, everything(&format!("http://{address}/"))).await;
    let mut program = Program::start(id, issued.secret.expose(), address).await;
    for event in EventType::ALL {
        send_test(&app, issued.webhook.id, *event).await;
        let line = program.genuine().await;
        assert!(line.starts_with(event.as_str()), "{line}");
    }

    // Both secrets of a rotation with overlap are good, one after the other.
    let rotate = async |overlap: Duration| {
        let actor = app.operator().await;
        let mut tx = app.app.db.begin().await.unwrap();
        let rotated = Webhook::rotate_secret(&mut tx, &actor, issued.webhook.id, overlap).await.unwrap();
        tx.commit().await.unwrap();
        rotated
    };
    let rotated = rotate(Duration::from_secs(86_400)).await;
    assert_ne!(rotated.secret.expose(), issued.secret.expose());
    send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    assert!(program.genuine().await.starts_with("message.bounced"), "with the old secret");
    eventually("its answer was heard", async || {
        let last = deliveries(&app, issued.webhook.id).await.pop()?;
        (last.status == Status::Delivered).then_some(())
    })
    .await;
    program.kill().await;
    let mut program = Program::start(id, rotated.secret.expose(), address).await;
    assert_eq!(program.url(), issued.webhook.url);
    send_test(&app, issued.webhook.id, EventType::MessageFailed).await;
    assert!(program.genuine().await.starts_with("message.failed"), "with the new one");

    // With neither, the library refuses it, and Gatepost hears so.
    rotate(Duration::ZERO).await;
    send_test(&app, issued.webhook.id, EventType::MessageSuppressed).await;
    let refused = eventually("it is refused", async || {
        let last = deliveries(&app, issued.webhook.id).await.pop().unwrap();
        let tries = attempts(&app, &last).await;
        tries.first().map(|attempt| (attempt.status, last.status))
    })
    .await;
    assert_eq!(refused, (Some(401), Status::Pending));
}

#[tokio::test]
async fn the_python_library_finds_every_event_genuine() {
    every_event_is_genuine("python").await;
}

#[tokio::test]
async fn the_node_library_finds_every_event_genuine() {
    every_event_is_genuine("node").await;
}

#[tokio::test]
async fn a_shell_finds_an_event_genuine_and_another_not() {
    let app = start().await;
    let receiver = Receiver::start().await;
    let issued = create(&app, everything(&receiver.url())).await;
    send_test(&app, issued.webhook.id, EventType::MessageBounced).await;
    let heard = receiver.hears(1).await.remove(0);
    let text = receivers().into_iter().find(|example| example.id == "shell").unwrap().text;
    let check = async |body: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("body"), body).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &text]).current_dir(dir.path()).env("WEBHOOK_SECRET", issued.secret.expose());
        for name in ["id", "timestamp", "signature"] {
            command.env(name, heard.header(&format!("webhook-{name}")));
        }
        String::from_utf8(command.output().await.unwrap().stdout).unwrap()
    };
    assert_eq!(check(&heard.body).await, "genuine\n");
    assert_eq!(check(&heard.body.replace("message", "massage")).await, "");
}
