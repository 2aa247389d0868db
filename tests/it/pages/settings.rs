//! Security, activity.

use gatepost::model::credential::Mode;

use super::HOME;
use crate::support::{ALICE, DESK, Screen, TestApp, eventually};

#[tokio::test]
async fn alice_sees_her_sessions_ends_the_others_and_changes_her_password() {
    let app = TestApp::start().await;
    let mut alice = app.alice_at_a_desk().await;
    let (elsewhere, also_elsewhere) = (app.alice().await, app.alice().await);
    alice.goto("/settings/security").await;
    alice.sees("this one").await;
    alice.inspect("security").await;
    let before = alice.count("ul.rows li").await;
    alice.click_on("ul.rows li form button").await;
    alice.sees("The session has ended.").await;
    assert_eq!(alice.count("ul.rows li").await, before - 1);
    alice.fill("Current password", "not my password").await;
    alice.fill("New password", "another long pass phrase").await;
    alice.click("Change password").await;
    alice.sees("This is not your current password.").await;
    alice.inspect("security-refused").await;
    for (refused, why) in [
        (ALICE.0, "That is your e-mail address."),
        (ALICE.1, "That is the password that you have."),
        ("aaaabbbbcccc", "again and again"),
        ("            ", "again and again"),
    ] {
        alice.fill("Current password", ALICE.1).await;
        alice.fill("New password", refused).await;
        alice.click("Change password").await;
        alice.sees(why).await;
    }
    alice.fill("Current password", ALICE.1).await;
    alice.fill("New password", "another long pass phrase").await;
    alice.click("Change password").await;
    alice.sees("The password is changed.").await;
    for other in [elsewhere, also_elsewhere] {
        assert_eq!(other.get(HOME).await.status, 303, "all her other sessions have ended");
    }
    assert_eq!(app.visitor().log_in(ALICE.0, ALICE.1).await.status, 422);
    assert_eq!(app.visitor().log_in(ALICE.0, "another long pass phrase").await.status, 303);
    alice.close().await;
}

#[tokio::test]
async fn a_copy_of_the_cookie_ends_with_the_password() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let old = alice.cookie().expect("a cookie");
    let change = [("current", ALICE.1), ("new", "another long pass phrase")];
    assert_eq!(alice.post("/settings/security/password", &change).await.status, 303);
    assert_eq!(alice.get(HOME).await.status, 200, "she stays");
    assert_ne!(alice.cookie(), Some(old.clone()));
    let thief = app.visitor();
    let stolen = thief.request(reqwest::Method::GET, HOME).header("cookie", old);
    assert_eq!(thief.send(stolen).await.status, 303);
}

#[tokio::test]
async fn activity_tells_who_did_what_and_finds_a_denial_by_its_reference() {
    let app = TestApp::start().await;
    let visitor = app.alice().await;
    let created = visitor.post(HOME, &[("name", "Shop")]).await;
    assert_eq!(created.status, 200);
    let username = created.body.split("smtp_").nth(1).map(|rest| format!("smtp_{}", &rest[..16])).unwrap();
    let denied = app.log_in(&username, "sk_00000000000000000000000000000000").await;
    let unknown = app.log_in("smtp_0000000000000000", "hunter2").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/activity").await;
    alice.sees("Created credential Shop").await;
    alice.sees(ALICE.0).await;
    alice.inspect("activity").await;
    eventually("both denials are written", async || {
        alice.goto("/activity?kind=denied").await;
        let text = alice.text().await;
        (text.contains(&denied.reference()) && text.contains(&unknown.reference())).then_some(())
    })
    .await;
    alice.sees("Unknown username").await;
    alice.inspect("activity-denied").await;
    let reply = format!("535 {}", denied.text().to_lowercase());
    alice.fill("Reference of a denied log-in", &reply).await;
    alice.press(crate::support::keyboard::ENTER).await;
    alice.sees_no(&unknown.reference()).await;
    alice.sees("Wrong password").await;
    alice.sees(&username).await;
    let address = format!(
        "{HOME}/{}",
        &visitor.page("/activity").await.split_once(&format!("{HOME}/")).unwrap().1[..36]
    );
    assert_eq!(visitor.post(&format!("{address}/delete"), &[("confirmation", " Shop ")]).await.status, 303);
    for page in ["/activity", "/activity?kind=denied"] {
        let page = visitor.page(page).await;
        assert!(page.contains(&username), "what is gone is still told of");
        assert!(!page.contains(&address), "and no link leads nowhere: {page}");
    }
    alice.goto("/activity?kind=denied&reference=22222").await;
    alice.sees("No such reference").await;
    alice.inspect("activity-no-match").await;
    alice.close().await;
}

#[tokio::test]
async fn denied_log_ins_to_the_dashboard_stand_there_without_what_strangers_typed() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    for (email, password) in [(ALICE.0, "not my password"), ("my own pass phrase@x.example", ALICE.0)] {
        assert_eq!(app.visitor().log_in(email, password).await.status, 422);
    }
    let page = eventually("both are written", async || {
        let page = alice.page("/activity?kind=denied").await;
        (page.contains("Wrong password") && page.contains("Unknown username")).then_some(page)
    })
    .await;
    assert!(page.contains(ALICE.0) && page.contains("the dashboard"), "{page}");
    assert!(!page.contains("pass phrase") && !page.contains("not my password"), "{page}");
}

#[tokio::test]
async fn what_strangers_and_members_wrote_without_a_space_stays_within_the_page() {
    let app = TestApp::start().await;
    app.issue(&"n".repeat(255)).await;
    let mut stranger = app.smtp().await;
    stranger.expect(250, &format!("EHLO {}.example", "h".repeat(63))).await;
    stranger.log_in(&"u".repeat(255), "sk_").await;
    app.log_in("sk_00000000000000000000000000000000", "x").await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/activity").await;
    alice.inspect("activity-long").await;
    eventually("it is written down", async || {
        alice.goto("/activity?kind=denied").await;
        let text = alice.text().await;
        (text.contains("uuuu") && text.contains("A password came as the username")).then_some(())
    })
    .await;
    let line = "getComputedStyle(document.querySelector('td.foreign > div > .small')).display";
    assert_eq!(alice.evaluate(line).await, Some("block".into()), "the advice has a line of its own");
    alice.inspect("denied-long").await;
    alice.close().await;
}

#[tokio::test]
async fn no_page_scrolls_sideways_at_any_width() {
    let app = TestApp::start().await;
    let long = "W".repeat(255);
    let shop = app.issue(&long).await;
    app.issue("Shop").await;
    crate::usage::sent(&app, &shop.id, (0, Mode::Production), 100).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/settings/api-keys/new").await;
    alice.fill("Label", &"W".repeat(100)).await;
    alice.click("Everything").await;
    alice.click("Create API key").await;
    alice.sees("Copy the key").await;
    let page = format!("{HOME}/{}", shop.id);
    let steps = ["", "/edit", "/rotate", "/revoke", "/delete"].map(|step| format!("{page}{step}"));
    let lists = [HOME, "/settings/api-keys", "/usage", "/messages", "/activity"].map(str::to_owned);
    let overflow = "document.documentElement.scrollWidth - innerWidth";
    for path in steps.iter().chain(&lists) {
        alice.goto(path).await;
        alice.sees("Skip to content").await;
        for width in [320, 390, 861, 900, 1024, 1100, 1180, DESK.width] {
            alice.look_at(Screen { width, dark: false }).await;
            let over = alice.evaluate(overflow).await.and_then(|pixels| pixels.as_i64());
            assert!(over.is_some_and(|pixels| pixels <= 0), "{path} at {width}: {over:?} px too wide");
        }
    }
    alice.close().await;
}
