//! The table of credentials: right with none, one and many.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Mode, Scope};
use serde_json::json;

use super::HOME;
use crate::support::{Browser, Issued, TestApp, eventually};

const DAY: Duration = Duration::from_secs(86_400);

const NAMES: &str = "[...document.querySelectorAll('tbody .name')].map(name => name.innerText)";

/// The first column, row by row.
async fn names(browser: &Browser) -> Vec<String> {
    let names = browser.evaluate(NAMES).await;
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
    alice.close().await;
}

#[tokio::test]
async fn those_are_found_that_nobody_has_used_for_90_days() {
    let app = TestApp::with_config(|config| config.session_timeout = 200 * DAY).await;
    let [shop, old] = [app.issue("Shop").await, app.issue("Old importer").await];
    app.issue("Forgotten").await;
    use_now(&app, &old).await;
    app.clock.advance(91 * DAY);
    app.issue("Fresh").await;
    use_now(&app, &shop).await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.sees("4 credentials").await;
    alice.click("Unused for 90 days").await;
    shows(&alice, &["Forgotten", "Old importer"]).await;
    alice.close().await;
}

/// Logs in, and waits until that is written down.
async fn use_now(app: &TestApp, issued: &Issued) {
    let before = app.credential(issued).await.last_used.map(|used| used.at);
    assert_eq!(app.log_in(&issued.username, &issued.password).await.code, 235);
    eventually("last used is written", async || {
        app.credential(issued).await.last_used.filter(|used| before < Some(used.at))
    })
    .await;
}

/// Three credentials that no two columns sort alike but where their values are the same: those follow their creation.
async fn three(app: &TestApp) -> [Issued; 3] {
    app.verified("gamma.example").await;
    let (mode, scope, domains) = (Mode::Sandbox, Scope::Scoped, vec!["gamma.example".to_owned()]);
    let gamma = Draft { name: "gamma".to_owned(), mode, scope, domains, expires_at: None };
    let three = [app.issue_for_sandbox("beta").await, app.issue("Alpha").await, app.issue_as(gamma).await];
    let [beta, alpha, gamma] = &three;
    use_now(app, gamma).await;
    use_now(app, beta).await;
    app.change(alpha, Credential::revoke).await;
    three
}

#[tokio::test]
async fn each_column_sorts_both_ways_and_says_so() {
    let app = TestApp::start().await;
    let [beta, alpha, gamma] = three(&app).await;
    let mut by_username = [(beta.username, "beta"), (alpha.username, "Alpha"), (gamma.username, "gamma")];
    by_username.sort();
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    shows(&alice, &["Alpha", "beta", "gamma"]).await;
    for (column, ascending) in [
        ("Username", by_username.map(|(_, name)| name)),
        ("Status", ["beta", "gamma", "Alpha"]),
        ("Mode", ["Alpha", "beta", "gamma"]),
        ("Scope", ["beta", "Alpha", "gamma"]),
        ("Last used", ["Alpha", "gamma", "beta"]),
        ("Created", ["beta", "Alpha", "gamma"]),
        ("Name", ["Alpha", "beta", "gamma"]),
    ] {
        let mut orders = [("ascending", ascending), ("descending", ascending)];
        orders[1].1.reverse();
        if ["Last used", "Created"].contains(&column) {
            orders.reverse();
        }
        for (direction, order) in orders {
            alice.click(column).await;
            eventually(&format!("{column} is {direction}"), async || {
                let sorted =
                    "[...document.querySelectorAll('th[aria-sort]')].map(th => [th.innerText, th.ariaSort])";
                (alice.evaluate(sorted).await? == json!([[column, direction]])).then_some(())
            })
            .await;
            shows(&alice, &order).await;
        }
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
    assert_eq!(alice.focused().await, "Next", "on the last page too");
    let mut back = BTreeSet::from_iter(names(&alice).await);
    while alice.count("a#previous").await == 1 {
        let before = names(&alice).await;
        alice.click("Previous").await;
        eventually("the page before", async || (names(&alice).await != before).then_some(())).await;
        back.extend(names(&alice).await);
    }
    assert!(back.len() >= 120, "{}", back.len());
    alice.goto(&format!("{HOME}?sort=name&order=asc")).await;
    let first = names(&alice).await;
    alice.click("Next").await;
    eventually("the next page", async || (names(&alice).await != first).then_some(())).await;
    alice.evaluate("history.back()").await;
    eventually("Back leads to the page before", async || {
        (alice.evaluate(NAMES).await? == json!(first)).then_some(())
    })
    .await;
    alice.close().await;
}
