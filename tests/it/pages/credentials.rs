//! The life of a credential in the dashboard.

use std::net::IpAddr;
use std::time::Duration;

use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Grace, Mode, Scope};

use super::HOME;
use crate::support::keyboard::ESCAPE;
use crate::support::{Browser, Issued, TestApp, eventually};

/// What the open dialog shows once.
async fn shown_once(browser: &Browser, issued: &Issued) -> Issued {
    let password = browser.value_of("Password").await;
    assert!(password.starts_with("sk_") && password.len() == 35, "{password}");
    Issued { password, username: browser.value_of("Username").await, ..issued.clone() }
}

/// What is in the clipboard.
async fn clipboard(browser: &Browser) -> String {
    browser.may_read_the_clipboard().await;
    let text = browser.evaluate("navigator.clipboard.readText()").await.expect("a text");
    text.as_str().expect("a text").replace("\r\n", "\n")
}

#[tokio::test]
async fn alice_creates_a_credential_reveals_copies_and_checks_it() {
    let app = TestApp::start().await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Create credential").await;
    alice.sees("shown in the next step").await;
    alice.is_at(HOME).await;
    assert_eq!(alice.focused().await, "Name optional");
    alice.inspect("create").await;
    alice.fill("Name", "shop.example Production SMTP").await;
    alice.click("Sandbox").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of shop.example Production SMTP").await;
    alice.inspect("created").await;

    let shown = alice.text().await;
    let shop = shown_once(&alice, &Issued::default()).await;
    assert!(!shown.contains(&shop.password), "it is masked");
    assert_eq!(alice.evaluate("document.querySelector('#secret-password').type").await.unwrap(), "password");
    alice.click("Show password").await;
    assert_eq!(alice.evaluate("document.querySelector('#secret-password').type").await.unwrap(), "text");
    alice.inspect("created-revealed").await;

    alice.click("Copy password").await;
    assert_eq!(clipboard(&alice).await, shop.password);
    alice.click("Copy username").await;
    assert_eq!(clipboard(&alice).await, shop.username);
    alice.click("Copy as .env").await;
    let env = clipboard(&alice).await;
    assert!(env.contains(&shop.username) && env.contains(&shop.password), "{env}");

    alice.click("Check it now").await;
    alice.sees("It works.").await;
    alice.inspect("created-checked").await;
    alice.click("Done").await;
    alice.sees("1 credential").await;
    eventually("closing leaves no trace of it", async || {
        let page = alice.evaluate("document.documentElement.outerHTML").await?.to_string();
        (!page.contains(&shop.password)).then_some(())
    })
    .await;
    eventually("its check is seen as its last use", async || {
        alice.goto(HOME).await;
        alice.text().await.contains("just now").then_some(())
    })
    .await;
    alice.inspect("credentials-one").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let page = alice.evaluate("document.documentElement.outerHTML").await.unwrap().to_string();
    assert!(!page.contains(&shop.password), "it can't be had again");
    alice.close().await;
}

#[tokio::test]
async fn a_secret_that_was_not_copied_is_not_thrown_away_by_a_slip() {
    let app = TestApp::start().await;
    let alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Create credential").await;
    alice.sees("shown in the next step").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password").await;
    alice.click("Copy username").await;
    alice.press(ESCAPE).await;
    eventually("it only asks", async || (alice.focused().await == "Done").then_some(())).await;
    alice.sees("It can’t be shown again").await;
    alice.press(ESCAPE).await;
    alice.sees_no("Copy the password").await;
    alice.close().await;
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field() {
    let app = TestApp::start().await;
    app.issue("Shop").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Create credential").await;
    alice.fill("Name", "Shop").await;
    alice.click("Sandbox").await;
    alice.click("Only some domains").await;
    alice.click("Create credential").await;
    alice.sees("domain").await;
    eventually("the field is marked", async || (alice.count("[aria-invalid=true]").await > 0).then_some(()))
        .await;
    assert_eq!(alice.value_of("Name").await, "Shop");
    assert_eq!(
        alice.evaluate("document.querySelector('[name=mode]:checked').value").await.unwrap(),
        "sandbox"
    );
    let told = "[...document.querySelectorAll('[aria-invalid=true]')].every(field => field.getAttribute('aria-describedby')\
                .split(' ').some(id => document.getElementById(id).innerText.length > 5))";
    assert_eq!(alice.evaluate(told).await.unwrap(), true);
    alice.inspect("create-refused").await;
    alice.click("Global").await;
    alice.click("Create credential").await;
    alice.sees("Shop").await;
    eventually("the name is taken", async || (alice.count("#name-problem").await > 0).then_some(())).await;
    alice.fill("Name", "Shop 2").await;
    alice.click("Create credential").await;
    alice.sees("Copy the password of Shop 2").await;
    alice.close().await;
}

#[tokio::test]
async fn alice_edits_everything_but_the_username() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.alice().await.post("/settings/domains", &[("name", "shop.example")]).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Actions for Shop").await;
    alice.inspect("credentials-menu").await;
    alice.click("Edit").await;
    alice.sees("Edit Shop").await;
    alice.fill("Name", "Newsletter").await;
    alice.click("Sandbox").await;
    alice.click("Only some domains").await;
    alice.click("shop.example").await;
    alice.choose("Expires", "2099-12-31T23:59").await;
    alice.inspect("edit").await;
    alice.click("Save").await;
    alice.sees_no("Edit Shop").await;
    alice.sees("Newsletter").await;
    alice.sees("shop.example").await;
    alice.is_at(HOME).await;
    let changed = app.credential(&shop).await;
    assert_eq!((changed.name.as_str(), changed.mode.as_str()), ("Newsletter", "sandbox"));
    assert_eq!(changed.domains, ["shop.example"]);
    assert_eq!(changed.expires_at.unwrap().rfc3339(), "2099-12-31T23:59:00Z");
    assert_eq!(changed.username, shop.username);
    alice.close().await;
}

#[tokio::test]
async fn what_a_colleague_changed_meanwhile_is_not_replaced_unseen() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&format!("{HOME}/{}", shop.id)).await;
    alice.click("Edit").await;
    alice.sees("Edit Shop").await;
    let draft = Draft {
        name: "Newsletter".to_owned(),
        mode: Mode::Production,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: None,
    };
    app.change(&shop, async |tx, actor, id| Credential::update(tx, actor, id, draft).await).await;
    alice.fill("Name", "Web shop").await;
    alice.click("Save").await;
    alice.sees("Somebody changed it after you opened this.").await;
    alice.sees("Edit Newsletter").await;
    assert_eq!(alice.value_of("Name").await, "Web shop", "what she typed is still there");
    alice.inspect("edit-changed-meanwhile").await;
    assert_eq!(app.credential(&shop).await.name, "Newsletter");
    alice.click("Save").await;
    alice.sees("Web shop is saved").await;
    assert_eq!(app.credential(&shop).await.name, "Web shop");
    alice.close().await;
}

#[tokio::test]
async fn alice_rotates_with_grace_sees_who_still_uses_the_old_password_and_ends_the_grace() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let page = format!("{HOME}/{}", shop.id);
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&page).await;
    alice.click("Rotate").await;
    alice.sees("When does the old password stop?").await;
    alice.inspect("rotate").await;
    alice.click("In 24 hours").await;
    alice.click("Rotate password").await;
    alice.sees("Copy the password of Shop").await;
    alice.inspect("rotated").await;
    let fresh = shown_once(&alice, &shop).await;
    assert_eq!(fresh.username, shop.username);
    alice.click("Copy password").await;
    alice.click("Done").await;
    alice.sees("Not used since the rotation, a moment ago.").await;
    app.clock.advance(Duration::from_secs(125));
    alice.goto(&page).await;
    alice.sees("Not used in the 2 minutes since the rotation.").await;
    alice.sees_no("nothing seems to need it").await;
    app.clock.advance(Duration::from_secs(3_600));
    alice.goto(&page).await;
    alice.sees("Not used in the 1 hour since the rotation: nothing seems to need it any more.").await;
    for password in [&shop.password, &fresh.password] {
        assert_eq!(app.log_in(&shop.username, password).await.code, 235);
    }
    eventually("the use of the old password is shown", async || {
        alice.goto(&page).await;
        alice.text().await.contains("It is still in use").then_some(())
    })
    .await;
    alice.sees("Before the rotation").await;
    alice.sees("127.0.0.1").await;
    alice.inspect("credential-in-grace").await;
    alice.click("End grace now").await;
    alice.sees_no("The old password works until").await;
    assert_eq!(
        alice.evaluate("document.activeElement.id").await,
        Some("main".into()),
        "the focus is not lost"
    );
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 535);
    assert_eq!(app.log_in(&shop.username, &fresh.password).await.code, 235);
    alice.close().await;
}

#[tokio::test]
async fn everybody_who_still_uses_the_old_password_stands_there_however_many_use_the_new_one() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fresh = app.rotate(&shop, Grace::OneDay).await;
    let used = async |password: &str, numbers: std::ops::RangeInclusive<u8>| {
        for number in numbers {
            let mut session = app.smtp_from(IpAddr::from([127, 1, 0, number])).await;
            assert_eq!(session.log_in(&shop.username, password).await.code, 235);
        }
    };
    used(&shop.password, 1..=3).await;
    app.clock.advance(Duration::from_secs(60));
    used(&fresh.password, 11..=22).await;
    let alice = app.alice().await;
    let page = format!("{HOME}/{}", shop.id);
    eventually("all three are shown", async || {
        let page = alice.page(&page).await;
        (1..=3).all(|number| page.contains(&format!("<li><code>127.1.0.{number}</code>"))).then_some(())
    })
    .await;
    app.change(&shop, Credential::revoke).await;
    let revoked = alice.page(&page).await;
    assert!(revoked.contains("Both passwords are refused") && !revoked.contains("The old password works"));
}

#[tokio::test]
async fn an_expired_credential_that_is_re_enabled_is_still_expired() {
    let app = TestApp::start().await;
    let shop = app
        .issue_as(Draft {
            name: "Shop".to_owned(),
            mode: Mode::Production,
            scope: Scope::Global,
            domains: Vec::new(),
            expires_at: Some(app.clock.now().plus(Duration::from_secs(60))),
        })
        .await;
    app.change(&shop, Credential::revoke).await;
    app.clock.advance(Duration::from_secs(61));
    let alice = app.alice().await;
    let page = format!("{HOME}/{}", shop.id);
    assert_eq!(alice.post(&format!("{page}/enable"), &[]).await.status, 303);
    let page = alice.page(&page).await;
    assert!(page.contains("Shop is re-enabled, but expired"), "{page}");
}

#[tokio::test]
async fn alice_revokes_and_re_enables_a_credential_that_is_still_in_use() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    eventually("last used is written", async || app.credential(&shop).await.last_used).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Actions for Shop").await;
    alice.click("Revoke").await;
    alice.sees("Still in use: just now").await;
    alice.sees("from 127.0.0.1").await;
    alice.inspect("revoke").await;
    assert_eq!(alice.focused().await, "Cancel", "nothing is revoked by a slip of Enter");
    alice.click("Revoke").await;
    alice.sees("Shop is revoked").await;
    alice.sees_no("Still in use").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 535);
    alice.inspect("credentials-revoked").await;
    alice.click("Actions for Shop").await;
    alice.click("Re-enable").await;
    eventually("the row shows it", async || (alice.count(".state.active").await == 1).then_some(())).await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    alice.close().await;
}

#[tokio::test]
async fn alice_deletes_a_credential_by_typing_its_name() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.issue("Newsletter").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(HOME).await;
    alice.click("Actions for Shop").await;
    alice.click("Delete").await;
    alice.sees("It is gone for good").await;
    alice.inspect("delete").await;
    alice.fill("Type Shop to confirm", "shop?").await;
    alice.click("Delete credential").await;
    eventually("the field is marked", async || (alice.count("[aria-invalid=true]").await > 0).then_some(()))
        .await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    alice.fill("Type Shop to confirm", "Shop").await;
    alice.click("Delete credential").await;
    alice.sees("1 credential").await;
    eventually("its row is gone", async || {
        let rows = [alice.count("tbody tr").await, alice.count("[aria-label='Actions for Shop']").await];
        (rows == [1, 0]).then_some(())
    })
    .await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 535);
    alice.goto("/activity").await;
    alice.sees(&shop.username).await;
    alice.close().await;
}

#[tokio::test]
async fn one_credential_has_a_page_with_its_facts_examples_log_ins_and_denials() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let denied = app.log_in(&shop.username, "sk_00000000000000000000000000000000").await;
    let mut alice = app.alice_at_a_desk().await;
    eventually("log-in and denial are shown", async || {
        alice.goto(&format!("{HOME}/{}", shop.id)).await;
        let text = alice.text().await;
        (text.contains(&denied.reference()) && text.contains("client.example")).then_some(())
    })
    .await;
    alice.sees("Wrong password").await;
    alice.sees("self-signed").await;
    for tab in ["swaks", "Python", "Node"] {
        let selector = format!("[role=tab][id*={}]", tab.to_lowercase());
        alice.click_on(&selector).await;
        eventually("its panel opens", async || {
            alice.text_of("[role=tabpanel]:not([hidden])").await.contains(&shop.username).then_some(())
        })
        .await;
    }
    alice.inspect("credential").await;
    alice.close().await;
}

#[tokio::test]
async fn an_expired_credential_is_shown_as_expired() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let alice = app.alice_at_a_desk().await;
    let page = format!("{HOME}/{}", shop.id);
    alice.goto(&page).await;
    alice.click("Edit").await;
    let soon = app.clock.now().plus(Duration::from_secs(7_200)).rfc3339();
    alice.choose("Expires", &soon[..16]).await;
    alice.click("Save").await;
    alice.sees(" UTC (in ").await;
    app.clock.advance(Duration::from_secs(7_200));
    alice.goto(&page).await;
    alice.sees("Expired").await;
    alice.goto(&format!("{HOME}?status=expired")).await;
    alice.sees("Shop").await;
    alice.close().await;
}

#[tokio::test]
async fn a_domain_that_no_database_can_hold_is_refused_as_any_other() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let form = [("name", "Shop"), ("scope", "scoped"), ("domains", "a\0"), ("url", "https://hooks.example/")];
    for (path, events) in [(HOME, None), ("/settings/webhooks", Some(("events", "message.bounced")))] {
        let refused = alice.post(path, &form.into_iter().chain(events).collect::<Vec<_>>()).await;
        let is_told = refused.body.contains("is not a domain of this organization");
        assert!(refused.status == 422 && is_told, "{path}: {}", refused.body);
    }
}
