//! Real clients send real mail, in both modes: what arrives in a real Postfix, and what the log keeps, is what was sent.

use std::path::Path;

use gatepost::config::NextHopSecurity;
use gatepost::model::message::{Filter, Listing};
use gatepost::model::{Message, Turn};
use tokio::process::Command;

use super::program::{Heard, finish};
use crate::support::postfix::{BOB, MANY, Postfix, ZOE};
use crate::support::{Issued, NextHop, TestApp};

/// In a letter that smtplib sends several times: which of them it is, from 0.
const NUMBER: &str = "{number}";

/// Shell lines that send `letter.eml`; `TIMES` says how often on one connection.
struct Client {
    name: &'static str,
    run: &'static str,
    /// What it sends behind each message by itself.
    adds: &'static str,
}

const PYTHON: Client = Client { name: "smtplib", run: "python3 send.py", adds: "" };
const NODE: Client =
    Client { name: "nodemailer", run: "ln -s $TOOLS/node/node_modules . && node send.mjs", adds: "" };
const CURL: Client = Client {
    name: "curl",
    run: r#"
        curl --silent --show-error --ssl-reqd --cacert gatepost.pem --url "smtp://localhost:$PORT" --user "$USERNAME:$PASSWORD" \
            --mail-from "$SENDER" $(printf -- ' --mail-rcpt %s' $RECIPIENTS) --upload-file letter.eml"#,
    adds: "",
};
const SWAKS: Client = Client {
    name: "swaks",
    run: r#"
        swaks --server localhost --port "$PORT" --tls --auth PLAIN --auth-user "$USERNAME" \
            --auth-password "$PASSWORD" --from "$SENDER" --to "${RECIPIENTS// /,}" --suppress-data --data @letter.eml"#,
    adds: "\r\n",
};

/// A message as it leaves its client.
struct Letter {
    name: &'static str,
    text: String,
    sender: &'static str,
    recipients: Vec<String>,
    /// Parameters of MAIL, where the client is to be told.
    options: &'static str,
    /// Where Postfix puts it, and how often.
    arrives: (&'static str, usize),
    clients: &'static [&'static Client],
}

fn letter(name: &'static str, fields: &str, body: &str) -> Letter {
    let text = format!(
        "From: Alice <alice@acme.example>\r\nTo: {BOB}\r\nSubject: {name}\r\nMessage-ID: <{name}@acme.example>\r\n\
         Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n{fields}\r\n{body}"
    );
    Letter {
        name,
        text,
        sender: "alice@acme.example",
        recipients: vec![BOB.to_owned()],
        options: "",
        arrives: ("bob", 1),
        clients: &[&PYTHON, &NODE, &CURL, &SWAKS],
    }
}

fn letters() -> Vec<Letter> {
    let line = "U2VudCB0aHJvdWdoIEdhdGVwb3N0LiBTZW50IHRocm91Z2ggR2F0ZXBvc3QuIFNlbnQuLi4u\r\n";
    let attachments = format!(
        "--=_x\r\nContent-Type: multipart/alternative; boundary=\"=_y\"\r\n\r\n\
         --=_y\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob,\r\n..dots\r\n.\r\n\r\n\
         --=_y\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n<p>Hello <b>Bob</b>\r\n\r\n--=_y--\r\n\r\n\
         --=_x\r\nContent-Type: application/pdf; name=\"invoice.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"invoice.pdf\"\r\n\r\n{}--=_x--\r\n",
        line.repeat(2_000)
    );
    let utf8 = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    let plain = "Hello Bob,\r\n\r\n.one dot\r\n..two dots\r\n.\r\nFrom the start of a line\r\n\r\n\r\n";
    let many = (0..50).map(|number| format!("customer{number}@{MANY}")).collect();
    let mixed = "Content-Type: multipart/mixed; boundary=\"=_x\"\r\n";
    vec![
        letter("plain", "", plain),
        letter("html-and-attachment", mixed, &attachments),
        Letter { options: "BODY=8BITMIME", ..letter("eight-bit", utf8, "Grüße aus Köln: ½ €\r\n") },
        Letter {
            sender: "ålice@acme.example",
            recipients: vec![ZOE.to_owned()],
            options: "SMTPUTF8 BODY=8BITMIME",
            arrives: ("zoe", 1),
            clients: &[&PYTHON, &NODE],
            ..letter("smtputf8", &format!("{utf8}X-Greeting: Grüße, Zoë\r\n"), "Für Zoë\r\n")
        },
        Letter { recipients: many, arrives: ("many", 50), ..letter("fifty-recipients", "", plain) },
        Letter {
            clients: &[&PYTHON, &CURL],
            ..letter("twenty-megabytes", "", &line.repeat(19_900_000 / line.len()))
        },
    ]
}

impl Letter {
    /// Sends it so often over one connection.
    async fn send(&self, client: &Client, app: &TestApp, issued: &Issued, times: usize) {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in [
            ("letter.eml", self.text.as_str()),
            ("send.py", include_str!("send.py")),
            ("send.mjs", include_str!("send.mjs")),
        ] {
            std::fs::write(dir.path().join(name), text).expect("a file");
        }
        let certificate = app.installation.dir().join("smtp-self-signed.pem");
        write_certificate(&certificate, &dir.path().join("gatepost.pem"));
        let mut command = Command::new("bash");
        command.args(["-c", client.run]).env("PORT", app.doors[0].address.port().to_string());
        command.env("USERNAME", &issued.username).env("PASSWORD", &issued.password);
        command.env("SENDER", self.sender).env("RECIPIENTS", self.recipients.join(" "));
        command.env("OPTIONS", self.options).env("TIMES", times.to_string());
        command.env("SSL_CERT_FILE", "gatepost.pem").env("NODE_EXTRA_CA_CERTS", "gatepost.pem");
        let Heard { succeeded, text } = finish(command, &dir).await;
        assert!(succeeded, "{} by {}: {text}", self.name, client.name);
    }

    /// Nothing but a trace was put before what was sent.
    fn assert_is(&self, received: &[u8], client: &Client) {
        let is_sent = without_trace(received) == format!("{}{}", self.text, client.adds).as_bytes();
        assert!(is_sent, "{} by {} is not what was sent:\n{}", self.name, client.name, start(received));
    }

    /// Each of those that were sent on one connection, once, in whatever order.
    fn assert_all_are(&self, received: &[Vec<u8>], times: usize) {
        let mut sent: Vec<_> =
            (0..times).map(|number| self.text.replace(NUMBER, &number.to_string())).collect();
        let mut received: Vec<_> = received.iter().map(|message| without_trace(message)).collect();
        sent.sort();
        received.sort_unstable();
        assert_eq!(received.len(), sent.len());
        for (received, sent) in received.iter().zip(sent) {
            assert!(*received == sent.as_bytes(), "{sent}\nis not what came:\n{}", start(received));
        }
    }
}

/// What follows the only field that Gatepost adds.
fn without_trace(received: &[u8]) -> &[u8] {
    assert!(received.starts_with(b"Received: from "), "{}", start(received));
    received.splitn(4, |byte| *byte == b'\n').nth(3).expect("three lines of it, and what follows")
}

fn start(message: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(&message[..message.len().min(2_000)])
}

/// The certificate without its key, as a client is given it.
fn write_certificate(from: &Path, to: &Path) {
    let file = std::fs::read_to_string(from).expect("a certificate");
    let end = "-----END CERTIFICATE-----\n";
    let start = file.find("-----BEGIN CERTIFICATE-----").expect("its start");
    let length = file[start..].find(end).expect("its end") + end.len();
    std::fs::write(to, &file[start..start + length]).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_real_clients_send_is_what_arrives_in_postfix() {
    let postfix = Postfix::start();
    let app = TestApp::with_config(|config| postfix.configure(config, NextHopSecurity::Starttls)).await;
    app.verified("acme.example").await;
    let shop = app.issue("Shop").await;
    for letter in letters() {
        for client in letter.clients {
            letter.send(client, &app, &shop, 1).await;
            let (mailbox, count) = letter.arrives;
            for received in postfix.take(mailbox, count).await {
                letter.assert_is(&received, client);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_real_clients_send_in_sandbox_mode_is_what_the_log_keeps() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let staging = app.issue_for_sandbox("Staging").await;
    for letter in letters() {
        for client in letter.clients {
            letter.send(client, &app, &staging, 1).await;
            letter.assert_is(&newest(&app, 1).await[0], client);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_go_through_one_connection_each_once_and_unchanged() {
    let hop = NextHop::plain().await;
    let app = TestApp::with_config(|config| hop.configure(config)).await;
    app.verified("acme.example").await;
    let (shop, staging) = (app.issue("Shop").await, app.issue_for_sandbox("Staging").await);
    let letter = letter("message-{number}", "", "Hello {number}\r\n.one dot\r\n.\r\n\r\n");
    letter.send(&PYTHON, &app, &shop, 1_000).await;
    let connections = hop.connections();
    let received =
        connections.iter().flat_map(|heard| (0..heard.messages.len()).map(|at| heard.received(at)));
    letter.assert_all_are(&received.collect::<Vec<_>>(), 1_000);
    letter.send(&PYTHON, &app, &staging, 1_000).await;
    letter.assert_all_are(&newest(&app, 1_000).await, 1_000);
}

/// What the log keeps of the newest messages.
async fn newest(app: &TestApp, count: usize) -> Vec<Vec<u8>> {
    let organization = app.operator().await.organization;
    let mut connection = app.app.db.read().await.expect("a connection");
    let listing = Listing { filter: Filter::default(), turn: Turn::first(count) };
    let found = Message::list(&mut connection, organization, &listing).await.expect("the log");
    let mut contents = Vec::new();
    for row in found.page.rows {
        let content = Message::content(&mut connection, organization, row.id, usize::MAX).await;
        contents.push(content.expect("its content"));
    }
    contents
}
