//! Through the life of a credential: what `gatepost credential …` has confirmed holds for the next log-in of every client.

use gatepost::config::Security;
use gatepost::examples;

use super::program::{self, Heard, Program, Trust};
use super::settings;
use crate::support::{Authority, GatepostProcess, Installation, Issued};

/// One step: what is done first, which password is used, and whether it enters.
struct Step {
    command: &'static str,
    password: Which,
    enters: bool,
}

#[derive(Debug)]
enum Which {
    /// The newest.
    Right,
    /// The one before the rotation.
    Old,
    /// One that never was.
    Wrong,
}

const LIFE: &[Step] = &[
    Step { command: "", password: Which::Wrong, enters: false },
    Step { command: "", password: Which::Right, enters: true },
    Step { command: "rotate", password: Which::Old, enters: false },
    Step { command: "", password: Which::Right, enters: true },
    Step { command: "revoke", password: Which::Right, enters: false },
    Step { command: "enable", password: Which::Right, enters: true },
    Step { command: "", password: Which::Wrong, enters: false },
    Step { command: "delete", password: Which::Right, enters: false },
];

#[tokio::test]
async fn swaks_meets_every_change_at_its_next_login() {
    lives_through(&program::SWAKS, "535").await;
}

#[tokio::test]
async fn curl_meets_every_change_at_its_next_login() {
    lives_through(&program::CURL, "Login denied").await;
}

#[tokio::test]
async fn smtplib_meets_every_change_at_its_next_login() {
    lives_through(&program::PYTHON, "535").await;
}

#[tokio::test]
async fn nodemailer_meets_every_change_at_its_next_login() {
    lives_through(&program::NODE, "535").await;
}

#[tokio::test]
async fn msmtp_meets_every_change_at_its_next_login() {
    lives_through(&program::MSMTP, "535").await;
}

/// `refusal`: what the client says when it is not let in.
async fn lives_through(client: &Program, refusal: &str) {
    let installation = Installation::new().await;
    let authority = Authority::new(installation.dir());
    let gatepost = GatepostProcess::start_with(&installation, |command| {
        command.env("GATEPOST_TLS_CERT", &authority.chain).env("GATEPOST_TLS_KEY", &authority.key)
    });
    let gatepost = gatepost.await;
    installation.run(&["domain", "add", "your-domain.example"]).await.stdout();
    installation.run(&["domain", "verify", "--force", "your-domain.example"]).await.stdout();
    let created = installation
        .run(&["credential", "create", "--name", "Shop", "--mode", "sandbox", "--json"])
        .await
        .stdout();
    let mut current = issued(&created);
    let mut old = current.clone();
    for Step { command, password, enters } in LIFE {
        match *command {
            "" => {}
            "rotate" => {
                let printed =
                    installation.run(&["credential", "rotate", &current.username, "--json"]).await.stdout();
                old = std::mem::replace(&mut current, issued(&printed));
            }
            command => _ = installation.run(&["credential", command, &current.username]).await.stdout(),
        }
        let used = match password {
            Which::Right => current.clone(),
            Which::Old => old.clone(),
            Which::Wrong => wrong(&current),
        };
        let heard = send(client, gatepost.door.address.port(), &used, &authority).await;
        assert!(
            heard.succeeded == *enters && heard.says(refusal) != *enters,
            "after {command:?}, with the {password:?} password: {}",
            heard.text
        );
    }
}

/// Sends the example, with this password.
async fn send(client: &Program, port: u16, issued: &Issued, authority: &Authority) -> Heard {
    let mut settings = settings(issued, port, Security::Starttls);
    if matches!(client.trust, Trust::Text) {
        settings.own_certificate = Some(authority.root.display().to_string());
    }
    let example = examples::all(&settings).into_iter().find(|example| example.id == client.example);
    client.run(&example.expect("an example").text, Some(&authority.root)).await
}

/// What `gatepost credential … --json` printed.
fn issued(printed: &str) -> Issued {
    let object: serde_json::Value = printed.trim().parse().expect("JSON");
    let field = |name: &str| object[name].as_str().expect("a text").to_owned();
    Issued { id: field("id"), username: field("username"), password: field("password") }
}

/// Of the right form, and another.
fn wrong(issued: &Issued) -> Issued {
    let (head, last) = issued.password.split_at(issued.password.len() - 1);
    let other = if last == "a" { "b" } else { "a" };
    Issued { password: format!("{head}{other}"), ..issued.clone() }
}
