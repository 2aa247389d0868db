//! Gatepost in this process, with a clock that a test can set ahead.

use std::net::IpAddr;
use std::time::Duration;

use gatepost::app::App;
use gatepost::clock::Clock;
use gatepost::config::Config;
use gatepost::id::DomainId;
use gatepost::model::credential::{Draft, Grace, Mode, Scope};
use gatepost::model::{Actor, Credential, Domain, Organization};
use gatepost::server::Server;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Browser, Door, Installation, Reply, SmtpClient, TestDns, Visitor};

/// Alice owns the organization.
pub const ALICE: (&str, &str) = ("alice@acme.example", "correct horse battery staple");

pub struct TestApp {
    pub installation: Installation,
    pub app: App,
    /// Time goes on from here; `clock.advance(…)` sets it ahead.
    pub clock: Clock,
    /// The dashboard's address: `http://127.0.0.1:49152`.
    pub url: String,
    /// The listeners of the SMTP door, in order.
    pub doors: Vec<Door>,
    setup_link: Option<String>,
    /// It stops when the test ends.
    shutdown: DropGuard,
    running: JoinHandle<()>,
}

/// A credential with its password, as its member keeps it.
#[derive(Clone, Debug, Default)]
pub struct Issued {
    pub id: String,
    pub username: String,
    pub password: String,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with_config(|_| ()).await
    }

    /// Asking this DNS.
    pub async fn with_dns(dns: &TestDns) -> Self {
        Self::with_config(|config| {
            config.dns_servers = vec![dns.address];
            config.dns_timeout = Duration::from_secs(3);
        })
        .await
    }

    /// `change`: other settings than the usual ones.
    pub async fn with_config(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(Installation::new().await, change).await
    }

    /// On what is there already.
    pub async fn on(installation: Installation, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = installation.config();
        change(&mut config);
        let clock = Clock::default();
        let server = Server::build(config, clock.clone()).await.expect("it starts");
        let (app, setup_link) = (server.app().clone(), server.setup_link());
        let certificate = Some(app.tls.as_ref().expect("a door has TLS").certificate().await);
        let door = |address| Door { address, certificate: certificate.clone() };
        let doors = server.smtp_listeners().iter().map(|listener| door(listener.address)).collect();
        let url = format!("http://{}", server.http_address().expect("an address"));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { server.run(shutdown).await }
        });
        let shutdown = shutdown.drop_guard();
        Self { installation, app, clock, url, doors, setup_link, shutdown, running }
    }

    /// Lets what is under way finish, as SIGTERM does.
    pub async fn stop(self) -> Installation {
        drop(self.shutdown);
        self.running.await.expect("no panic while serving");
        self.installation
    }

    /// The link that creates the owner.
    pub fn setup_link(&self) -> &str {
        self.setup_link.as_deref().expect("there is no owner yet")
    }

    /// Whoever opens the dashboard.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.url)
    }

    /// Alice, the owner, logged in. The first time the one-time link creates her.
    pub async fn alice(&self) -> Visitor {
        let (alice, (email, password)) = (self.visitor(), ALICE);
        let answer = alice.log_in(email, password).await;
        if answer.status != 303 {
            alice.set_up(self.setup_link(), email, password).await;
        }
        alice
    }

    /// Alice at her desk, logged in.
    pub async fn alice_at_a_desk(&self) -> Browser {
        self.with_alice(Browser::open(&self.url).await).await
    }

    /// … on her phone.
    pub async fn alice_on_a_phone(&self) -> Browser {
        self.with_alice(Browser::open_on_a_phone(&self.url).await).await
    }

    /// … in a browser that runs no scripts.
    pub async fn alice_without_scripts(&self) -> Browser {
        self.with_alice(Browser::open_without_scripts(&self.url).await).await
    }

    async fn with_alice(&self, browser: Browser) -> Browser {
        browser.take_over(&self.alice().await).await;
        browser
    }

    /// A domain that is verified.
    pub async fn verified(&self, name: &str) {
        let id = self.unverified(name).await;
        let actor = self.operator().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Domain::vouch(&mut tx, &actor, id).await.expect("a domain");
        tx.commit().await.expect("a commit");
    }

    /// A domain that is not.
    pub async fn unverified(&self, name: &str) -> DomainId {
        let actor = self.operator().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let domain = Domain::add(&mut tx, &actor, name).await.expect("a domain");
        tx.commit().await.expect("a commit");
        domain.id
    }

    /// A credential for everything, as `gatepost credential create --name NAME` makes it.
    pub async fn issue(&self, name: &str) -> Issued {
        let draft = Draft {
            name: name.to_owned(),
            mode: Mode::Production,
            scope: Scope::Global,
            domains: Vec::new(),
            expires_at: None,
        };
        self.issue_as(draft).await
    }

    /// … whose messages go no further than the log.
    pub async fn issue_for_sandbox(&self, name: &str) -> Issued {
        let draft = Draft {
            name: name.to_owned(),
            mode: Mode::Sandbox,
            scope: Scope::Global,
            domains: Vec::new(),
            expires_at: None,
        };
        self.issue_as(draft).await
    }

    pub async fn issue_as(&self, draft: Draft) -> Issued {
        let fresh = self.app.hashing().fresh().await.expect("a password");
        let actor = self.operator().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let issued = Credential::create(&mut tx, &actor, draft, fresh).await.expect("a credential");
        tx.commit().await.expect("a commit");
        Issued {
            id: issued.credential.id.to_string(),
            username: issued.credential.username,
            password: issued.password.expose().to_owned(),
        }
    }

    /// A domain of the organization, not verified.
    pub async fn add_domain(&self, name: &str) -> Domain {
        let actor = self.operator().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let domain = Domain::add(&mut tx, &actor, name).await.expect("a domain");
        tx.commit().await.expect("a commit");
        domain
    }

    /// A new password for it, the old one good for `grace`.
    pub async fn rotate(&self, issued: &Issued, grace: Grace) -> Issued {
        let (actor, id) = (self.operator().await, issued.id.parse().expect("an id"));
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let current = Credential::current_hash(&mut tx, actor.organization, id).await.expect("a hash");
        let fresh = self.app.hashing().fresh_beside(current).await.expect("a password");
        let rotated =
            Credential::rotate(&mut tx, &actor, id, grace.duration(), fresh).await.expect("a rotation");
        tx.commit().await.expect("a commit");
        Issued { password: rotated.password.expose().to_owned(), ..issued.clone() }
    }

    /// Does something to a credential as the operator, in a transaction of its own.
    pub async fn change<T>(
        &self,
        issued: &Issued,
        change: impl AsyncFnOnce(
            &mut gatepost::db::Tx,
            &Actor,
            gatepost::id::CredentialId,
        ) -> gatepost::error::Result<T>,
    ) -> T {
        let (actor, id) = (self.operator().await, issued.id.parse().expect("an id"));
        let mut tx = self.app.db.begin().await.expect("a transaction");
        let outcome = change(&mut tx, &actor, id).await.expect("a change");
        tx.commit().await.expect("a commit");
        outcome
    }

    pub async fn credential(&self, issued: &Issued) -> Credential {
        let organization = self.operator().await.organization;
        let mut connection = self.app.db.read().await.expect("a connection");
        let id = issued.id.parse().expect("an id");
        Credential::find(&mut connection, organization, id).await.expect("a credential")
    }

    /// Whoever runs `gatepost` on the machine.
    pub async fn operator(&self) -> Actor {
        let mut connection = self.app.db.read().await.expect("a connection");
        let organization =
            Organization::first(&mut connection).await.expect("an answer").expect("an organization");
        Actor::operator(organization.id, self.clock.now())
    }

    /// A connection to the SMTP door, with STARTTLS done.
    pub async fn smtp(&self) -> SmtpClient {
        SmtpClient::connect(&self.doors[0]).await.encrypted().await
    }

    /// … without it, after EHLO.
    pub async fn smtp_in_clear(&self) -> SmtpClient {
        let mut client = SmtpClient::connect(&self.doors[0]).await;
        client.expect(250, "EHLO client.example").await;
        client
    }

    pub async fn smtp_from(&self, client: IpAddr) -> SmtpClient {
        SmtpClient::connect_from(client, &self.doors[0]).await.encrypted().await
    }

    /// What the SMTP door answers to this pair, on a connection of its own.
    pub async fn log_in(&self, username: &str, password: &str) -> Reply {
        self.smtp().await.log_in(username, password).await
    }
}
