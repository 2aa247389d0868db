//! The OpenAPI document: what is kept in the repository is what the server serves.

use gatepost::api::document_as_json;
use serde_json::Value;

use crate::support::TestApp;

const KEPT: &str = include_str!("../../../docs/openapi.json");

#[test]
fn the_document_in_the_repository_is_the_one_that_the_handlers_make() {
    let made = document_as_json();
    let differs = KEPT.lines().zip(made.lines()).position(|(kept, made)| kept != made);
    let line = differs.map_or(KEPT.lines().count().min(made.lines().count()), |line| line) + 1;
    assert!(
        KEPT.trim_end() == made.trim_end(),
        "docs/openapi.json is out of date, from line {line} on. Renew it: cargo run -- openapi > docs/openapi.json"
    );
}

#[tokio::test]
async fn the_document_is_served_to_everybody_and_kept_by_caches() {
    let app = TestApp::start().await;
    let url = format!("{}/openapi.json", app.url);
    let answer = reqwest::get(&url).await.unwrap();
    let headers = answer.headers().clone();
    assert_eq!(
        (answer.status().as_u16(), &headers["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let served: Value = answer.text().await.unwrap().parse().unwrap();
    assert_eq!(served, document_as_json().parse::<Value>().unwrap());

    let again =
        reqwest::Client::new().get(&url).header("if-none-match", &headers["etag"]).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.bytes().await.unwrap().len()), (304, 0));
    let other = reqwest::Client::new().get(&url).header("if-none-match", "\"another\"").send().await.unwrap();
    assert_eq!(other.status().as_u16(), 200);
}
