//! What is kept of a message, for how long, and for whom.

use std::time::Duration;

use gatepost::jobs;
use gatepost::model::credential::Mode;
use gatepost::model::message::Outcome;

use super::HOME;
use crate::support::{ALICE, GatepostProcess, Letter, TestApp};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn content_is_forgotten_after_a_week_and_the_line_after_a_month() {
    let app = TestApp::with_config(|config| config.session_timeout = DAY * 90).await;
    let shop = app.issue("Shop").await;
    let body = vec![b'x'; 500_000];
    let old = app.send(&shop, &Letter { subject: "Old", body: &body, ..Letter::default() }).await;
    let alice = app.alice().await;
    assert!(alice.page(&old).await.contains("xxxx"));
    app.clock.advance(DAY * 7 + DAY / 2);
    let young = app.send(&shop, &Letter { subject: "Young", ..Letter::default() }).await;
    jobs::run_once(&app.app).await.unwrap();
    let page = alice.page(&old).await;
    assert!(page.contains("What it held is forgotten: it is kept for 7 days"), "{page}");
    assert!(page.contains("bob@customer.example"), "the line stays: {page}");
    for gone in ["source", "html", "attachments/1"] {
        assert_eq!(alice.get(&format!("{old}/{gone}")).await.status, 404, "{gone}");
    }
    assert!(alice.page(&young).await.contains("it is on its way"));
    app.clock.advance(DAY * 23);
    jobs::run_once(&app.app).await.unwrap();
    assert_eq!(alice.get(&old).await.status, 404);
    let list = alice.page(HOME).await;
    assert!(list.contains("Young") && !list.contains(">Old<"), "{list}");
}

#[tokio::test]
async fn thousands_of_old_messages_are_forgotten_in_one_go() {
    let app = TestApp::with_config(|config| config.keep_messages = DAY).await;
    let shop = app.issue("Shop").await;
    let mut tx = app.app.db.begin().await.unwrap();
    for _ in 0..1_200 {
        Letter::default().record(&mut tx, (&app, &shop)).await;
    }
    tx.commit().await.unwrap();
    let alice = app.alice().await;
    assert!(alice.page(HOME).await.contains("Your order"));
    app.clock.advance(DAY * 2);
    jobs::run_once(&app.app).await.unwrap();
    assert!(alice.page(HOME).await.contains("No message yet"));
}

#[tokio::test]
async fn what_is_old_is_forgotten_also_while_another_job_fails() {
    let app = TestApp::with_config(|config| config.keep_messages = DAY).await;
    let shop = app.issue("Shop").await;
    app.send(&shop, &Letter::default()).await;
    let alice = app.alice().await;
    app.installation.database().execute("DROP TABLE webhooks_gone").await;
    app.clock.advance(DAY * 2);
    let failed = jobs::run_once(&app.app).await.expect_err("one of them can't be done");
    assert!(format!("{failed:?}").contains("webhooks_gone"), "{failed:?}");
    assert!(alice.page(HOME).await.contains("No message yet"), "those after it are done");
}

#[tokio::test]
async fn a_production_message_says_what_became_of_it_and_that_its_content_is_not_kept() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let recipients =
        [("bob@customer.example", Outcome::Delivered), ("gone@customer.example", Outcome::Bounced)];
    let letter = Letter { mode: Mode::Production, recipients: &recipients, ..Letter::default() };
    let page = app.send(&shop, &letter).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(&page).await;
    for fact in
        ["2 recipients", "gone@customer.example", "Bounced", "250 2.0.0 OK", "Production", "is not kept"]
    {
        alice.sees(fact).await;
    }
    alice.inspect("message-production").await;
    alice.click("Shop").await;
    alice.is_at(&format!("/settings/smtp-credentials/{}", shop.id)).await;
    alice.click_on(".actions a[href^='/messages']").await;
    alice.is_at(&format!("/messages?credential={}", shop.id)).await;
    alice.sees("Your order").await;
    let unknown = [("bob@customer.example", Outcome::Unknown)];
    let page = app.send(&shop, &Letter { recipients: &unknown, ..letter }).await;
    alice.goto(&page).await;
    alice.sees("whose answer is not known").await;
    alice.inspect("message-unknown").await;
    alice.close().await;
}

#[tokio::test]
async fn nobody_sees_a_message_of_another_organization() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let fields = "Content-Type: text/html\r\n";
    let page = app.send(&shop, &Letter { subject: "Theirs", fields, ..Letter::default() }).await;
    let alice = app.alice().await;
    assert_eq!(alice.get(&format!("{page}/html")).await.status, 200);
    // There is no way yet to a second organization.
    let database = app.installation.database();
    let other = "01890000-0000-7000-8000-000000000000";
    database
        .execute(&format!("INSERT INTO organizations (id, name, created_at) VALUES ('{other}', 'Other', 0)"))
        .await;
    for table in ["messages", "message_recipients", "message_contents"] {
        database.execute(&format!("UPDATE {table} SET organization = '{other}'")).await;
    }
    for path in ["", "/html", "/source", "/attachments/1", "?show=source"] {
        assert_eq!(alice.get(&format!("{page}{path}")).await.status, 404, "{path}");
    }
    for query in ["", "?q=theirs", "?mode=sandbox", &format!("?credential={}", shop.id)] {
        assert!(!alice.page(&format!("{HOME}{query}")).await.contains("Theirs"), "{query}");
    }
    let stranger = app.visitor();
    for path in ["", "/html", "/source", "/attachments/1"] {
        assert_eq!(stranger.get(&format!("{page}{path}")).await.status, 303, "{path}: log in first");
    }
}

/// 20 MB, nearly all of it a film.
fn with_a_film() -> String {
    let line = "QUJD".repeat(18) + "\r\n";
    let encoded = line.repeat(20_000_000 / line.len());
    format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nsee the film\r\n--b\r\nContent-Type: video/mp4\r\n\
         Content-Disposition: attachment; filename=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}--b--\r\n"
    )
}

#[tokio::test]
async fn a_message_of_20_megabytes_is_opened_and_downloaded_whole() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let (fields, body) = ("Content-Type: multipart/mixed; boundary=b\r\n", with_a_film());
    let letter = Letter { fields, body: body.as_bytes(), ..Letter::default() };
    let page = app.send(&shop, &letter).await;
    let alice = app.alice().await;
    let shown = alice.page(&page).await;
    assert!(shown.contains("see the film") && shown.contains("film.mp4"), "{shown}");
    let source = alice.page(&format!("{page}?show=source")).await;
    assert!(source.len() < 300_000 && source.contains("It goes on."), "{}", source.len());
    let whole = alice.page(&format!("{page}/source")).await;
    assert!(whole == letter.header() + &body, "as it was sent");
    let film = alice.page(&format!("{page}/attachments/1")).await;
    assert!(film == "ABC".repeat(film.len() / 3) && film.len() > 14_000_000, "{}", film.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_20_megabytes_costs_no_more_than_twice_as_much_and_downloading_them_next_to_nothing() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop").await;
    let (fields, body) = ("Content-Type: multipart/mixed; boundary=b\r\n", with_a_film());
    let small = app.send(&shop, &Letter { fields, ..Letter::default() }).await;
    let page = app.send(&shop, &Letter { fields, body: body.as_bytes(), ..Letter::default() }).await;
    app.alice().await;
    let installation = app.stop().await;
    let process = GatepostProcess::start(&installation).await;
    let alice = process.visitor();
    alice.log_in(ALICE.0, ALICE.1).await;
    alice.page(&small).await;
    for (path, most) in [("/source", 8_000_000), ("", 40_000_000), ("/attachments/1", 40_000_000)] {
        let peak = process.peak(async || drop(alice.page(&format!("{page}{path}")).await)).await;
        assert!(peak <= most, "{path}: {peak} bytes");
    }
}
