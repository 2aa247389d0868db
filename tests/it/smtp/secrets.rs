//! No secret reaches a log line, whatever the client does with it.

use std::process::Stdio;
use std::time::Duration;

use gatepost::config::Config;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::door::{base64, plain};
use super::wire::Wire;

/// Runs the program on `config`'s data and waits until it has said where it listens.
async fn start(data: &std::path::Path) -> (Child, std::net::SocketAddr, impl Future<Output = String>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .arg("--data-dir")
        .arg(data)
        .args(["--http-listen", "127.0.0.1:0", "--smtp-listen", "127.0.0.1:0", "--log-level", "trace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program");
    let mut logs = child.stderr.take().expect("its log");
    let logs = tokio::spawn(async move {
        let mut text = String::new();
        logs.read_to_string(&mut text).await.expect("text");
        text
    });
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let address = async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if let Some(address) = line.split_whitespace().nth(1).filter(|_| line.trim().starts_with("SMTP"))
            {
                return address.parse().expect("an address");
            }
        }
        panic!("it does not say where it listens");
    };
    let address = tokio::time::timeout(Duration::from_secs(30), address).await.expect("a start in time");
    (child, address, async { logs.await.expect("the log") })
}

async fn create(data: &std::path::Path) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gatepost"))
        .arg("--data-dir")
        .arg(data)
        .args(["credential", "create", "--json"])
        .output()
        .await
        .expect("the program");
    let created: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (
        created["username"].as_str().expect("a username").to_owned(),
        created["password"].as_str().expect("one").to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_and_no_base64_of_it_is_ever_logged() {
    let data = tempfile::tempdir().expect("a directory");
    let (username, password) = create(data.path()).await;
    let (mut child, address, logs) = start(data.path()).await;
    let config = Config { data_dir: data.path().to_owned(), ..Config::default() };
    let certificate = gatepost::smtp::tls::certificate_on_disk(&config).expect("a certificate");
    let (message, encoded) = (plain("", &username, &password), base64(&password));

    let mut clear = Wire::connect(address).await;
    clear.hears("220 *").await;
    clear.asks(&format!("AUTH PLAIN {message}"), "538 *").await;
    clear.sends(format!("EHLO {password}\0\r\n").as_bytes()).await;
    clear.hears("500 *").await;

    let mut wire = Wire::connect(address).await;
    wire.hears("220 *").await;
    wire.asks("EHLO client.example", "250-*").await;
    wire.asks("STARTTLS", "220 *").await;
    wire.start_tls(&certificate).await;
    wire.asks("EHLO client.example", "250-*").await;
    wire.asks(&format!("AUTH PLAIN {message} x"), "501 *").await;
    wire.asks(&format!("AUTH {encoded}"), "504 *").await;
    wire.asks(&encoded, "500 *").await;
    wire.asks(&password, "500 *").await;
    wire.asks(&format!("AUTH LOGIN {encoded}"), "334 *").await;
    wire.asks(&encoded, "535 *").await;
    wire.asks(&format!("AUTH PLAIN {}", plain(&password, &username, &password)), "535 *").await;
    wire.asks(&format!("AUTH PLAIN {message}"), "235 *").await;
    wire.asks("QUIT", "221 *").await;

    let pid = child.id().expect("a running program").to_string();
    assert!(Command::new("kill").arg(pid).status().await.expect("kill").success());
    let status = tokio::time::timeout(Duration::from_secs(20), child.wait()).await.expect("an end in time");
    assert!(status.expect("a status").success());
    let logs = logs.await;
    assert!(logs.contains("verb=\"AUTH\""), "commands are logged at this level:\n{logs}");
    for secret in [&password, &encoded, &message, &message.replace('=', "")] {
        assert!(!logs.contains(secret.as_str()), "a secret is in the log");
    }
}
