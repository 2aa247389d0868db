//! The checker: a real session with the running door, with cause and cure where it fails.

use gatepost::model::Credential;

use std::net::Ipv4Addr;

use super::HOME;
use crate::support::{ALICE, TestApp, Visitor};

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
    alice.sees("The server's certificate is self-signed").await;
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
        ("alice@acme.example", "correct horse", "An e-mail address and password of the dashboard were used."),
        (&format!("{} ", shop.username), &shop.password, "There is a space or line break"),
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
    alice.click_on(".checker > button").await;
    alice.sees("Sender domain acme.example is not allowed").await;
    app.verified("acme.example").await;
    alice.fill("Recipient", "bob@example.org").await;
    alice.click_on(".checker > button").await;
    alice.sees("It works.").await;
    alice.sees("No next hop is set").await;
    let care = "['.note', 'p'].map(one => getComputedStyle(document.querySelector(`.whole > ${one} > .icon`)).color) \
                .reduce((note, whole) => note !== whole)";
    assert_eq!(alice.evaluate(care).await, Some(true.into()), "a note of care is not green");
    alice.click_on(".steps li:nth-child(9) summary").await;
    alice.sees("Recipient OK").await;
    alice.close().await;
}

#[tokio::test]
async fn failed_checks_count_for_the_member_and_not_for_the_machine() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let (here, elsewhere) = (app.alice().await, Visitor::from(Ipv4Addr::new(127, 1, 0, 1).into(), &app.url));
    assert_eq!(elsewhere.log_in(ALICE.0, ALICE.1).await.status, 303);
    let check = async |who: &Visitor, password: &str| {
        let form = [("username", shop.username.as_str()), ("password", password)];
        let answer = who.post("/settings/smtp-credentials/check", &form).await;
        assert_eq!(answer.status, 200);
        answer.body
    };
    for number in 0..8 {
        assert!(
            check(&elsewhere, &format!("sk_{number:032}")).await.contains("is not that of this credential")
        );
    }
    assert!(check(&elsewhere, &shop.password).await.contains("Too many log-ins failed"));
    assert!(here.page("/activity?kind=denied").await.contains("127.1.0.1"));
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    assert!(check(&here, &shop.password).await.contains("It works."));
}
