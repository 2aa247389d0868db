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

#[test]
fn the_document_says_which_refusals_come_and_what_is_left_out() {
    let document: Value = document_as_json().parse().unwrap();
    let answers = |path: &str, method: &str| document["paths"][path][method]["responses"].clone();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // Any of them refuses a query parameter that it does not know.
            assert!(operation["responses"]["400"].is_object(), "{method} {path}");
        }
    }
    let one = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}";
    let other = "/v2/accounts/{account_id}/smtp-credentials/verify";
    assert!(answers(one, "get")["405"].is_object(), "`verify` stands where the id does");
    assert!(answers(other, "post")["405"].is_null());
    let domain = "/v2/accounts/{account_id}/domains/{domain}";
    assert!(answers(domain, "delete")["409"].is_null(), "AhaSend has none");
    let rotate = &document["paths"][format!("{one}/rotate")]["post"]["requestBody"];
    assert_eq!(rotate["required"], false);

    let schemas = &document["components"]["schemas"];
    for (schema, fields) in [
        ("CreateCredential", vec!["sandbox"]),
        ("CreateWebhook", vec!["on_reception", "on_failed", "on_opened", "on_dns_error"]),
    ] {
        for field in fields {
            let property = &schemas[schema]["allOf"][0]["properties"][field];
            assert_eq!(property["default"], false, "{schema} {field}");
        }
    }
    let list = &schemas["CreateAPIKeyRequest"]["properties"]["ip_allow_list"];
    assert!(list["items"]["pattern"].is_string() && list["maxItems"].is_null(), "{list}");
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
