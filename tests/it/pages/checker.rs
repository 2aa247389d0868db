//! The checker: a real session with the running door, with cause and cure where it fails.

use gatepost::model::Credential;

use super::HOME;
use crate::support::TestApp;

#[tokio::test]
async fn the_checker_shows_each_step_and_masks_the_password() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.fill("Username", &shop.username).await;
    alice.fill("Password", &shop.password).await;
    alice.click_on(".checker > button").await;
    alice.sees("It works.").await;
    let said = alice.evaluate("document.querySelector('#steps').textContent").await.unwrap();
    let said = said.as_str().unwrap();
    for part in ["TLS 1.3", "EHLO", "AUTH PLAIN ********", "235 2.7.0", " ms"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(&shop.password));
    alice.inspect("checker").await;
    alice.close().await;
}

#[tokio::test]
async fn the_checker_tells_a_member_the_true_reason_and_what_to_do() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let revoked = app.issue("Revoked").await;
    app.change(&revoked, Credential::revoke).await;
    let mut alice = app.alice_at_a_desk().await;
    for (username, password, cause) in [
        (shop.username.as_str(), revoked.password.as_str(), "The password is not that of this credential."),
        (&shop.username, "hunter2", "That is not a password that Gatepost made."),
        ("smtp_0000000000000000", &shop.password, "There is no credential with this username."),
        (&revoked.username, &revoked.password, "The credential is revoked."),
    ] {
        alice.goto(HOME).await;
        alice.fill("Username", username).await;
        alice.fill("Password", password).await;
        alice.click_on(".checker > button").await;
        alice.sees("It does not work yet.").await;
        alice.sees(cause).await;
    }
    alice.inspect("checker-failed").await;
    alice.close().await;
}

#[tokio::test]
async fn the_checker_tries_a_sender_and_a_recipient_too() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.fill("Username", &shop.username).await;
    alice.fill("Password", &shop.password).await;
    alice.click("Try a sender and a recipient too").await;
    alice.fill("Sender", "hello@acme.example").await;
    alice.fill("Recipient", "bob@example.org").await;
    alice.click_on(".checker > button").await;
    alice.sees("Sender domain acme.example is not allowed").await;
    app.verified("acme.example").await;
    alice.click_on(".checker > button").await;
    alice.sees("It works.").await;
    alice.click_on(".steps li:nth-child(9) summary").await;
    alice.sees("Recipient OK").await;
    alice.close().await;
}
