//! The first owner; log in, log out; guesses at a member's password.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::HOME;
use crate::support::{ALICE, Browser, TestApp, Visitor};

#[tokio::test]
async fn the_link_creates_the_first_owner_and_works_once() {
    let app = TestApp::start().await;
    let (email, password) = ALICE;
    let mut alice = Browser::open(&app.url).await;
    alice.goto("/login").await;
    alice.sees("There is no account yet").await;
    alice.goto(app.setup_link()).await;
    alice.inspect("setup").await;
    alice.fill("Organization", "Acme GmbH").await;
    alice.fill("E-mail", email).await;
    alice.fill("Password", "short").await;
    alice.click("Create owner and log in").await;
    alice.sees("at least").await;
    assert_eq!(alice.value_of("Organization").await, "Acme GmbH", "what was typed stays");
    assert_eq!(alice.value_of("E-mail").await, email, "what was typed stays");
    alice.inspect("setup-refused").await;
    alice.fill("Password", password).await;
    alice.click("Create owner and log in").await;
    alice.is_at(HOME).await;
    alice.sees("No credential yet").await;
    alice.inspect("credentials-empty").await;
    alice.expects(404);
    alice.goto(app.setup_link()).await;
    alice.sees("This link is used up").await;
    alice.inspect("setup-used-up").await;
    alice.goto("/nowhere").await;
    alice.sees("There is no page at this address").await;
    alice.inspect("error").await;
    alice.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_the_link_at_once_one_becomes_the_owner() {
    let app = TestApp::start().await;
    let (_, token) = app.setup_link().split_once("token=").unwrap();
    let redeem = async |number: usize| {
        let email = format!("owner{number}@acme.example");
        let owner = [("token", token), ("organization", "Acme"), ("email", &email), ("password", ALICE.1)];
        app.visitor().post("/setup", &owner).await.status.as_u16()
    };
    let mut statuses = futures_util::future::join_all((0..8).map(redeem)).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404, 404, 404, 404, 404, 404, 404]);
    let members = app.installation.run(&["user", "list"]).await.stdout();
    assert_eq!(members.matches("@acme.example").count(), 1, "{members}");
}

#[tokio::test]
async fn alice_logs_in_where_she_wanted_to_go_and_out_again() {
    let app = TestApp::start().await;
    app.alice().await;
    let (email, password) = ALICE;
    let mut alice = Browser::open(&app.url).await;
    alice.goto("/activity?kind=denied").await;
    alice.sees("Log in").await;
    alice.inspect("login").await;
    alice.fill("E-mail", email).await;
    alice.fill("Password", "not my password at all").await;
    alice.click("Show password").await;
    assert_eq!(alice.evaluate("document.querySelector('#password').type").await.unwrap(), "text");
    alice.click("Log in").await;
    alice.sees("don’t go together").await;
    assert_eq!(alice.value_of("E-mail").await, email, "what was typed stays");
    assert_eq!(alice.value_of("Password").await, "", "but for the password");
    alice.inspect("login-refused").await;
    alice.fill("Password", password).await;
    alice.click("Log in").await;
    alice.is_at("/activity?kind=denied").await;
    alice.click("Log out").await;
    alice.is_at("/login").await;
    alice.goto(HOME).await;
    alice.sees("Log in").await;
    alice.close().await;
}

#[tokio::test]
async fn a_log_in_that_fails_says_the_same_whether_the_address_exists_or_not() {
    let app = TestApp::start().await;
    app.alice().await;
    let visitor = app.visitor();
    let wrong = visitor.log_in(ALICE.0, "not her password").await;
    let unknown = visitor.log_in("mallory@acme.example", "not her password").await;
    assert_eq!((wrong.status, unknown.status), (422.try_into().unwrap(), 422.try_into().unwrap()));
    assert_eq!(wrong.body, unknown.body.replace("mallory@acme.example", ALICE.0));
}

#[tokio::test]
async fn guesses_at_a_member_are_slowed_down_and_alice_gets_in_from_elsewhere() {
    let app = TestApp::start().await;
    app.alice().await;
    let mallory = Visitor::from(IpAddr::from(Ipv4Addr::new(127, 0, 0, 66)), &app.url);
    let mut slowed_after = None;
    for guess in 0..30 {
        let answer = mallory.log_in(ALICE.0, "a guess").await;
        if answer.status == 429 {
            slowed_after = Some(guess);
            break;
        }
        assert_eq!(answer.status, 422, "{}", answer.body);
    }
    assert!(slowed_after.is_some_and(|guesses| guesses >= 5), "{slowed_after:?}");
    let right = mallory.log_in(ALICE.0, ALICE.1).await;
    assert_eq!(right.status, 429, "even the right password is not looked at");
    assert_eq!(app.visitor().log_in(ALICE.0, ALICE.1).await.status, 303);
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(mallory.log_in(ALICE.0, ALICE.1).await.status, 303, "forgiven in time");
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let app = TestApp::with_config(|config| config.session_timeout = Duration::from_secs(3_600)).await;
    let alice = app.alice().await;
    alice.page(HOME).await;
    app.clock.advance(Duration::from_secs(3_601));
    assert_eq!(alice.get(HOME).await.status, 303);
}

#[tokio::test]
async fn a_session_gets_a_new_key_when_somebody_logs_in_with_it_and_ends_when_they_log_out() {
    let app = TestApp::start().await;
    let alice = app.alice().await;
    let first = alice.cookie().unwrap();
    assert_eq!(alice.log_in(ALICE.0, ALICE.1).await.status, 303);
    let second = alice.cookie().unwrap();
    assert_ne!(first, second);
    let stale = app.visitor();
    let with = |cookie: &str| stale.request(reqwest::Method::GET, HOME).header("cookie", cookie.to_owned());
    assert_eq!(stale.send(with(&first)).await.status, 303, "the key before it opens nothing");
    assert_eq!(stale.send(with(&second)).await.status, 200);
    alice.post("/logout", &[]).await;
    assert_eq!(stale.send(with(&second)).await.status, 303, "a copy of the key opens nothing either");
}
