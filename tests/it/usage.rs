//! Credits on the command line, and usage as a file.

use gatepost::model::credential::Mode;
use gatepost::model::usage::Month;
use gatepost::model::{Credits, Usage};

use crate::support::{Installation, TestApp};

/// Writes what so many messages of a credential would, the given number of months ago.
pub async fn sent(app: &TestApp, credential: &str, (months_ago, mode): (u32, Mode), messages: i64) {
    let (actor, credential) = (app.operator().await, credential.parse().unwrap());
    let month = Month::of(actor.at).back(months_ago);
    let usage = Usage { organization: actor.organization, credential, month, mode };
    let mut tx = app.app.db.begin().await.unwrap();
    for _ in 0..messages {
        usage.add(&mut tx, 2).await.unwrap();
    }
    if mode == Mode::Production {
        let credits = Credits { organization: actor.organization, month };
        assert!(credits.charge(&mut tx, None, 2 * messages, actor.at).await.unwrap());
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_monthly_allowance_is_set_shown_and_taken_off_on_the_command_line() {
    let here = Installation::new().await;
    let shown = here.run(&["credits", "show"]).await.stdout();
    assert!(shown.contains("allowance  off\n") && shown.contains("used       0\n"), "{shown}");
    here.run(&["credits", "set", "1000"]).await.stdout();
    let shown = here.run(&["credits", "show"]).await.stdout();
    assert!(shown.contains("allowance  1000\nused       0\nheld       0\nleft       1000\n"), "{shown}");
    for wrong in ["many", "1.5", "99999999999999"] {
        assert_ne!(here.run(&["credits", "set", wrong]).await.code, Some(0), "{wrong}");
    }
    assert_ne!(here.run(&["credits", "set", "--", "-1"]).await.code, Some(0));
    here.run(&["credits", "set", "off"]).await.stdout();
    assert!(here.run(&["credits", "show"]).await.stdout().contains("left       any number\n"));
}

#[tokio::test]
async fn everything_that_was_counted_is_exported_as_csv_however_much_it_is() {
    let app = TestApp::start().await;
    let shop = app.issue("Shop, \"north\"").await;
    let formula = app.issue("=1+1").await;
    sent(&app, &shop.id, (1, Mode::Production), 2).await;
    sent(&app, &shop.id, (0, Mode::Sandbox), 3).await;
    sent(&app, &formula.id, (0, Mode::Production), 1).await;
    let alice = app.alice().await;
    let answer = alice.get("/usage.csv").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"gatepost-usage.csv\""));
    let now = Month::of(app.clock.now());
    let lines: Vec<&str> = answer.body.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    let expected = [
        "month,credential,credential_id,mode,messages,recipients,credits".to_owned(),
        format!("{},\"Shop, \"\"north\"\"\",{},production,2,4,4", now.back(1), shop.id),
        format!("{now},\"Shop, \"\"north\"\"\",{},sandbox,3,6,0", shop.id),
        format!("{now},\"'=1+1\",{},production,1,2,2", formula.id),
    ];
    assert_eq!(lines, expected);

    let fresh = || gatepost::id::CredentialId::new().to_string();
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    for _ in 0..4_500 {
        let credential = fresh().parse().unwrap();
        let usage = Usage { organization: actor.organization, credential, month: now, mode: Mode::Sandbox };
        usage.add(&mut tx, 1).await.unwrap();
    }
    tx.commit().await.unwrap();
    let whole = alice.get("/usage.csv").await.body;
    assert_eq!(whole.lines().count(), 4 + 4_500);
    let lines: std::collections::BTreeSet<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 4 + 4_500, "no line comes twice");
    assert_eq!(app.visitor().get("/usage.csv").await.status, 303, "strangers see nothing");
}
