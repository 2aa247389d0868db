//! The table of credentials: right with none, one and many.

use std::collections::BTreeSet;

use gatepost::model::Credential;

use super::HOME;
use crate::support::{Browser, TestApp, eventually};

/// The first column, row by row.
async fn names(browser: &Browser) -> Vec<String> {
    let names =
        browser.evaluate("[...document.querySelectorAll('tbody .name')].map(name => name.innerText)").await;
    serde_json::from_value(names.expect("an answer")).expect("names")
}

/// Waits until these are the rows.
async fn shows(browser: &Browser, expected: &[&str]) {
    eventually(&format!("the rows are {expected:?}"), async || {
        (names(browser).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn search_and_filters_find_what_they_say_and_the_address_says_what_is_shown() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.issue("Newsletter").await;
    let old = app.issue("Old importer").await;
    app.change(&old, Credential::revoke).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("3 credentials").await;
    alice.fill("Search name or username", "NEWS").await;
    shows(&alice, &["Newsletter"]).await;
    alice.fill("Search name or username", &shop.username[5..12].to_uppercase()).await;
    shows(&alice, &["Shop"]).await;
    alice.fill("Search name or username", "nothing like it").await;
    alice.sees("No credential matches").await;
    alice.inspect("credentials-no-match").await;
    alice.click("Show all credentials").await;
    alice.sees("3 credentials").await;
    alice.choose("Status", "Revoked").await;
    shows(&alice, &["Old importer"]).await;
    assert!(alice.path().await.contains("status=revoked"), "{}", alice.path().await);
    alice.choose("Status", "Any status").await;
    alice.choose("Mode", "Sandbox").await;
    alice.sees("No credential matches").await;
    alice.choose("Mode", "Any mode").await;
    alice.sees("3 credentials").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    eventually("last used is written", async || app.credential(&shop).await.last_used).await;
    alice.click("Unused for 90 days").await;
    eventually("Shop is used", async || (!names(&alice).await.contains(&"Shop".to_owned())).then_some(()))
        .await;
    alice.close().await;
}

#[tokio::test]
async fn each_column_sorts_both_ways_and_says_so() {
    let app = TestApp::start().await;
    for name in ["beta", "Alpha", "gamma"] {
        app.issue(name).await;
    }
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    shows(&alice, &["Alpha", "beta", "gamma"]).await;
    alice.click("Name").await;
    shows(&alice, &["gamma", "beta", "Alpha"]).await;
    alice.click("Name").await;
    shows(&alice, &["Alpha", "beta", "gamma"]).await;
    alice.click("Created").await;
    shows(&alice, &["gamma", "Alpha", "beta"]).await;
    alice.click("Created").await;
    shows(&alice, &["beta", "Alpha", "gamma"]).await;
    for column in ["Username", "Status", "Mode", "Scope", "Last used"] {
        alice.click(column).await;
        eventually(&format!("{column} is the sorted column"), async || {
            (alice.text_of("th[aria-sort]").await == column).then_some(())
        })
        .await;
        assert_eq!(names(&alice).await.len(), 3);
    }
    alice.close().await;
}

#[tokio::test]
async fn a_hundred_and_twenty_credentials_are_paged_without_losing_one_while_others_come() {
    let app = TestApp::start().await;
    for number in 0..120 {
        app.issue(&format!("credential {number:03}")).await;
    }
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&format!("{HOME}?sort=name&order=asc")).await;
    alice.inspect("credentials-many").await;
    let mut seen = Vec::new();
    for (page, size) in [50, 50, 20].into_iter().enumerate() {
        eventually(&format!("page {page} is shown"), async || {
            let rows = names(&alice).await;
            (rows.len() >= size && rows.first() != seen.first() && !seen.contains(&rows[0])).then_some(())
        })
        .await;
        seen.extend(names(&alice).await);
        // It stands before what has been shown, and moves nothing.
        app.issue(&format!("a late one, {page}")).await;
        if page < 2 {
            alice.click("Next").await;
        }
    }
    let expected: Vec<String> = (0..120).map(|number| format!("credential {number:03}")).collect();
    assert_eq!(seen, expected);
    let mut back = BTreeSet::from_iter(names(&alice).await);
    while alice.count("a#previous").await == 1 {
        let before = names(&alice).await;
        alice.click("Previous").await;
        eventually("the page before", async || (names(&alice).await != before).then_some(())).await;
        back.extend(names(&alice).await);
    }
    assert!(back.len() >= 120, "{}", back.len());
    alice.close().await;
}
