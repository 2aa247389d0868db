//! Verification of domains: the record, what is told apart, background checks, loss, grace and return.

use std::time::Duration;

use gatepost::jobs;
use gatepost::model::credential::{Draft, Mode, Scope};
use gatepost::model::domain::verification::{Finding, State, Terms};
use gatepost::model::event::Action;
use gatepost::model::{Domain, Event, Turn};

use crate::support::{
    Finished, GatepostProcess, Installation, Issued, Mood, TestApp, TestDns, eventually, finish,
};

const DAY: Duration = Duration::from_secs(86_400);
const RECORD: &str = "_gatepost-challenge.shop.example";

/// Gatepost with one domain, `shop.example`, and the DNS that it asks.
struct Shop {
    app: TestApp,
    dns: TestDns,
    issued: Issued,
    /// What the record must hold.
    value: String,
}

impl Shop {
    async fn start() -> Self {
        let dns = TestDns::start().await;
        let app = TestApp::with_dns(&dns).await;
        Self::asking(dns, app).await
    }

    /// One that is soon tired of a silent DNS.
    async fn impatient() -> Self {
        let dns = TestDns::start().await;
        let app = TestApp::with_config(|config| {
            config.dns_servers = vec![dns.address];
            config.dns_timeout = Duration::from_secs(2);
        });
        let app = app.await;
        Self::asking(dns, app).await
    }

    async fn asking(dns: TestDns, app: TestApp) -> Self {
        let domain = app.add_domain("shop.example").await;
        let (mode, scope) = (Mode::Sandbox, Scope::Global);
        let draft = Draft { name: "Shop".to_owned(), mode, scope, domains: Vec::new(), expires_at: None };
        let issued = app.issue_as(draft).await;
        Self { app, dns, issued, value: domain.record_value() }
    }

    /// Lets this much time go past, then does what Gatepost does by itself.
    async fn after(&self, time: Duration) -> Domain {
        self.app.clock.advance(time);
        jobs::run_once(&self.app.app).await.unwrap();
        self.domain().await
    }

    async fn domain(&self) -> Domain {
        let organization = self.app.operator().await.organization;
        let mut connection = self.app.app.db.read().await.unwrap();
        Domain::by_name(&mut connection, organization, "shop.example").await.unwrap()
    }

    async fn state(&self) -> State {
        self.domain().await.state(self.app.clock.now())
    }

    /// Whether the SMTP door takes mail from the domain.
    async fn is_usable(&self) -> bool {
        let mut client = self.app.smtp().await;
        assert_eq!(client.log_in(&self.issued.username, &self.issued.password).await.code, 235);
        let reply = client.command("MAIL FROM:<alice@shop.example>").await;
        assert!(matches!(reply.code, 250 | 553), "{reply:?}");
        reply.code == 250
    }

    /// What the audit log says of the domain, oldest first.
    async fn log(&self) -> Vec<Action> {
        let organization = self.app.operator().await.organization;
        let mut connection = self.app.app.db.read().await.unwrap();
        let events = Event::page(&mut connection, organization, &Turn::first(100)).await.unwrap().rows;
        let of_it = events.into_iter().filter(|event| event.subject_label == "shop.example");
        of_it.map(|event| event.action).rev().collect()
    }
}

#[tokio::test]
async fn a_new_domain_is_found_verified_soon_after_its_record_is_set() {
    let shop = Shop::start().await;
    assert_eq!((shop.state().await, shop.is_usable().await), (State::Pending, false));
    let domain = shop.after(Duration::from_secs(61)).await;
    assert_eq!(domain.problem, format!("There is no {RECORD} in the DNS."));
    shop.dns.add(RECORD, &[&shop.value]);
    let domain = shop.after(Duration::from_secs(61)).await;
    assert_eq!((domain.state(shop.app.clock.now()), domain.problem.as_str()), (State::Verified, ""));
    assert!(shop.is_usable().await);
    assert_eq!(shop.log().await, [Action::DomainAdded, Action::DomainVerified]);
}

#[tokio::test]
async fn a_domain_whose_record_never_comes_is_looked_up_ever_less_and_then_not_at_all() {
    let shop = Shop::start().await;
    for _ in 0..10 * 24 {
        shop.after(Duration::from_secs(3_600)).await;
    }
    let asked = shop.dns.asked();
    assert!((6..30).contains(&asked), "{asked} look-ups in ten days");
    assert_eq!(shop.domain().await.next_check_at, None);
    shop.after(30 * DAY).await;
    assert_eq!(shop.dns.asked(), asked);
}

#[tokio::test]
async fn a_record_that_is_gone_ends_the_use_of_its_domain_after_the_grace_and_its_return_begins_it_anew() {
    let shop = Shop::start().await;
    shop.dns.add(RECORD, &[&shop.value]);
    shop.after(Duration::from_secs(61)).await;
    shop.dns.take_away(RECORD);
    assert_eq!(shop.after(DAY / 2).await.state(shop.app.clock.now()), State::Verified, "nobody looked yet");
    let missing = shop.after(DAY / 2).await;
    assert_eq!(missing.state(shop.app.clock.now()), State::Missing);
    assert!(shop.is_usable().await, "in its grace");
    shop.after(3 * DAY - Duration::from_secs(60)).await;
    assert_eq!((shop.state().await, shop.is_usable().await), (State::Missing, true));
    shop.after(Duration::from_secs(60)).await;
    assert_eq!((shop.state().await, shop.is_usable().await), (State::Lost, false));
    shop.after(DAY).await;
    use Action::{DomainAdded, DomainLost, DomainRecordMissing, DomainVerified};
    let until_then = [DomainAdded, DomainVerified, DomainRecordMissing, DomainLost];
    assert_eq!(shop.log().await, until_then, "its loss is told once");
    shop.dns.add(RECORD, &[&shop.value]);
    shop.after(DAY).await;
    assert_eq!((shop.state().await, shop.is_usable().await), (State::Verified, true));
    assert_eq!(shop.log().await, [until_then.as_slice(), &[DomainVerified]].concat());
}

#[tokio::test]
async fn a_record_that_is_back_within_the_grace_leaves_the_domain_as_it_was() {
    let shop = Shop::start().await;
    shop.dns.add(RECORD, &[&shop.value]);
    let verified_at = shop.after(Duration::from_secs(61)).await.verified_at;
    shop.dns.take_away(RECORD);
    assert_eq!(shop.after(DAY).await.state(shop.app.clock.now()), State::Missing);
    shop.dns.add(RECORD, &[&shop.value]);
    let back = shop.after(Duration::from_secs(3_601)).await;
    assert_eq!((back.state(shop.app.clock.now()), back.verified_at), (State::Verified, verified_at));
    assert_eq!(shop.after(5 * DAY).await.state(shop.app.clock.now()), State::Verified);
}

#[tokio::test]
async fn a_dns_server_that_fails_takes_no_domain_away() {
    let shop = Shop::impatient().await;
    shop.dns.add(RECORD, &[&shop.value]);
    assert_eq!(shop.after(Duration::from_secs(61)).await.problem, "");
    let moods = [
        (Mood::Fails, "The DNS server answered"),
        (Mood::IsSilent, "No DNS server answered"),
        (Mood::Refers, "The DNS server does not answer for this domain"),
    ];
    for (mood, problem) in moods {
        shop.dns.set_mood(mood);
        for _ in 0..3 {
            let asked = shop.dns.asked();
            let domain = shop.after(2 * DAY).await;
            assert!(shop.dns.asked() > asked, "it is tried again");
            assert_eq!(domain.state(shop.app.clock.now()), State::Verified, "{mood:?}");
            assert!(domain.problem.starts_with(problem), "{}", domain.problem);
        }
        assert!(shop.is_usable().await);
    }
    shop.dns.set_mood(Mood::Answers);
    assert_eq!(shop.after(DAY).await.problem, "");
    assert_eq!(shop.log().await, [Action::DomainAdded, Action::DomainVerified]);
}

#[tokio::test]
async fn two_nodes_share_the_checks() {
    let dns = TestDns::start().await;
    let app = TestApp::with_dns(&dns).await;
    for number in 0..40 {
        app.add_domain(&format!("shop{number}.example")).await;
    }
    app.clock.advance(Duration::from_secs(61));
    let outcome = tokio::join!(
        jobs::run_once(&app.app),
        jobs::run_once(&app.app),
        jobs::run_once(&app.app),
        jobs::run_once(&app.app)
    );
    assert!(matches!(outcome, (Ok(()), Ok(()), Ok(()), Ok(()))), "{outcome:?}");
    eventually("each is looked up", async || (dns.asked() >= 40).then_some(())).await;
    jobs::run_once(&app.app).await.unwrap();
    assert_eq!(dns.asked(), 40, "each is looked up once");
}

/// `gatepost …` with this DNS.
async fn run(here: &Installation, dns: &TestDns, arguments: &[&str]) -> Finished {
    let mut command = here.command(arguments);
    command.env("GATEPOST_DNS_SERVERS", dns.address.to_string()).env("GATEPOST_DNS_TIMEOUT", "3s");
    finish(command, "").await
}

#[tokio::test]
async fn the_command_looks_a_record_up_now_and_says_what_it_found_instead() {
    let (here, dns) = (Installation::new().await, TestDns::start().await);
    let added = run(&here, &dns, &["domain", "add", "shop.example"]).await.stdout();
    let value = added.split('"').nth(1).expect("the value of the record").to_owned();
    assert!(added.contains(&format!("{RECORD}. IN TXT \"gatepost-verify=")), "{added}");
    let verify = async || run(&here, &dns, &["domain", "verify", "Shop.Example"]).await;
    let complains = async |why: &str| {
        let complaint = verify().await.complaint();
        assert!(
            complaint.contains("shop.example was not verified") && complaint.contains(why),
            "{complaint}"
        );
    };
    complains("There is no _gatepost-challenge.shop.example in the DNS.").await;
    dns.add_name(RECORD);
    complains("is there, but no TXT record").await;
    dns.add(RECORD, &["v=spf1 -all"]);
    complains("Found another TXT record there, not this one.").await;
    dns.add(RECORD, &[&"x".repeat(255), &"y".repeat(255), &"z".repeat(255)]);
    complains("Found 2 other TXT records there, not this one.").await;
    dns.add(RECORD, &["gatepost-verify=0197-of-another"]);
    complains("Found the value of another domain there").await;
    dns.set_mood(Mood::Fails);
    complains("The DNS server answered “Server Failure”").await;
    dns.set_mood(Mood::IsSilent);
    complains("No DNS server answered in time.").await;
    dns.set_mood(Mood::Answers);
    let (begin, end) = value.split_at(20);
    dns.add(RECORD, &[begin, end]);
    assert_eq!(verify().await.stdout(), "shop.example is verified.\n");
    let listed = run(&here, &dns, &["domain", "list"]).await.stdout();
    assert!(listed.lines().any(|line| line.starts_with("shop.example  verified")), "{listed}");
}

#[tokio::test]
async fn an_operator_vouches_for_a_domain_that_no_dns_knows() {
    let (here, dns) = (Installation::new().await, TestDns::start().await);
    run(&here, &dns, &["domain", "add", "intern.example"]).await.stdout();
    for _ in 0..2 {
        let said = run(&here, &dns, &["domain", "verify", "--force", "intern.example"]).await.stdout();
        assert_eq!(said, "intern.example is usable: you vouch for it.\n");
    }
    assert_eq!(dns.asked(), 0);
    let still = "intern.example stays usable because it was vouched for: its record was not found.\n";
    assert_eq!(run(&here, &dns, &["domain", "verify", "intern.example"]).await.stdout(), still);
    let listed = run(&here, &dns, &["domain", "list"]).await.stdout();
    assert!(listed.contains("intern.example  vouched"), "the operator knows more than the DNS: {listed}");
    let unknown = run(&here, &dns, &["domain", "verify", "other.example"]).await.complaint();
    assert!(unknown.contains("domain not found"), "{unknown}");

    let asked = dns.address.to_string();
    let server =
        GatepostProcess::start_with(&here, |command| command.env("GATEPOST_DNS_SERVERS", &asked)).await;
    let key = here.run(&["api-key", "create", "--label", "Commands", "--scope", "*"]).await.stdout();
    let mut afar = here.command(&["domain", "verify", "intern.example", "--server", &server.url]);
    afar.env("GATEPOST_API_KEY", key.trim());
    assert_eq!(finish(afar, "").await.stdout(), still);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_domain_that_credentials_name_is_removed_by_force_and_leaves_their_scope() {
    let (here, dns) = (Installation::new().await, TestDns::start().await);
    for name in ["shop.example", "bücher.example"] {
        run(&here, &dns, &["domain", "add", name]).await.stdout();
    }
    let both =
        ["credential", "create", "--name", "Both", "--domain", "shop.example", "--domain", "bücher.example"];
    run(&here, &dns, &both).await.stdout();
    run(&here, &dns, &["credential", "create", "--name", "One", "--domain", "bücher.example"]).await.stdout();
    let refused = run(&here, &dns, &["domain", "remove", "bücher.example"]).await.complaint();
    assert!(
        refused.contains("2 credentials are scoped to bücher.example (xn--bcher-kva.example)"),
        "{refused}"
    );
    run(&here, &dns, &["domain", "remove", "--force", "bücher.example"]).await.stdout();
    let listed = run(&here, &dns, &["credential", "list", "--json"]).await.stdout();
    let scopes: Vec<(String, usize)> = listed
        .lines()
        .map(|line| line.parse::<serde_json::Value>().unwrap())
        .map(|one| (one["scope"].as_str().unwrap().to_owned(), one["domains"].as_array().unwrap().len()))
        .collect();
    assert_eq!(scopes, [("scoped".to_owned(), 0), ("scoped".to_owned(), 1)], "none turns global");
}

#[tokio::test]
async fn a_record_is_found_behind_an_alias_and_beside_a_server_that_is_dead() {
    let dns = TestDns::start().await;
    let dead = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let servers = vec![dead.local_addr().unwrap(), dns.address];
    let app = TestApp::with_config(|config| {
        config.dns_servers = servers;
        config.dns_timeout = Duration::from_secs(5);
    })
    .await;
    let domain = app.add_domain("shop.example").await;
    dns.add_alias(&domain.record_name(), "shop.verified-by.example");
    dns.add("shop.verified-by.example", &[&domain.record_value()]);
    let answer = app.app.dns.texts(&domain.record_name()).await;
    assert_eq!(domain.judge(answer), Finding::Present);
}

#[tokio::test]
async fn what_an_older_look_up_found_does_not_overrule_a_newer_one() {
    let app = TestApp::start().await;
    let domain = app.add_domain("shop.example").await;
    let terms = Terms { interval: DAY, grace: DAY };
    let older = app.operator().await;
    app.clock.advance(Duration::from_secs(1));
    let newer = app.operator().await;
    let mut tx = app.app.db.begin().await.unwrap();
    let present = Domain::note(&mut tx, &newer, domain.id, &Finding::Present, terms).await.unwrap();
    assert_eq!(present.state(newer.at), State::Verified);
    let absent = Finding::Absent("It was not there.".to_owned());
    let still = Domain::note(&mut tx, &older, domain.id, &absent, terms).await.unwrap();
    assert_eq!((still.state(newer.at), still.problem.as_str()), (State::Verified, ""));
    let same_time = Domain::note(&mut tx, &newer, domain.id, &absent, terms).await.unwrap();
    assert_eq!(same_time.state(newer.at), State::Missing);
    tx.commit().await.unwrap();
}
