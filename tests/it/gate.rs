//! The gate as applications meet it: through the SMTP door.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost::clock::Timestamp;
use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Grace, Mode, Scope};
use gatepost::secret::Password;
use tokio_util::sync::CancellationToken;

use crate::support::{Issued, Reply, TestApp, eventually, on_postgres};

const HOUR: Duration = Duration::from_secs(3_600);

/// A password of the right form, and nobody's: `number` chooses one of many.
fn guess(number: u16) -> String {
    format!("sk_{number:032}")
}

/// Somebody else's address: `number` chooses one of many.
fn elsewhere(number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low).into()
}

#[track_caller]
fn assert_denied(reply: &Reply) {
    let text = reply.text();
    assert!(text.starts_with("5.7.8 Authentication credentials invalid (ref "), "{reply:?}");
    assert_eq!((reply.code, reply.lines.len()), (535, 1));
}

#[tokio::test]
async fn a_new_credential_works_at_once_and_a_wrong_password_does_not() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let granted = app.log_in(&shop.username, &shop.password).await;
    assert_eq!((granted.code, granted.text().as_str()), (235, "2.7.0 Authentication successful"));
    let mut wrong = shop.password.clone().into_bytes();
    let last = wrong.len() - 1;
    wrong[last] = if wrong[last] == b'a' { b'b' } else { b'a' };
    assert_denied(&app.log_in(&shop.username, std::str::from_utf8(&wrong).unwrap()).await);
}

#[tokio::test]
async fn every_reason_for_a_denial_sounds_the_same_outside() {
    let app = TestApp::start().await;
    let [shop, revoked, expired] =
        [app.issue("Shop").await, app.issue("Revoked").await, expiring(&app).await];
    app.change(&revoked, Credential::revoke).await;
    app.clock.advance(2 * HOUR);
    let other = app.issue("Other").await;
    let mut said = Vec::new();
    for (username, password) in [
        ("smtp_0000000000000000", shop.password.as_str()),
        (&shop.username, &other.password),
        (&shop.username, "hunter2"),
        (&revoked.username, &revoked.password),
        (&expired.username, &expired.password),
    ] {
        let reply = app.log_in(username, password).await;
        assert_denied(&reply);
        said.push(reply.text().replace(&reply.reference(), ""));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
}

/// A credential that expires in an hour.
async fn expiring(app: &TestApp) -> Issued {
    let expires_at = Some(app.clock.now().plus(HOUR));
    app.issue_as(Draft {
        name: "Temporary".to_owned(),
        mode: Mode::Production,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at,
    })
    .await
}

#[tokio::test]
async fn a_revoked_credential_is_refused_at_its_next_login_and_works_again_once_enabled() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    app.change(&shop, Credential::revoke).await;
    assert_denied(&app.log_in(&shop.username, &shop.password).await);
    app.change(&shop, Credential::enable).await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn an_open_session_ends_at_its_next_command_once_its_credential_is_revoked() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut session = app.smtp().await;
    assert_eq!(session.log_in(&shop.username, &shop.password).await.code, 235);
    session.expect(250, "MAIL FROM:<>").await;
    app.change(&shop, Credential::revoke).await;
    session.expect(421, "MAIL FROM:<shop@acme.example>").await;
    assert!(session.is_over().await);
}

#[tokio::test]
async fn after_a_rotation_only_the_new_password_works() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let fresh = app.rotate(&shop, Grace::Now).await;
    assert_denied(&app.log_in(&shop.username, &shop.password).await);
    assert_eq!(app.log_in(&fresh.username, &fresh.password).await.code, 235);
}

#[tokio::test]
async fn during_the_grace_of_a_rotation_both_passwords_work_and_then_the_old_one_stops() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fresh = app.rotate(&shop, Grace::OneDay).await;
    for password in [&shop.password, &fresh.password] {
        assert_eq!(app.log_in(&shop.username, password).await.code, 235);
    }
    let mut session = app.smtp().await;
    assert_eq!(session.log_in(&shop.username, &shop.password).await.code, 235);
    app.clock.advance(23 * HOUR);
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    app.clock.advance(HOUR + Duration::from_secs(1));
    assert_denied(&app.log_in(&shop.username, &shop.password).await);
    assert_eq!(app.log_in(&shop.username, &fresh.password).await.code, 235);
    session.expect(421, "MAIL FROM:<shop@acme.example>").await;
}

#[tokio::test]
async fn a_grace_that_is_ended_early_stops_the_old_password_at_once() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fresh = app.rotate(&shop, Grace::SevenDays).await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    app.change(&shop, Credential::end_grace).await;
    assert_denied(&app.log_in(&shop.username, &shop.password).await);
    assert_eq!(app.log_in(&shop.username, &fresh.password).await.code, 235);
}

#[tokio::test]
async fn an_expired_credential_is_refused_and_a_new_expiry_brings_it_back() {
    let app = TestApp::start().await;
    let temporary = expiring(&app).await;
    assert_eq!(app.log_in(&temporary.username, &temporary.password).await.code, 235);
    app.clock.advance(HOUR);
    assert_denied(&app.log_in(&temporary.username, &temporary.password).await);
    let draft = Draft {
        name: "Temporary".to_owned(),
        mode: Mode::Production,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: Some(app.clock.now().plus(HOUR)),
    };
    app.change(&temporary, async |tx, actor, id| Credential::update(tx, actor, id, draft).await).await;
    assert_eq!(app.log_in(&temporary.username, &temporary.password).await.code, 235);
}

#[tokio::test]
async fn a_deleted_credential_is_gone_and_its_open_session_ends() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut session = app.smtp().await;
    assert_eq!(session.log_in(&shop.username, &shop.password).await.code, 235);
    app.change(&shop, Credential::delete).await;
    assert_denied(&app.log_in(&shop.username, &shop.password).await);
    session.expect(421, "MAIL FROM:<shop@acme.example>").await;
}

#[tokio::test]
async fn last_used_is_known_at_most_a_second_late() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert!(app.credential(&shop).await.last_used.is_none());
    let mut late = Vec::new();
    // A busy machine may spoil measurements, not all of them.
    for number in 1..=20 {
        let mut client = app.smtp_from(elsewhere(number)).await;
        let before = app.clock.now();
        assert_eq!(client.log_in(&shop.username, &shop.password).await.code, 235);
        let after = app.clock.now();
        let used = eventually("last used is written", async || {
            app.credential(&shop).await.last_used.filter(|used| used.at >= before)
        })
        .await;
        let took = app.clock.now().since(after);
        assert!(used.at <= after, "{used:?}");
        assert_eq!((used.address, used.door.as_str()), (elsewhere(number).to_string(), "smtp"));
        if took <= Duration::from_secs(1) {
            return;
        }
        late.push(took);
    }
    panic!("{late:?}");
}

#[tokio::test]
async fn last_used_only_moves_forward_and_is_written_at_shutdown() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let first = eventually("last used is written", async || app.credential(&shop).await.last_used).await;
    app.clock.advance(HOUR);
    let at: Timestamp = app.clock.now();
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let installation = app.stop().await;
    let list = installation.run(&["credential", "list", "--json"]).await.stdout();
    let listed: serde_json::Value = list.trim().parse().unwrap();
    let used = listed["last_used_at"].as_str().unwrap();
    assert!(used >= at.rfc3339().as_str() && used > first.at.rfc3339().as_str(), "{used}");
}

#[tokio::test]
async fn an_honest_client_gets_in_while_many_others_guess_at_its_username() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    for number in 0..60 {
        let mut guesser = app.smtp_from(elsewhere(number)).await;
        assert_denied(&guesser.log_in(&shop.username, &guess(number)).await);
    }
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn a_guesser_is_slowed_down_even_when_it_guesses_right_and_forgiven_in_time() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut guesser = app.smtp_from(elsewhere(1)).await;
    for number in 0..8 {
        if number % 2 == 0 {
            guesser = app.smtp_from(elsewhere(1)).await;
        }
        assert_denied(&guesser.log_in(&shop.username, &guess(number)).await);
    }
    let mut guesser = app.smtp_from(elsewhere(1)).await;
    assert_denied(&guesser.log_in(&shop.username, &shop.password).await);
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235, "from elsewhere");
    app.clock.advance(HOUR);
    let mut patient = app.smtp_from(elsewhere(1)).await;
    assert_eq!(patient.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn who_missed_a_rotation_shuts_nobody_out_who_did_not() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fresh = app.rotate(&shop, Grace::Now).await;
    for username in [&shop.username, "smtp_0000000000000000"] {
        for _ in 0..30 {
            assert_denied(&app.log_in(username, &shop.password).await);
        }
    }
    assert_eq!(app.log_in(&fresh.username, &fresh.password).await.code, 235, "from the same address");
}

#[tokio::test]
async fn a_password_that_was_wrong_is_looked_at_again_once_it_is_the_right_one_of_another() {
    let app = TestApp::start().await;
    let [shop, other] = [app.issue("Shop").await, app.issue("Other").await];
    for _ in 0..3 {
        assert_denied(&app.log_in(&shop.username, &other.password).await);
    }
    assert_eq!(app.log_in(&other.username, &other.password).await.code, 235);
}

#[tokio::test]
async fn what_a_door_refuses_whatever_the_password_is_written_down_too() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let (username, password) = (&shop.username, &shop.password);
    let mut in_clear = app.smtp_in_clear().await;
    let sent = in_clear.log_in(username, password).await;
    let unsaid = in_clear.command("AUTH LOGIN").await;
    assert_eq!((sent.code, unsaid.code), (538, 538), "{sent:?} {unsaid:?}");
    let identity = STANDARD.encode(format!("root\0{username}\0{password}"));
    let foreign = app.smtp().await.command(&format!("AUTH PLAIN {identity}")).await;
    assert_eq!(foreign.code, 535, "{foreign:?}");
    let alice = app.alice().await;
    for (reply, facts) in [
        (sent, ["Not encrypted", username]),
        (unsaid, ["Not encrypted", "not sent"]),
        (foreign, ["Asked to act for another user", username]),
    ] {
        let page = format!("/activity?kind=denied&reference={}", reply.reference());
        let found = eventually("it is written down", async || {
            let page = alice.page(&page).await;
            (!page.contains("No such reference")).then_some(page)
        })
        .await;
        assert!(facts.iter().all(|fact| found.contains(fact)), "{facts:?} in {found}");
    }
}

#[tokio::test]
async fn a_password_that_came_as_the_username_is_kept_nowhere() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let denied = app.log_in(&shop.password, &shop.username).await;
    assert_denied(&denied);
    let alice = app.alice().await;
    let page = format!("/activity?kind=denied&reference={}", denied.reference());
    let found = eventually("it is written down", async || {
        let page = alice.page(&page).await;
        page.contains("A password came as the username").then_some(page)
    })
    .await;
    assert!(found.contains("sk_********") && !found.contains(&shop.password), "{found}");
}

#[tokio::test]
async fn who_is_throttled_for_others_guesses_finds_a_line_of_its_own() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    for number in 0..40 {
        assert_denied(&app.log_in(&format!("smtp_{number:016}"), &guess(number)).await);
    }
    let throttled = app.log_in(&shop.username, &shop.password).await;
    assert_denied(&throttled);
    let alice = app.alice().await;
    eventually("its own page has it", async || {
        let page = alice.page(&format!("/settings/smtp-credentials/{}", shop.id)).await;
        page.contains(&throttled.reference()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn references_repeat_alike_for_usernames_that_there_are_and_for_others() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let denied = async |username: &str| {
        let mut in_clear = app.smtp_in_clear().await;
        in_clear.log_in(username, &guess(1)).await.reference()
    };
    let mut heard = Vec::new();
    for number in 0..14 {
        heard.push(denied(&format!("smtp_{number:016}")).await);
    }
    for username in ["smtp_unknownunknown1", &shop.username] {
        let mut own = Vec::new();
        for _ in 0..12 {
            own.push(denied(username).await);
        }
        assert_eq!(own[9..], [own[9].clone(), own[9].clone(), own[9].clone()], "{username}: {own:?}");
        heard.extend(own.into_iter().take(10));
    }
    let distinct: BTreeSet<&String> = heard.iter().collect();
    assert_eq!(distinct.len(), heard.len(), "{heard:?}");
}

#[tokio::test]
async fn a_program_that_goes_on_with_a_revoked_credential_fills_a_few_lines_a_minute() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    app.change(&shop, Credential::revoke).await;
    let mut heard = Vec::new();
    for _ in 0..14 {
        let denied = app.log_in(&shop.username, &shop.password).await;
        assert_denied(&denied);
        heard.push(denied.reference());
    }
    assert_eq!(heard[11..], [heard[10].clone(), heard[10].clone(), heard[10].clone()], "{heard:?}");
    assert_eq!(heard.iter().collect::<BTreeSet<_>>().len(), 11, "{heard:?}");
    app.change(&shop, Credential::enable).await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
}

#[tokio::test]
async fn a_message_that_ends_after_its_credential_was_revoked_goes_nowhere() {
    let app = TestApp::start().await;
    app.verified("acme.example").await;
    let shop = app.issue_for_sandbox("Shop").await;
    let mut session = app.smtp().await;
    assert_eq!(session.log_in(&shop.username, &shop.password).await.code, 235);
    session.expect(250, "MAIL FROM:<shop@acme.example>").await;
    session.expect(250, "RCPT TO:<bob@example.org>").await;
    session.expect(354, "DATA").await;
    app.change(&shop, Credential::revoke).await;
    assert_eq!(session.send(b"From: shop@acme.example\r\n\r\nHello\r\n").await.code, 421);
    assert!(session.is_over().await);
    assert!(app.alice().await.page("/messages").await.contains("No message"));
}

#[tokio::test]
async fn trouble_with_the_database_is_temporary_and_never_a_wrong_password() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    assert_eq!(app.log_in(&shop.username, &shop.password).await.code, 235);
    let database = app.installation.database();
    database.execute("ALTER TABLE credentials RENAME TO credentials_away").await;
    let mut client = app.smtp().await;
    for password in [shop.password.as_str(), "wrong"] {
        let reply = client.log_in(&shop.username, password).await;
        assert_eq!(reply.code, 454, "{reply:?}");
        assert!(reply.text().starts_with("4.7.0 "), "{reply:?}");
    }
    database.execute("ALTER TABLE credentials_away RENAME TO credentials").await;
    assert_eq!(client.log_in(&shop.username, &shop.password).await.code, 235, "on the same connection");
}

#[tokio::test]
async fn a_database_that_is_away_for_a_while_is_temporary_trouble() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let database = app.installation.database();
    database.take_away().await;
    let mut client = app.smtp().await;
    let reply = client.log_in(&shop.username, &shop.password).await;
    assert_eq!(reply.code, 454, "{reply:?}");
    let monitor = app.visitor();
    // SQLite answers, without its tables.
    assert_eq!(monitor.get("/readyz").await.status, if on_postgres() { 503 } else { 200 });
    assert_eq!(monitor.get("/healthz").await.status, 200);
    database.bring_back().await;
    assert_eq!(client.log_in(&shop.username, &shop.password).await.code, 235, "on the same connection");
    assert_eq!(app.visitor().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn an_open_session_outlives_trouble_with_the_database() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let mut session = app.smtp().await;
    assert_eq!(session.log_in(&shop.username, &shop.password).await.code, 235);
    let database = app.installation.database();
    database.execute("ALTER TABLE credentials RENAME TO credentials_away").await;
    session.expect(451, "MAIL FROM:<shop@acme.example>").await;
    database.execute("ALTER TABLE credentials_away RENAME TO credentials").await;
    session.expect(250, "NOOP").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_for_hashing_is_temporary_and_never_a_wrong_password() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let others = CancellationToken::new();
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) * 256 {
        let (hashing, others) = (app.app.hashing().clone(), others.clone());
        tokio::spawn(async move {
            while !others.is_cancelled() {
                // Who is turned away comes again at once.
                _ = hashing.hash(Password::new("somebody else's")).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let (mut client, mut number) = (app.smtp().await, 0);
    eventually("the queue is full", async || {
        number += 1;
        let reply = client.log_in(&shop.username, &guess(number)).await;
        if reply.code == 535 {
            client = app.smtp().await;
        } else {
            assert_eq!(reply.code, 454, "{reply:?}");
            assert!(reply.text().starts_with("4.7.0 "), "{reply:?}");
        }
        (reply.code == 454).then_some(())
    })
    .await;
    others.cancel();
    eventually("and then it goes on", async || {
        let code = app.log_in(&shop.username, &shop.password).await.code;
        assert!(matches!(code, 235 | 454), "{code}");
        (code == 235).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_guesses_at_once_only_the_first_are_looked_at() {
    let app = TestApp::start().await;
    let wrong = "sk_00000000000000000000000000000000";
    let guesses = (0..45).map(|number| {
        let (app, username) = (&app, format!("smtp_{number:016}"));
        async move { assert_denied(&app.log_in(&username, wrong).await) }
    });
    futures_util::future::join_all(guesses).await;
    let alice = app.alice().await;
    eventually("the journal has the first guesses and the first that came too late", async || {
        let page = alice.page("/activity?kind=denied").await;
        let count = |reason: &str| page.matches(reason).count();
        let (looked_at, too_late) = (count("Unknown username"), count("Too many failures before"));
        assert!(looked_at < 40, "{looked_at} guesses were looked at");
        (looked_at >= 20 && too_late > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_reference_in_a_reply_finds_the_true_reason_in_the_dashboard() {
    let app = TestApp::start().await;
    let [shop, revoked, expired] =
        [app.issue("Shop").await, app.issue("Revoked").await, expiring(&app).await];
    app.change(&revoked, Credential::revoke).await;
    app.clock.advance(2 * HOUR);
    let wrong = "sk_00000000000000000000000000000000";
    let mut denied = Vec::new();
    for (username, password, reason) in [
        ("smtp_0000000000000000", wrong, "Unknown username"),
        (&shop.username, wrong, "Wrong password"),
        (&shop.username, "hunter2", "Not of a password’s form"),
        (&revoked.username, &revoked.password, "Revoked"),
        (&expired.username, &expired.password, "Expired"),
    ] {
        denied.push((app.log_in(username, password).await.reference(), username, reason));
    }
    for number in 1..9 {
        assert_denied(&app.log_in(&shop.username, &guess(number)).await);
    }
    let throttled = app.log_in(&shop.username, &shop.password).await;
    denied.push((throttled.reference(), &shop.username, "Too many failures before"));
    let alice = app.alice().await;
    for (reference, username, reason) in denied {
        let found = eventually(&format!("{reference} is written down"), async || {
            let page = alice.page(&format!("/activity?kind=denied&reference={reference}")).await;
            (!page.contains("No such reference")).then_some(page)
        })
        .await;
        for fact in [&reference, username, reason, "127.0.0.1", "client.example"] {
            assert!(found.contains(fact), "{reference}: {fact} is missing in {found}");
        }
    }
}
