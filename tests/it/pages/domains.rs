//! Domains as people add, verify and remove them.

use std::time::Duration;

use gatepost::jobs;
use gatepost::model::Domain;
use gatepost::model::credential::{Draft, Mode, Scope};

use crate::support::{Browser, Issued, Mood, PHONE, TestApp, TestDns, eventually};

const DOMAINS: &str = "/settings/domains";
const DAY: Duration = Duration::from_secs(86_400);

async fn scoped(app: &TestApp, name: &str, domains: &[&str]) -> Issued {
    let (mode, scope) = (Mode::Production, Scope::Scoped);
    let domains = domains.iter().map(ToString::to_string).collect();
    app.issue_as(Draft { name: name.to_owned(), mode, scope, domains, expires_at: None }).await
}

async fn vouch(app: &TestApp, domain: &Domain) {
    let actor = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    Domain::vouch(&mut tx, &actor, domain.id).await.unwrap();
    tx.commit().await.unwrap();
}

/// What the button beside the value of a domain's record copies.
async fn value_of(alice: &Browser, domain: &str) -> String {
    let button = format!("[aria-label='Copy value of the record of {domain}']");
    let value = alice.evaluate(&format!("document.querySelector(\"{button}\").dataset.copyText")).await;
    value.and_then(|value| value.as_str().map(str::to_owned)).expect("a value")
}

#[tokio::test]
async fn alice_adds_a_domain_sets_its_record_and_verifies_it() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(DOMAINS).await;
    alice.sees("No domain yet").await;
    alice.inspect("domains-empty").await;
    alice.fill("Domain", "not a domain").await;
    alice.click("Add domain").await;
    alice.sees("is not a domain name").await;
    assert_eq!(alice.value_of("Domain").await, "not a domain");
    alice.fill("Domain", "Shop.Example").await;
    alice.click("Add domain").await;
    alice.sees("Not verified").await;
    alice.sees("_gatepost-challenge.shop.example").await;
    alice.click("Verify shop.example").await;
    alice.sees("There is no _gatepost-challenge.shop.example in the DNS.").await;
    alice.inspect("domains-pending").await;
    dns.add("_gatepost-challenge.shop.example", &[&value_of(&alice, "shop.example").await]);
    alice.click("Verify shop.example").await;
    alice.sees("shop.example is verified.").await;
    alice.sees("Check again").await;
    alice.sees_no("Not verified").await;
    assert_eq!(alice.focused().await, "Check again shop.example", "the focus stays");
    alice.click("Its record").await;
    alice.sees("gatepost-verify=").await;
    alice.inspect("domains-verified").await;
    dns.set_mood(Mood::IsSilent);
    alice.click("Check again shop.example").await;
    alice.sees("No DNS server answered in time.").await;
    alice.sees("Verified").await;
    alice.goto("/activity").await;
    alice.sees("Verified domain shop.example").await;
    alice.close().await;
}

#[tokio::test]
async fn the_name_and_the_value_of_a_record_are_copied_by_buttons() {
    let app = TestApp::start().await;
    let domain = app.add_domain("shop.example").await;
    let alice = app.alice_at_a_desk().await;
    alice.may_read_the_clipboard().await;
    alice.goto(DOMAINS).await;
    for (what, copied) in [("name", domain.record_name()), ("value", domain.record_value())] {
        alice.click(&format!("Copy {what} of the record of shop.example")).await;
        eventually(what, async || {
            let text = alice.evaluate("navigator.clipboard.readText()").await?;
            (text.as_str() == Some(&copied)).then_some(())
        })
        .await;
    }
    alice.close().await;
}

#[tokio::test]
async fn every_state_of_a_domain_is_shown_with_what_it_means() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    let domains = ["bücher.example", "gone.example", "intern.example", "missing.example", "new.example"];
    let mut added = Vec::new();
    for name in domains {
        added.push(app.add_domain(name).await);
    }
    for domain in [&added[0], &added[1], &added[3]] {
        dns.add(&domain.record_name(), &[&domain.record_value()]);
    }
    vouch(&app, &added[2]).await;
    let after = async |time: Duration| {
        app.clock.advance(time);
        jobs::run_once(&app.app).await.unwrap();
    };
    after(Duration::from_secs(61)).await;
    dns.take_away(&added[1].record_name());
    after(DAY).await;
    after(3 * DAY).await;
    dns.take_away(&added[3].record_name());
    dns.add(&added[3].record_name(), &["v=spf1 -all"]);
    after(DAY).await;
    let shop = scoped(&app, "Shop", &["new.example", "xn--bcher-kva.example"]).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(DOMAINS).await;
    for text in [
        "bücher.example xn--bcher-kva.example",
        "Verified",
        "Not usable any more",
        "Vouched for",
        "Record missing",
        "Usable until",
        "Found another TXT record there, not this one.",
        "Not verified",
        "1 credential scoped to it",
    ] {
        alice.sees(text).await;
    }
    alice.inspect("domains-states").await;
    alice.goto("/settings/smtp-credentials/new").await;
    alice.click("Only some domains").await;
    alice.sees("bücher.example xn--bcher-kva.example").await;
    alice.sees("new.example not verified").await;
    alice.inspect("credential-domains").await;
    alice.goto(&format!("/settings/smtp-credentials/{}", shop.id)).await;
    alice.sees("new.example not verified bücher.example xn--bcher-kva.example Last used").await;
    alice.inspect("credential-scope").await;
    alice.goto("/activity").await;
    for text in ["Record missing of domain missing.example", "No longer usable: domain gone.example"] {
        alice.sees(text).await;
    }
    alice.close().await;
}

#[tokio::test]
async fn removing_a_domain_says_first_which_credentials_lose_it() {
    let app = TestApp::start().await;
    for name in ["shop.example", "bücher.example"] {
        app.add_domain(name).await;
    }
    scoped(&app, "Both", &["shop.example", "xn--bcher-kva.example"]).await;
    let one = scoped(&app, "Only books", &["xn--bcher-kva.example"]).await;
    let mut alice = app.alice_at_a_desk().await;
    alice.goto(DOMAINS).await;
    alice.click("Remove xn--bcher-kva.example").await;
    alice.sees("Remove bücher.example xn--bcher-kva.example?").await;
    alice.sees("2 credentials are scoped to it, and lose it").await;
    alice.sees("Only books can’t send any more: it is its only domain").await;
    alice.inspect("domain-remove").await;
    for number in 0..10 {
        scoped(&app, &format!("Later {number}"), &["shop.example", "xn--bcher-kva.example"]).await;
    }
    alice.click("Remove domain").await;
    alice.sees("12 credentials are scoped to bücher.example").await;
    alice.sees("and 2 others").await;
    alice.inspect("domain-remove-again").await;
    alice.click("Remove domain").await;
    alice.sees("bücher.example (xn--bcher-kva.example) is removed.").await;
    eventually("it is gone", async || (alice.count("ul.rows > li").await == 1).then_some(())).await;
    assert!(app.credential(&one).await.domains.is_empty());
    alice.goto(&format!("/settings/smtp-credentials/{}", one.id)).await;
    alice.sees("No domain: it can’t send").await;
    alice.inspect("credential-without-domain").await;
    alice.goto("/activity").await;
    alice.sees("Removed domain bücher.example").await;
    alice.sees("scope: shop.example xn--bcher-kva.example → shop.example").await;
    alice.close().await;
}

#[tokio::test]
async fn a_domain_is_verified_and_removed_without_scripts_and_on_a_phone() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    let domain = app.add_domain("shop.example").await;
    let mut alice = app.alice_without_scripts().await;
    alice.look_at(PHONE).await;
    alice.goto(DOMAINS).await;
    alice.click("Verify shop.example").await;
    alice.sees("There is no _gatepost-challenge.shop.example in the DNS.").await;
    dns.add(&domain.record_name(), &[&domain.record_value()]);
    alice.click("Verify shop.example").await;
    alice.sees("shop.example is verified.").await;
    alice.click("Remove shop.example").await;
    alice.sees("From now on no credential can send from it.").await;
    alice.click("Remove domain").await;
    alice.sees("No domain yet").await;
    alice.close().await;
}
