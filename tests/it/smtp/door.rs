//! A running Gatepost with one credential, for tests of its SMTP door.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gatepost::model::Credential;
use gatepost::model::credential::{Draft, Grace, Mode, Scope};
use rustls::pki_types::CertificateDer;

use super::wire::Wire;
use crate::support::{Issued, TestApp};

pub struct Door {
    pub app: TestApp,
    pub credential: Issued,
}

impl Door {
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With settings on top, as they would stand in the file.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::with_config(|config| {
            let listeners = ("smtp_listen", "127.0.0.1:0,127.0.0.1:0=implicit");
            for (name, value) in std::iter::once(&listeners).chain(settings) {
                config.set(name, value).expect("a setting");
            }
        });
        let app = app.await;
        app.verified("acme.example").await;
        app.verified("bücher.example").await;
        app.unverified("unverified.example").await;
        let credential = app.issue("Shop").await;
        Door { app, credential }
    }

    /// Where STARTTLS is spoken.
    pub fn starttls(&self) -> SocketAddr {
        self.app.doors[0].address
    }

    /// Where TLS begins with the first byte.
    pub fn implicit(&self) -> SocketAddr {
        self.app.doors[1].address
    }

    /// A new connection to the port with STARTTLS.
    pub async fn connect(&self) -> Wire {
        Wire::connect(self.starttls()).await
    }

    /// A new connection to the port with implicit TLS, after the handshake.
    pub async fn connect_implicit(&self) -> Wire {
        let mut wire = Wire::connect(self.implicit()).await;
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
        wire.asks(&format!("AUTH PLAIN {}", self.plain()), "235 *").await;
        wire
    }

    /// The response of PLAIN with the credential's username and password.
    pub fn plain(&self) -> String {
        plain("", &self.credential.username, &self.credential.password)
    }

    pub async fn certificate(&self) -> CertificateDer<'static> {
        self.app.app.tls.as_ref().expect("a door has TLS").certificate().await
    }

    pub async fn revoke(&self) {
        self.app.change(&self.credential, Credential::revoke).await;
    }

    pub async fn enable(&self) {
        self.app.change(&self.credential, Credential::enable).await;
    }

    pub async fn delete(&self) {
        self.app.change(&self.credential, Credential::delete).await;
    }

    pub async fn rotate(&self, grace: Grace) {
        self.app.rotate(&self.credential, grace).await;
    }

    pub async fn end_grace(&self) {
        self.app.change(&self.credential, Credential::end_grace).await;
    }

    /// Gives the credential an hour, and lets it pass.
    pub async fn expire(&self) {
        let hour = Duration::from_secs(3_600);
        self.edit(Draft { expires_at: Some(self.app.clock.now().plus(hour)), ..everything() }).await;
        self.app.clock.advance(hour);
    }

    pub async fn put_into_sandbox(&self) {
        self.edit(Draft { mode: Mode::Sandbox, ..everything() }).await;
    }

    async fn edit(&self, draft: Draft) {
        let update = async |tx: &mut _, actor: &_, id| Credential::update(tx, actor, id, draft).await;
        self.app.change(&self.credential, update).await;
    }
}

/// What a credential for everything is made of.
fn everything() -> Draft {
    Draft {
        name: "Shop".to_owned(),
        mode: Mode::Production,
        scope: Scope::Global,
        domains: Vec::new(),
        expires_at: None,
    }
}

/// The response of PLAIN (RFC 4616).
pub fn plain(identity: &str, username: &str, password: &str) -> String {
    base64(&format!("{identity}\0{username}\0{password}"))
}

pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}
