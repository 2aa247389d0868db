//! The audit log on the command line.

use super::acme::Acme;
use crate::support::{Installation, eventually};

#[tokio::test]
async fn the_audit_log_says_who_did_what_to_what_and_from_where() {
    let acme = Acme::new().await;
    let log = async |options: &[&str]| acme.ask(&[&["event", "list"], options].concat()).await.stdout();
    acme.here.run(&["domain", "add", "shop.example"]).await.stdout();
    acme.ask_afar(&["domain", "add", "news.example"]).await.stdout();
    acme.ask_afar(&["credential", "create", "--name", "Shop"]).await.stdout();

    let table = log(&[]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("TIME") && lines[0].contains("ACTION"), "{table}");
    assert!(
        lines[1].contains("credential.created  Shop") && lines[1].contains("API key Commands"),
        "{table}"
    );
    assert!(lines[2].contains("127.0.0.1") && lines[2].contains("domain.added"), "{table}");
    assert!(lines[3].contains("command line") && lines[3].contains("shop.example"), "{table}");
    assert_eq!(lines.len(), 5, "{table}");

    let added = log(&["--action", "domain.added", "--json"]).await;
    let added: Vec<serde_json::Value> = added.lines().map(|line| line.parse().unwrap()).collect();
    let names: Vec<&str> = added.iter().map(|event| event["subject_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["news.example", "shop.example"], "newest first");
    let subject = added[1]["subject_id"].as_str().unwrap();
    let of_one = log(&["--subject", subject]).await;
    assert!(of_one.lines().count() == 2 && of_one.contains("shop.example"), "{of_one}");
    assert_eq!(log(&["--limit", "1"]).await.lines().count(), 2);
    assert!(acme.server.stop().await.success());
}

#[tokio::test]
async fn a_denial_is_found_by_the_reference_that_the_client_heard() {
    let acme = Acme::new().await;
    let mut client = acme.server.smtp().await;
    let heard = client.log_in("smtp_nobody", "sk_nothing").await.reference();
    let row = eventually("it is written down", async || {
        let table = acme.ask_afar(&["denial", "list", "--reference", &heard]).await.stdout();
        table.lines().nth(1).map(str::to_owned)
    })
    .await;
    for fact in [&heard, "not_encrypted", "smtp_nobody", "smtp", "127.0.0.1"] {
        assert!(row.contains(fact), "{fact} is missing in {row}");
    }
    let refused = acme.ask_afar(&["denial", "list", "--reference", "a b"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("reference"), "{refused:?}");
    assert!(acme.server.stop().await.success());
}

#[tokio::test]
async fn what_the_log_can_not_be_asked_for_is_refused_with_what_it_can() {
    let here = Installation::new().await;
    let action = here.run(&["event", "list", "--action", "nonsense"]).await;
    assert!(action.code == Some(2) && action.stderr.contains("credential.rotated"), "{action:?}");
    let subject = here.run(&["event", "list", "--subject", "Shop"]).await;
    assert!(subject.code == Some(2) && subject.stderr.contains("--subject"), "{subject:?}");
}
