//! The browser of the tests fails when it should.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;

use crate::support::Browser;

/// Serves one page, and nothing else.
async fn page(html: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let empty = || async { axum::http::StatusCode::NO_CONTENT };
    let router =
        Router::new().route("/", get(move || async move { Html(html) })).route("/favicon.ico", get(empty));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn complaints(html: &'static str) -> String {
    let url = page(html).await;
    let browser = Browser::open(&url).await;
    browser.goto("/").await;
    browser.sees("Hello").await;
    browser.complaints().await.join("\n")
}

#[tokio::test]
async fn a_good_page_is_no_reason_to_complain() {
    assert_eq!(complaints("<!doctype html><title>Good</title><p>Hello").await, "");
}

#[tokio::test]
async fn errors_exceptions_missing_files_and_foreign_hosts_are_noticed() {
    for (html, noticed) in [
        ("<p>Hello<script>console.error('a mistake')</script>", "a mistake"),
        ("<p>Hello<script>throw new Error('a surprise')</script>", "a surprise"),
        ("<p>Hello<img src=/missing.png>", "404"),
        ("<p>Hello<img src=http://other.invalid/pixel.png>", "somebody else: http://other.invalid/pixel.png"),
        (
            "<meta http-equiv=content-security-policy content=\"style-src 'none'\"><p style='color: red'>Hello",
            "style",
        ),
    ] {
        let complaints = complaints(html).await;
        assert!(complaints.contains(noticed), "{html}: {complaints}");
    }
}

#[tokio::test]
async fn axe_core_is_asked_and_answers() {
    let url = page("<!doctype html><html lang=en><title>Bad</title><main><h1>Hello</h1><input></main>").await;
    let mut browser = Browser::open(&url).await;
    browser.goto("/").await;
    let flaws = browser.flaws("self-test").await.join("\n");
    assert!(flaws.contains("label: input"), "{flaws}");
    browser.close().await;
}
