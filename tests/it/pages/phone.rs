//! Every flow on a phone: 390 px wide.

use super::HOME;
use crate::support::{DESK, PHONE, TestApp, eventually};

#[tokio::test]
async fn alice_manages_a_credential_on_her_phone() {
    let app = TestApp::start().await;
    let mut alice = app.alice_on_a_phone().await;
    alice.goto(HOME).await;
    alice.click("Create credential").await;
    alice.fill("Name", "Shop").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of Shop").await;
    let (username, password) = (alice.value_of("Username").await, alice.value_of("Password").await);
    alice.click("Check it now").await;
    alice.sees("It works.").await;
    eventually("the button has the focus again", async || {
        (alice.focused().await == "Check it now").then_some(())
    })
    .await;
    alice.click("Done").await;
    alice.sees("1 credential").await;
    for fact in [&username, "Active", "Production", "Global"] {
        alice.sees(fact).await;
    }
    alice.click("Actions for Shop").await;
    alice.click("Revoke").await;
    alice.sees("Revoke Shop?").await;
    alice.click("Revoke").await;
    eventually("it is revoked", async || (alice.count(".state.revoked").await == 1).then_some(())).await;
    assert_eq!(app.log_in(&username, &password).await.code, 535);
    alice.click("Menu").await;
    alice.sees("Log out").await;
    alice.inspect("menu").await;
    alice.look_at(DESK).await;
    let width = "document.querySelector('#menu').getBoundingClientRect().right";
    let right = alice.evaluate(width).await.and_then(|right| right.as_f64());
    assert!(right.is_some_and(|right| right <= 224.0), "the open menu lies over the page: {right:?}");
    alice.look_at(PHONE).await;
    alice.click("Domains").await;
    alice.is_at("/settings/domains").await;
    alice.click("Menu").await;
    alice.click("Log out").await;
    alice.is_at("/login").await;
    alice.close().await;
}
