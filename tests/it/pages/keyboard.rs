//! The keyboard alone completes every flow, and one always sees where one is.

use super::HOME;
use crate::support::keyboard::{DOWN, ENTER, ESCAPE, SPACE};
use crate::support::{ALICE, Browser, TestApp, eventually};

#[tokio::test]
async fn alice_logs_in_by_keyboard() {
    let app = TestApp::start().await;
    app.alice().await;
    let alice = Browser::open(&app.url).await;
    alice.goto("/login").await;
    eventually("the first field has the focus", async || (alice.focused().await == "E-mail").then_some(()))
        .await;
    alice.insert(ALICE.0).await;
    alice.tab_to("Password").await;
    alice.insert(ALICE.1).await;
    alice.press(ENTER).await;
    alice.is_at(HOME).await;
    alice.close().await;
}

#[tokio::test]
async fn alice_creates_rotates_revokes_and_deletes_by_keyboard() {
    let app = TestApp::start().await;
    app.issue("Newsletter").await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.tab_to("Skip to content").await;
    alice.tab_to("Create credential").await;
    alice.press(ENTER).await;
    alice.sees("shown in the next step").await;
    assert_eq!(alice.focused().await, "Name optional");
    alice.press(ESCAPE).await;
    alice.sees_no("shown in the next step").await;
    assert_eq!(alice.focused().await, "Create credential", "focus returns to the button");
    alice.press(ENTER).await;
    alice.sees("shown in the next step").await;
    alice.insert("Shop").await;
    alice.press(ENTER).await;
    alice.sees("Copy the password of Shop").await;
    alice.tab_to("Show password").await;
    alice.press(SPACE).await;
    let password = alice.value_of("Password").await;
    let username = alice.value_of("Username").await;
    alice.tab_to("Done").await;
    alice.press(ENTER).await;
    alice.sees("2 credentials").await;

    menu(&alice, "Rotate password").await;
    alice.sees("When does the old password stop?").await;
    alice.press(DOWN).await;
    alice.press(ENTER).await;
    alice.sees("The old password works until").await;
    alice.press(ESCAPE).await;
    alice.press(ESCAPE).await;
    alice.sees("2 credentials").await;
    assert_eq!(app.log_in(&username, &password).await.code, 235, "in its grace");

    menu(&alice, "Revoke").await;
    alice.sees("Revoke Shop?").await;
    assert_eq!(alice.focused().await, "Cancel");
    alice.tab_to("Revoke").await;
    alice.press(ENTER).await;
    alice.sees("Revoked").await;
    assert_eq!(app.log_in(&username, &password).await.code, 535);

    menu(&alice, "Delete").await;
    alice.sees("It is gone for good").await;
    alice.insert("Shop").await;
    alice.press(ENTER).await;
    alice.sees("1 credential").await;
    alice.close().await;
}

/// Opens the menu of Shop and chooses from it.
async fn menu(alice: &Browser, choice: &str) {
    eventually("the dialog is closed", async || (alice.count("dialog[open]").await == 0).then_some(())).await;
    alice.tab_to("Actions for Shop").await;
    alice.press(ENTER).await;
    alice.tab_to(choice).await;
    alice.press(ENTER).await;
}
