//! What every answer holds to, whoever asks: headers, caches, other sites, secrets.

use std::net::Ipv4Addr;

use reqwest::Method;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::HOME;
use crate::support::{ALICE, Answer, GatepostProcess, Installation, PATIENCE, TestApp, Visitor, eventually};

fn assert_strict(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{path}: {name}");
    }
    assert!(!answer.header("x-request-id").is_empty(), "{path}: a request has an id");
}

#[tokio::test]
async fn a_request_is_named_by_gatepost_alone() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    let request = visitor.request(Method::GET, "/login").header("x-request-id", "evil id=1");
    let answer = visitor.send(request).await;
    assert_eq!(answer.header("x-request-id").len(), 36, "{answer:?}");
}

#[tokio::test]
async fn one_client_does_not_take_the_places_of_all_others() {
    let app = TestApp::start().await;
    let address = app.url.trim_start_matches("http://").parse().unwrap();
    let connect = async || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 0, 0, 9), 0).into()).unwrap();
        socket.connect(address).await.unwrap()
    };
    let mut crowd = Vec::new();
    for _ in 0..256 {
        crowd.push(connect().await);
    }
    let mut one_more = connect().await;
    let read = timeout(PATIENCE, one_more.read(&mut [0; 9])).await.expect("it is closed at once");
    assert!(read.is_err() || read.is_ok_and(|count| count == 0));
    assert_eq!(app.visitor().get("/healthz").await.status, 200);
    drop(crowd);
    let back = Visitor::from(Ipv4Addr::new(127, 0, 0, 9).into(), &app.url);
    eventually("its places are free again", async || {
        let answer = back.try_send(back.request(Method::GET, "/healthz")).await;
        answer.is_ok_and(|answer| answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_address_of_a_form_that_was_refused_leads_back_to_its_page() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    for (form, page) in [
        ("/settings/security/password", "/settings/security"),
        ("/settings/smtp-credentials/check", HOME),
        ("/usage/allowance", "/usage"),
    ] {
        let answer = alice.get(form).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, page), "{form}");
    }
    let stranger = app.visitor();
    assert!(!stranger.page("/login").await.contains("Log in to go on"));
    assert!(stranger.page("/login?next=/usage").await.contains("Log in to go on"));
}

#[tokio::test]
async fn every_answer_is_strict_errors_included() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let shop = app.issue("Shop").await;
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/login",
        "/nowhere",
        "/assets/none/none.css",
        HOME,
        "/settings/smtp-credentials/new",
        "/settings/smtp-credentials/not-an-id",
        "/settings/smtp-credentials/00000000-0000-7000-8000-000000000000",
        "/settings/domains",
        "/settings/security",
        "/activity",
        &format!("{HOME}/{}", shop.id),
        &format!("{HOME}?after=rubbish"),
        "/setup?token=wrong",
    ] {
        let answer = alice.get(path).await;
        assert_strict(path, &answer);
        if !path.starts_with("/assets") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.body);
        assert_eq!(answer.header("strict-transport-security"), "", "{path}: not over plain http");
    }
    for (method, path) in [(Method::POST, "/nowhere"), (Method::PUT, HOME), (Method::DELETE, "/login")] {
        let answer = alice.send(alice.request(method, path)).await;
        assert_strict(path, &answer);
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    let long = alice.post(HOME, &[("name", &"x".repeat(600 * 1024))]).await;
    assert_strict("a long form", &long);
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn behind_https_browsers_are_told_to_stay_there_and_the_cookie_is_for_https_alone() {
    let app = TestApp::with_config(|config| {
        config.set("public_url", "https://gatepost.example").unwrap();
    })
    .await;
    let alice = app.visitor();
    let (_, token) = app.setup_link().split_once("token=").unwrap();
    let owner = [("token", token), ("organization", "Acme"), ("email", ALICE.0), ("password", ALICE.1)];
    let answer = alice.post("/setup", &owner).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.header("strict-transport-security").contains("max-age="));
    let cookie = answer.header("set-cookie");
    for part in ["__Host-", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain="), "{cookie}");
}

#[tokio::test]
async fn what_another_site_sends_with_alices_cookie_is_refused() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let shop = app.issue("Shop").await;
    let revoke = format!("{HOME}/{}/revoke", shop.id);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let request = alice.request(Method::POST, &revoke).header(name, value);
        let answer = alice.send(request).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        assert!(answer.body.contains("another site"), "{}", answer.body);
        assert_strict(&revoke, &answer);
    }
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let own = alice
        .request(Method::POST, &revoke)
        .header("origin", &app.url)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(alice.send(own).await.status, 303);
}

#[tokio::test]
async fn nothing_of_the_dashboard_opens_without_a_login() {
    let app = TestApp::start().await;
    app.alice().await;
    let shop = app.issue("Shop").await;
    let mallory = app.visitor();
    let home = format!("{HOME}/{}", shop.id);
    for path in
        [HOME, &format!("{HOME}/new"), &home, &format!("{home}/edit"), "/settings/domains", "/activity"]
    {
        let answer = mallory.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.location().starts_with("/login?next="), "{path}: {}", answer.location());
        assert!(!answer.body.contains(&shop.username));
    }
    for path in [HOME, &format!("{home}/revoke"), &format!("{home}/delete"), "/settings/domains", "/logout"] {
        let answer = mallory.post(path, &[("name", "x"), ("confirmation", "Shop")]).await;
        assert!(matches!(answer.status.as_u16(), 303 | 401), "{path}: {}", answer.status);
    }
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn the_answer_that_shows_a_password_is_kept_nowhere_and_not_compressed() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let form = "name=Shop";
    let request =
        alice.request(Method::POST, HOME).header("content-type", "application/x-www-form-urlencoded");
    let created = alice.send(request.header("accept-encoding", "gzip").body(form)).await;
    assert!(created.body.contains("sk_"));
    assert_eq!(created.header("cache-control"), "no-store");
    assert_eq!(created.header("content-encoding"), "", "its length gives nothing away");
}

#[tokio::test]
async fn the_dashboard_logs_no_secret() {
    let here = Installation::new().await;
    let server = GatepostProcess::start(&here).await;
    let (alice, link) = (server.visitor(), server.setup_link.clone().unwrap());
    alice.set_up(&link, ALICE.0, ALICE.1).await;
    let created = alice.post(HOME, &[("name", "Shop")]).await.body;
    let start = created.find("sk_").unwrap();
    let password = &created[start..start + 35];
    alice.post(&format!("{HOME}/check"), &[("username", "smtp_x"), ("password", password)]).await;
    alice.log_in(ALICE.0, "a wrong but secret password").await;
    let token = link.split_once("token=").unwrap().1;
    alice.get(&format!("/setup?token={token}")).await;
    let (session, log) = (alice.cookie().unwrap(), server.log());
    let session = session.split_once('=').unwrap().1;
    assert!(log.contains("/settings/smtp-credentials/check"), "requests are logged");
    for secret in [password, ALICE.1, "a wrong but secret password", token, session] {
        assert!(!log.contains(secret), "a secret is in the log: {secret}");
    }
}

#[tokio::test]
async fn trouble_with_the_database_is_a_page_that_gives_nothing_away() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    app.issue("Shop").await;
    let database = app.installation.database();
    database.execute("ALTER TABLE credentials RENAME TO credentials_away").await;
    let answer = alice.get(HOME).await;
    assert!(answer.status.is_server_error(), "{}", answer.status);
    assert_strict(HOME, &answer);
    assert!(answer.body.contains("Reference") && answer.body.contains(answer.header("x-request-id")));
    for inside in ["SQL", "table", "relation", "sqlx", "column"] {
        assert!(!answer.body.contains(inside), "{inside}: {}", answer.body);
    }
    database.execute("ALTER TABLE credentials_away RENAME TO credentials").await;
    assert_eq!(alice.get(HOME).await.status, 200);
}

/// Everything that the first page needs, as it goes over the wire.
#[tokio::test]
async fn the_first_page_is_under_60_kilobytes() {
    let app = TestApp::start().await;
    let visitor = app.visitor();
    let page = visitor.page("/login").await;
    let mut sizes = vec![("/login".to_owned(), size(&visitor, "/login").await)];
    let assets: std::collections::BTreeSet<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .map(|text| text.split('#').next().unwrap())
        .collect();
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in assets {
        sizes.push((asset.to_owned(), size(&visitor, asset).await));
    }
    let whole: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(whole < 60_000, "{whole} bytes: {sizes:#?}");
}

async fn size(visitor: &Visitor, path: &str) -> usize {
    let request = visitor.request(Method::GET, path).header("accept-encoding", "gzip");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let headers: usize =
        answer.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    headers + answer.bytes().await.unwrap().len()
}
