//! Every flow in a browser that runs no scripts.

use super::HOME;
use crate::support::{ALICE, Browser, TestApp};

#[tokio::test]
async fn the_first_owner_logs_out_and_in_without_scripts() {
    let app = TestApp::start().await;
    let alice = Browser::open_without_scripts(&app.url).await;
    alice.goto(app.setup_link()).await;
    alice.fill("Organization", "Acme GmbH").await;
    alice.fill("E-mail", ALICE.0).await;
    alice.fill("Password", ALICE.1).await;
    alice.click("Create owner and log in").await;
    alice.is_at(HOME).await;
    alice.click("Log out").await;
    alice.is_at("/login").await;
    alice.fill("E-mail", ALICE.0).await;
    alice.fill("Password", ALICE.1).await;
    alice.click("Log in").await;
    alice.is_at(HOME).await;
    alice.close().await;
}

#[tokio::test]
async fn a_credential_lives_from_creation_to_deletion_without_scripts() {
    let app = TestApp::start().await;
    let alice = app.alice_without_scripts().await;
    alice.goto(HOME).await;
    alice.click("Create credential").await;
    alice.is_at(&format!("{HOME}/new")).await;
    alice.fill("Name", "Shop").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of Shop").await;
    let (username, password) = (alice.value_of("Username").await, alice.value_of("Password").await);
    alice.click("Show the password").await;
    alice.sees(&password).await;
    alice.click("Check it now").await;
    alice.sees("It works.").await;
    assert_eq!(alice.value_of("Password").await, password, "it is not lost by being checked");
    alice.click("Show the password").await;
    alice.sees(&password).await;
    alice.click("Back to the credentials").await;
    alice.click("Shop").await;
    alice.sees("Connection settings").await;

    alice.click("Edit").await;
    alice.fill("Name", "Newsletter").await;
    alice.click("Save").await;
    alice.sees("Newsletter is saved: it holds from the next log-in on.").await;
    alice.sees("Newsletter").await;

    alice.click("Rotate").await;
    alice.click("In 1 hour").await;
    alice.click("Rotate password").await;
    alice.sees("The old password works until").await;
    let fresh = alice.value_of("Password").await;
    alice.click("Done").await;
    assert_eq!(app.log_in(&username, &password).await.code, 235);
    alice.click("End grace now").await;
    alice.sees("The old password of Newsletter is refused from now on.").await;
    assert_eq!(app.log_in(&username, &password).await.code, 535);

    alice.click("Revoke").await;
    alice.sees("Revoke Newsletter?").await;
    alice.click("Revoke").await;
    alice.sees("Revoked").await;
    assert_eq!(app.log_in(&username, &fresh).await.code, 535);
    alice.click("Re-enable").await;
    alice.sees("Active").await;
    assert_eq!(app.log_in(&username, &fresh).await.code, 235);

    alice.click("Delete").await;
    alice.fill("Type Newsletter to confirm", "Newsletter").await;
    alice.click("Delete credential").await;
    alice.is_at(HOME).await;
    alice.sees("No credential yet").await;
    alice.close().await;
}

#[tokio::test]
async fn search_filter_sort_and_pages_work_without_scripts() {
    let app = TestApp::start().await;
    for number in 0..60 {
        app.issue(&format!("credential {number:02}")).await;
    }
    let alice = app.alice_without_scripts().await;
    alice.goto(&format!("{HOME}?sort=name&order=asc")).await;
    alice.sees("credential 00").await;
    alice.click("Next").await;
    alice.sees("credential 59").await;
    alice.click("Previous").await;
    alice.sees("credential 00").await;
    alice.fill("Search name or username", "credential 4").await;
    alice.click("Filter").await;
    alice.sees("10 credentials").await;
    alice.choose("Mode", "Sandbox").await;
    alice.click("Filter").await;
    alice.sees("No credential matches").await;
    alice.close().await;
}

#[tokio::test]
async fn settings_work_without_scripts() {
    let app = TestApp::start().await;
    let alice = app.alice_without_scripts().await;
    alice.goto("/settings/domains").await;
    alice.fill("Domain", "shop.example").await;
    alice.click("Add domain").await;
    alice.sees("No credential is scoped to it").await;
    alice.click("Remove shop.example").await;
    alice.sees("Remove shop.example?").await;
    alice.click("Remove domain").await;
    alice.sees("No domain yet").await;
    alice.goto("/settings/security").await;
    alice.fill("Current password", ALICE.1).await;
    alice.fill("New password", "another long pass phrase").await;
    alice.click("Change password").await;
    alice.sees("The password is changed.").await;
    alice.goto("/activity").await;
    alice.sees("Changed password").await;
    alice.close().await;
}
