//! Usage as people look at it, and the allowance as its owner sets it.

use gatepost::model::Member;
use gatepost::model::credential::Mode;
use gatepost::model::member::{NewMember, Role};
use gatepost::secret::Password;

use crate::support::{NextHop, TestApp};
use crate::usage::sent;

const BOB: (&str, &str) = ("bob@acme.example", "another long pass phrase");

#[tokio::test]
async fn alice_sees_what_each_credential_sent_month_by_month() {
    let app = TestApp::start().await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/usage").await;
    alice.sees("Nothing was sent in this month.").await;
    alice.inspect("usage-empty").await;
    let (shop, news) = (app.issue("Shop").await, app.issue("Newsletter").await);
    for (months_ago, messages) in [(0, 40), (1, 55), (2, 12), (4, 31), (11, 8), (13, 5)] {
        sent(&app, &shop.id, (months_ago, Mode::Production), messages).await;
        sent(&app, &shop.id, (months_ago, Mode::Sandbox), messages / 3).await;
    }
    sent(&app, &news.id, (0, Mode::Production), 600).await;
    app.change(&news, gatepost::model::Credential::delete).await;
    alice.goto("/usage").await;
    alice.sees("Used 1,280").await;
    assert_eq!(
        alice.text_of("table.numbers tbody tr").await.split_whitespace().skip(2).collect::<Vec<_>>(),
        ["640", "1,280", "13"]
    );
    alice.sees("Newsletter 600 1,200 0").await;
    alice.sees("Shop 40 80 13").await;
    assert_eq!(
        alice.count("figure svg .production").await,
        5,
        "a bar for each month with production messages"
    );
    alice.inspect("usage").await;
    alice.click("Shop").await;
    alice.is_at(&format!("/usage?credential={}", shop.id)).await;
    alice.sees("What this credential sent").await;
    alice.sees("Export all as CSV").await;
    alice.inspect("usage-credential").await;
    alice.click("Earlier months").await;
    alice.sees("5 10 1").await;
    alice.click("Later months").await;
    alice.sees("55 110 18").await;
    alice.goto(&format!("/settings/smtp-credentials/{}", shop.id)).await;
    alice.click("Month by month").await;
    alice.sees("What this credential sent").await;
    alice.close().await;
}

#[tokio::test]
async fn the_credentials_of_a_busy_month_are_turned_over_page_by_page() {
    let app = TestApp::start().await;
    for number in 0..60 {
        let issued = app.issue(&format!("credential {number:02}")).await;
        sent(&app, &issued.id, (1, Mode::Sandbox), 60 - number).await;
    }
    let alice = app.alice_without_scripts().await;
    let month = gatepost::model::usage::Month::of(app.clock.now()).back(1);
    alice.goto(&format!("/usage?month={month}")).await;
    alice.sees("credential 00 0 0 60").await;
    alice.sees("credential 49").await;
    alice.sees_no("credential 50").await;
    alice.click("Next").await;
    alice.sees("credential 59 0 0 1").await;
    alice.click("Previous").await;
    alice.sees("credential 00").await;
    alice.close().await;
}

#[tokio::test]
async fn the_owner_sets_the_allowance_and_sees_what_is_left_of_it() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    sent(&app, &shop.id, (0, Mode::Production), 30).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto("/usage").await;
    alice.sees("any number may be used").await;
    alice.fill("Monthly allowance", "lots").await;
    alice.click("Set the monthly allowance").await;
    alice.sees("Enter a whole number").await;
    assert_eq!(alice.value_of("Monthly allowance").await, "lots");
    alice.inspect("allowance-refused").await;
    alice.fill("Monthly allowance", "100").await;
    alice.click("Set the monthly allowance").await;
    alice.sees("The monthly allowance is 100 credits.").await;
    alice.sees("Left 40").await;
    alice.inspect("allowance").await;
    alice.fill("Monthly allowance", "60").await;
    alice.click("Set the monthly allowance").await;
    alice.sees("The allowance is used up").await;
    alice.inspect("allowance-used-up").await;
    alice.goto("/activity").await;
    alice.sees("Changed monthly allowance of Acme GmbH").await;
    alice.sees("credits a month: 100 → 60").await;
    alice.close().await;
    let alice = app.alice_without_scripts().await;
    alice.goto("/usage").await;
    alice.fill("Monthly allowance", "").await;
    alice.click("Set the monthly allowance").await;
    alice.sees("There is no monthly allowance.").await;
    alice.sees("any number may be used").await;
    alice.close().await;
}

#[tokio::test]
async fn what_the_door_takes_is_counted_at_once_and_a_new_allowance_holds_for_the_next_recipient() {
    let hop = NextHop::plain().await;
    let app = TestApp::with_config(|config| hop.configure(config)).await;
    app.verified("acme.example").await;
    let shop = app.issue("Shop").await;
    let mut client = app.smtp().await;
    client.log_in(&shop.username, &shop.password).await;
    for (recipients, sandbox) in [(1, ""), (3, ""), (2, "Gatepost-Sandbox: true\r\n")] {
        client.expect(250, "MAIL FROM:<shop@acme.example>").await;
        for number in 0..recipients {
            client.expect(250, &format!("RCPT TO:<bob{number}@customer.example>")).await;
        }
        client.expect(354, "DATA").await;
        client.expect(250, &format!("From: shop@acme.example\r\n{sandbox}\r\nHello\r\n.")).await;
    }
    let alice = app.alice_at_a_desk().await;
    alice.goto("/usage").await;
    alice.sees("Shop 2 4 1").await;
    alice.sees("Used 4").await;
    alice.fill("Monthly allowance", "5").await;
    alice.click("Set the monthly allowance").await;
    alice.sees("Left 1").await;
    client.expect(250, "MAIL FROM:<shop@acme.example>").await;
    client.expect(250, "RCPT TO:<bob@customer.example>").await;
    client.expect(452, "RCPT TO:<carol@customer.example>").await;
    alice.close().await;
}

#[tokio::test]
async fn a_member_who_is_no_owner_sees_the_allowance_and_can_t_set_it() {
    let app = TestApp::start().await;
    app.alice().await;
    let (actor, [email, password]) = (app.operator().await, [BOB.0, BOB.1].map(str::to_owned));
    let password_hash = app.app.hashing().hash(Password::new(password)).await.unwrap();
    let mut tx = app.app.db.begin().await.unwrap();
    let bob = NewMember { email, name: String::new(), password_hash };
    Member::create(&mut tx, &actor, bob, Role::Member).await.unwrap();
    tx.commit().await.unwrap();
    let bob = app.visitor();
    assert_eq!(bob.log_in(BOB.0, BOB.1).await.status, 303);
    let page = bob.page("/usage").await;
    assert!(page.contains("any number may be used") && !page.contains("<form class=\"adder\""), "{page}");
    let refused = bob.post("/usage/allowance", &[("allowance", "1")]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Only an owner sets the monthly allowance."), "{}", refused.body);
}
