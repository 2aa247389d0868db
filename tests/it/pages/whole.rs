//! Dialogs as the pages that they are too: opened by their address, without a dialog.

use super::HOME;
use crate::support::TestApp;

#[tokio::test]
async fn the_dialogs_of_a_credential_are_pages_that_look_as_they_should() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&format!("{HOME}/new")).await;
    alice.inspect("page-create").await;
    alice.fill("Name", "Shop").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of Shop").await;
    alice.inspect("page-created").await;
    alice.click("Check it now").await;
    alice.sees("It works.").await;
    alice.inspect("page-checked").await;
    alice.goto(HOME).await;
    alice.click("Shop").await;
    alice.sees("Connection settings").await;
    let shop = alice.path().await;
    for (step, sight) in [
        ("edit", "Edit Shop"),
        ("rotate", "When does the old password stop?"),
        ("revoke", "Revoke Shop?"),
        ("delete", "Delete Shop?"),
    ] {
        alice.goto(&format!("{shop}/{step}")).await;
        alice.sees(sight).await;
        alice.inspect(&format!("page-{step}")).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn the_dialogs_of_the_other_settings_are_pages_that_look_as_they_should() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let mut alice = app.alice_at_a_desk().await;
    for (page, button) in
        [("/settings/api-keys/new", "Create API key"), ("/settings/webhooks/new", "Create webhook")]
    {
        alice.goto(page).await;
        alice.sees(button).await;
        alice.inspect(&format!("page{}", page.replace('/', "-"))).await;
    }
    alice.close().await;
}
