//! A running Gatepost with one credential, for tests of its SMTP door.

use std::net::SocketAddr;
use std::time::Duration;

use gatepost::app::App;
use gatepost::clock::Clock;
use gatepost::config::{Config, Security};
use gatepost::model::credential::{Draft, IssuedCredential, Mode, Scope};
use gatepost::model::{Actor, Credential, Organization};
use gatepost::secret::Password;
use gatepost::server::Server;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::wire::Wire;

pub struct Door {
    pub app: App,
    pub clock: Clock,
    pub username: String,
    pub password: Password,
    credential: IssuedCredential,
    starttls: SocketAddr,
    implicit: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<gatepost::error::Result<()>>,
    _data: TempDir,
}

impl Door {
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With settings on top, as they would stand in the file.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut config = Config { data_dir: data.path().to_owned(), ..Config::default() };
        config.set("http_listen", "127.0.0.1:0").expect("a setting");
        config.set("smtp_listen", "127.0.0.1:0,127.0.0.1:0=implicit").expect("a setting");
        for (name, value) in settings {
            config.set(name, value).expect("a setting");
        }
        let clock = Clock::default();
        let server = Server::build(config, clock.clone()).await.expect("a server");
        let app = server.app().clone();
        let address = |security| {
            let listener = server.smtp_listeners().iter().find(|listener| listener.security == security);
            listener.expect("a listener").address
        };
        let (starttls, implicit) = (address(Security::Starttls), address(Security::Implicit));
        let credential = issue(&app).await;
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(server.run(shutdown.clone()));
        let (username, password) = (credential.credential.username.clone(), credential.password.clone());
        Door {
            app,
            clock,
            username,
            password,
            credential,
            starttls,
            implicit,
            shutdown,
            running,
            _data: data,
        }
    }

    /// A new connection to the port with STARTTLS.
    pub async fn connect(&self) -> Wire {
        Wire::connect(self.starttls).await
    }

    /// A new connection to the port with implicit TLS, after the handshake.
    pub async fn connect_implicit(&self) -> Wire {
        let mut wire = Wire::connect(self.implicit).await;
        wire.start_tls(&self.certificate().await).await;
        wire
    }

    /// A connection that has gone through STARTTLS and EHLO.
    pub async fn connect_secure(&self) -> Wire {
        let mut wire = self.connect().await;
        wire.hears("220 *").await;
        wire.asks("EHLO client.example", "250-*").await;
        wire.asks("STARTTLS", "220 *").await;
        wire.start_tls(&self.certificate().await).await;
        wire.asks("EHLO client.example", "250-*").await;
        wire
    }

    /// A connection that has signed in.
    pub async fn sign_in(&self) -> Wire {
        let mut wire = self.connect_secure().await;
        wire.asks(&format!("AUTH PLAIN {}", self.plain(self.password.expose())), "235 *").await;
        wire
    }

    /// The response of PLAIN with the credential's username and `password`.
    pub fn plain(&self, password: &str) -> String {
        plain("", &self.username, password)
    }

    pub async fn certificate(&self) -> rustls::pki_types::CertificateDer<'static> {
        self.app.tls.as_ref().expect("a door has TLS").certificate().await
    }

    pub fn implicit(&self) -> SocketAddr {
        self.implicit
    }

    pub async fn revoke(&self) {
        let actor = self.actor().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::revoke(&mut tx, &actor, self.credential.credential.id).await.expect("revoked");
        tx.commit().await.expect("committed");
    }

    pub async fn enable(&self) {
        let actor = self.actor().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::enable(&mut tx, &actor, self.credential.credential.id).await.expect("enabled");
        tx.commit().await.expect("committed");
    }

    pub async fn delete(&self) {
        let actor = self.actor().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::delete(&mut tx, &actor, self.credential.credential.id).await.expect("deleted");
        tx.commit().await.expect("committed");
    }

    pub async fn rotate(&self, grace: Duration) {
        let actor = self.actor().await;
        let fresh = self.app.hashing().fresh().await.expect("a password");
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::rotate(&mut tx, &actor, self.credential.credential.id, grace, fresh)
            .await
            .expect("rotated");
        tx.commit().await.expect("committed");
    }

    pub async fn end_grace(&self) {
        let actor = self.actor().await;
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::end_grace(&mut tx, &actor, self.credential.credential.id).await.expect("ended");
        tx.commit().await.expect("committed");
    }

    /// Gives the credential an hour, and lets it pass.
    pub async fn expire(&self) {
        let hour = Duration::from_secs(3_600);
        let actor = self.actor().await;
        let draft = Draft { expires_at: Some(self.clock.now().plus(hour)), ..draft() };
        let mut tx = self.app.db.begin().await.expect("a transaction");
        Credential::update(&mut tx, &actor, self.credential.credential.id, draft).await.expect("changed");
        tx.commit().await.expect("committed");
        self.clock.advance(hour);
    }

    /// Tells the server to end, as SIGTERM does.
    pub fn shut_down(&self) {
        self.shutdown.cancel();
    }

    /// Waits for the server's end.
    pub async fn ended(self) {
        tokio::time::timeout(Duration::from_secs(20), self.running)
            .await
            .expect("an end in time")
            .expect("no panic")
            .expect("no error");
    }

    async fn actor(&self) -> Actor {
        actor(&self.app).await
    }
}

/// The response of PLAIN (RFC 4616).
pub fn plain(identity: &str, username: &str, password: &str) -> String {
    base64(&format!("{identity}\0{username}\0{password}"))
}

pub fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn draft() -> Draft {
    Draft {
        name: String::new(),
        mode: Mode::Production,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: None,
    }
}

async fn issue(app: &App) -> IssuedCredential {
    let actor = actor(app).await;
    let fresh = app.hashing().fresh().await.expect("a password");
    let mut tx = app.db.begin().await.expect("a transaction");
    let issued = Credential::create(&mut tx, &actor, draft(), fresh).await.expect("a credential");
    tx.commit().await.expect("committed");
    issued
}

async fn actor(app: &App) -> Actor {
    let now = app.clock.now();
    let mut tx = app.db.begin().await.expect("a transaction");
    let organization = Organization::first_or_create(&mut tx, now).await.expect("an organization");
    tx.commit().await.expect("committed");
    Actor::operator(organization.id, now)
}
