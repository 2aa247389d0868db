//! Which server a probe talks to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Trust;
use crate::app::App;
use crate::config::{Config, Security, SmtpListener};
use crate::tls;

#[derive(Debug, Clone)]
pub struct Target {
    pub host: String,
    /// The name that its certificate has to be for: the one that applications use.
    pub name: String,
    pub port: u16,
    pub security: Security,
    pub trust: Trust,
}

impl Target {
    /// The door of this process, with the certificate it shows now; none in commands.
    pub async fn own(app: &App) -> Option<Self> {
        let certificate = app.tls.as_ref()?.certificate().await;
        Some(Self::at(app.smtp_listeners.first()?, &app.config.smtp_host, Trust::Also(certificate)))
    }

    /// The door of another process with the same configuration, on this machine.
    pub fn configured(config: &Config) -> Option<Self> {
        let trust = tls::certificate_on_disk(config).map_or(Trust::Public, Trust::Also);
        Some(Self::at(config.smtp_listen.first()?, &config.smtp_host, trust))
    }

    fn at(listener: &SmtpListener, name: &str, trust: Trust) -> Self {
        let address = reachable(listener.address);
        let (host, name) = (address.ip().to_string(), name.to_owned());
        Target { host, name, port: address.port(), security: listener.security, trust }
    }
}

/// A listener on all addresses is reached by the machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
