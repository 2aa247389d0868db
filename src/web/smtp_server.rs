//! The SMTP server as members are told of it: where applications connect, and how.

use std::fmt;

use crate::app::App;
use crate::config::{Security, SmtpListener};
use crate::tls;

/// Where applications connect.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    pub host: String,
    listeners: Vec<SmtpListener>,
    /// Where its certificate lies, if Gatepost made it itself.
    pub own_certificate: Option<String>,
}

impl SmtpServer {
    pub fn of(app: &App) -> Self {
        let (host, listeners) = (app.config.smtp_host.clone(), app.smtp_listeners.clone());
        let own_certificate = tls::own_certificate(&app.config).map(|path| path.display().to_string());
        Self { host, listeners, own_certificate }
    }

    /// The port to use: 587 before the others, STARTTLS before implicit TLS.
    pub fn port(&self) -> u16 {
        self.starttls().into_iter().chain(self.implicit()).next().unwrap_or(587)
    }

    /// How that port protects the channel.
    pub fn security(&self) -> Security {
        let is_only_implicit = self.starttls().is_empty() && !self.implicit().is_empty();
        if is_only_implicit { Security::Implicit } else { Security::Starttls }
    }

    /// Ports with STARTTLS.
    pub fn starttls(&self) -> Vec<u16> {
        self.ports(Security::Starttls)
    }

    /// Ports with TLS from the first byte.
    pub fn implicit(&self) -> Vec<u16> {
        self.ports(Security::Implicit)
    }

    /// Each once, the recommended one first.
    fn ports(&self, security: Security) -> Vec<u16> {
        let mut ports: Vec<u16> = self
            .listeners
            .iter()
            .filter(|listener| listener.security == security)
            .map(|listener| listener.address.port())
            .collect();
        ports.sort_by_key(|port| (*port != 587, *port));
        ports.dedup();
        ports
    }
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port())
    }
}
