//! What somebody sends who means harm: nothing of it runs, asks anybody for anything, or leaves its place.

use std::sync::{Arc, Mutex};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::PNG;
use crate::support::{Letter, TestApp, eventually};

/// Somebody who wants to know who reads their mail: notes every connection, and what comes first on it.
struct Listener {
    /// `127.0.0.1:49152`
    place: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = socket.local_addr().unwrap().to_string();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let notes = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = socket.accept().await {
                let number = note(&notes, None, "a connection");
                let notes = notes.clone();
                tokio::spawn(async move {
                    let mut first = [0; 256];
                    let length = stream.read(&mut first).await.unwrap_or_default();
                    note(&notes, Some(number), &String::from_utf8_lossy(&first[..length]));
                });
            }
        });
        Self { place, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Writes a new note, or another text for one; returns its number.
fn note(notes: &Mutex<Vec<String>>, number: Option<usize>, text: &str) -> usize {
    let mut notes = notes.lock().unwrap();
    match number {
        Some(number) => notes[number] = text.to_owned(),
        None => notes.push(text.to_owned()),
    }
    number.unwrap_or(notes.len() - 1)
}

/// Everything that a mail may try. `HERE` is the listener.
const HOSTILE: &str = r##"<!doctype html><html><head>
<base href="http://HERE/base/" target="_top">
<meta http-equiv="refresh" content="0;url=http://HERE/refresh">
<meta http-equiv="Content-Security-Policy" content="default-src * data: 'unsafe-inline'">
<link rel="stylesheet" href="http://HERE/style.css"><link rel="icon" href="http://HERE/icon">
<link rel="preconnect" href="http://HERE"><link rel="dns-prefetch" href="http://HERE"><link rel="prefetch" href="http://HERE/prefetch">
<link rel="preload" as="image" href="http://HERE/preload"><link rel="manifest" href="http://HERE/manifest"><link rel="modulepreload" href="http://HERE/module">
<style>@import url("http://HERE/import.css"); @font-face { font-family: x; src: url("http://HERE/font") }
p { font-family: x; background: url("http://HERE/background") } </style>
<script>new Image().src = "http://HERE/script"; document.title = "owned"; top.location = "http://HERE/top"</script>
<script src="http://HERE/script.js"></script></head>
<body onload="document.title='owned'" background="http://HERE/body">
<p id="said">Dear Bob</p>
<img src="http://HERE/image" onerror="document.title='owned'"><img src="https://HERE/image"><img srcset="http://HERE/set 2x"><img src="x" onerror="document.title='owned'">
<svg onload="document.title='owned'"><image href="http://HERE/svg"/><use href="http://HERE/use#a"/><script>document.title="owned"</script></svg>
<iframe src="http://HERE/frame"></iframe><iframe srcdoc="<script>top.document.title='owned'</script><link rel=preconnect href=http://HERE>"></iframe>
<object data="http://HERE/object"></object><embed src="http://HERE/embed"><video src="http://HERE/video" poster="http://HERE/poster" autoplay></video>
<audio src="http://HERE/audio" autoplay></audio><input type="image" src="http://HERE/input"><math href="javascript:document.title='owned'">x</math>
<form action="http://HERE/form" method="post"><input name="a" value="b" autofocus onfocus="document.title='owned'"><button>Win</button></form>
<p><a href="javascript:document.title='owned'" target="_self">Run</a> <a href="http://HERE/link" ping="http://HERE/ping" target="_self">Go</a></p>
<img id="logo" src="cid:logo@acme.example"></body></html>"##;

fn hostile(listener: &Listener) -> String {
    format!(
        "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}\r\n\
         --b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@acme.example>\r\nContent-Disposition: inline\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{PNG}\r\n--b--\r\n",
        HOSTILE.replace("HERE", &listener.place)
    )
}

#[tokio::test]
async fn hostile_html_runs_nothing_and_asks_nobody_for_anything() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let listener = Listener::start().await;
    let body = hostile(&listener);
    let fields = "Content-Type: multipart/related; boundary=b\r\n";
    let letter = Letter {
        subject: "<script>document.title='owned'</script>",
        fields,
        body: body.as_bytes(),
        ..Letter::default()
    };
    let page = app.send(&shop, &letter).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&page).await;
    alice.sees("It asks for pictures from elsewhere").await;
    alice.sees("<script>document.title='owned'</script>").await;
    // The picture of the page has what the frame shows.
    alice.inspect("message-hostile").await;
    assert!(listener.heard().is_empty(), "{:?}", listener.heard());
    // The same document by itself, where its parts can be reached.
    alice.goto(&format!("{page}/html")).await;
    alice.sees("Dear Bob").await;
    let logo = "document.querySelector('#logo')";
    eventually("its own picture is shown", async || {
        (alice.evaluate(&format!("{logo}.naturalWidth")).await == Some(1.into())).then_some(())
    })
    .await;
    alice.click("Win").await;
    alice.click("Run").await;
    alice.sees("Dear Bob").await;
    assert_eq!(alice.evaluate("document.title").await, Some("".into()), "nothing has run");
    assert!(listener.heard().is_empty(), "{:?}", listener.heard());
    // Asked for, pictures are loaded, by https alone: so the listener would have heard.
    alice.goto(&page).await;
    alice.click("Show remote images").await;
    alice.sees("Pictures from elsewhere are shown").await;
    eventually("the picture is asked for", async || (!listener.heard().is_empty()).then_some(())).await;
    let title = alice.evaluate("document.title").await.unwrap();
    assert_eq!(title, "<script>document.title='owned'</script> · Gatepost");
    for complaint in alice.complaints().await {
        assert!(!complaint.contains("exception"), "{complaint}");
    }
}

#[tokio::test]
async fn a_foreign_document_is_locked_and_everything_else_stays_as_strict_as_it_was() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fields = "Content-Type: text/html; charset=iso-8859-1\r\n";
    let page = app.send(&shop, &Letter { fields, body: b"<p>Gr\xfc\xdfe</p>", ..Letter::default() }).await;
    let alice = app.alice().await;
    let document = alice.get(&format!("{page}/html")).await;
    assert_eq!(document.body, "<base target=\"_blank\"><p>Grüße</p>");
    let policy = document.header("content-security-policy").to_owned();
    for rule in [
        "sandbox allow-popups allow-popups-to-escape-sandbox;",
        "default-src 'none';",
        "img-src data:;",
        "form-action 'none';",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("same-origin"), "{policy}");
    let headers = ["x-frame-options", "x-content-type-options", "cache-control", "content-type"];
    let said = headers.map(|name| document.header(name).to_owned());
    assert_eq!(said, ["SAMEORIGIN", "nosniff", "no-store", "text/html; charset=utf-8"]);
    let remote = alice.get(&format!("{page}/html?remote=1")).await;
    assert_eq!(
        remote.header("content-security-policy"),
        policy.replace("img-src data:;", "img-src data: https:;")
    );
    let around = alice.get(&page).await;
    let policy = around.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-src 'self'"), "{policy}");
    assert_eq!(around.header("x-frame-options"), "DENY");
    let other = alice.get("/messages").await;
    assert!(!other.header("content-security-policy").contains("frame-src"), "no other page has frames");
}

#[tokio::test]
async fn attachments_are_files_whatever_their_sender_called_them() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let part = |kind: &str, name: &str, body: &str| {
        format!("--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; {name}\r\n\r\n{body}\r\n")
    };
    let body = [
        part("text/html", "filename=\"../../x.html\"", "<script>alert(1)</script>"),
        part(
            "image/svg+xml",
            "filename*=UTF-8''a%0d%0aX-Evil%3a%201%22%e2%80%ae.svg",
            "<svg onload=alert(1)>",
        ),
        part("text/plain; charset=iso-8859-1", "filename*=iso-8859-1''Gr%f6%dfe.txt", "as it was"),
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\r\nforwarded\r\n--b--\r\n".to_owned(),
    ];
    let (fields, body) = ("Content-Type: multipart/mixed; boundary=b\r\n", body.concat());
    let page = app.send(&shop, &Letter { fields, body: body.as_bytes(), ..Letter::default() }).await;
    let alice = app.alice().await;
    for (number, kind, name, body) in [
        (
            1,
            "application/octet-stream",
            "attachment; filename=\"x.html\"; filename*=UTF-8''x.html",
            "<script>alert(1)</script>",
        ),
        (
            2,
            "application/octet-stream",
            "attachment; filename=\"aX-Evil_ 1_.svg\"; filename*=UTF-8''aX-Evil_%201_.svg",
            "<svg onload=alert(1)>",
        ),
        (
            3,
            "text/plain",
            "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt",
            "as it was",
        ),
        (
            4,
            "application/octet-stream",
            "attachment; filename=\"message-4.eml\"; filename*=UTF-8''message-4.eml",
            "Subject: Inner\r\n\r\nforwarded",
        ),
    ] {
        let file = alice.get(&format!("{page}/attachments/{number}")).await;
        let headers = ["content-type", "content-disposition", "x-content-type-options", "cache-control"];
        let said = headers.map(|name| file.header(name).to_owned());
        assert_eq!(said, [kind, name, "nosniff", "no-store"], "{number}");
        assert_eq!(file.body.trim_end(), body, "{number}");
        assert_eq!(file.header("x-evil"), "");
    }
    for nothing in ["0", "5", "99999999999999999999"] {
        let answer = alice.get(&format!("{page}/attachments/{nothing}")).await;
        assert!(answer.status.is_client_error(), "{nothing}: {}", answer.status);
    }
}
