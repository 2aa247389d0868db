//! Where the next hop is, how the channel to it is protected, and how long it may take: the settings, checked once.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tracing::warn;

use crate::config::{Config, NextHopSecurity};
use crate::error::{Error, Result};
use crate::secret::Password;
use crate::smtp::client::{Trust, bare};

pub struct Way {
    pub host: String,
    pub port: u16,
    pub security: NextHopSecurity,
    pub trust: Trust,
    /// How Gatepost calls itself in EHLO.
    pub hello: String,
    /// Username and password.
    pub sign_in: Option<(String, Password)>,
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection that takes mail, from nothing.
    pub connect: Duration,
    /// For the answer to a command, and for each piece of a message.
    pub answer: Duration,
    /// For the answer to the end of a message.
    pub data: Duration,
}

impl Way {
    /// `None` where no next hop is configured.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn configured(config: &Config) -> Result<Option<Self>> {
        let Some(host) = config.next_hop_host.clone() else { return Ok(None) };
        if ServerName::try_from(bare(&host)).is_err() {
            return Err(Error::setup(format!("next_hop_host: “{host}” is not a host name or an address")));
        }
        let password = config.next_hop_password.expose();
        let sign_in = config.next_hop_username.clone().map(|username| (username, Password::new(password)));
        Ok(Some(Way {
            trust: trust(config)?,
            hello: hello(&config.smtp_host)?,
            host,
            port: config.next_hop_port,
            security: config.next_hop_security,
            sign_in,
            limits: Limits {
                connect: config.next_hop_connect_timeout,
                answer: config.next_hop_timeout,
                data: config.next_hop_data_timeout,
            },
        }))
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({:?})", self.host, self.port, self.security)
    }
}

fn trust(config: &Config) -> Result<Trust> {
    if config.next_hop_security == NextHopSecurity::None {
        return Ok(Trust::Public);
    }
    if !config.next_hop_verify {
        warn!(
            "next_hop_verify is false: whoever answers in the next hop's place gets the mail and the password"
        );
        return Ok(Trust::Anything);
    }
    match &config.next_hop_ca {
        None => Ok(Trust::Public),
        Some(path) => authorities(path).map(Trust::Authorities),
    }
}

fn authorities(path: &Path) -> Result<Arc<RootCertStore>> {
    let refusal = |why: &dyn fmt::Display| Error::setup(format!("next_hop_ca: {}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|cause| refusal(&cause))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|cause| refusal(&format!("it is not valid PEM: {cause}")))?;
        roots.add(certificate).map_err(|cause| refusal(&cause))?;
    }
    if roots.is_empty() {
        return Err(refusal(
            &"it holds no certificate (a section that begins with -----BEGIN CERTIFICATE-----)",
        ));
    }
    Ok(Arc::new(roots))
}

/// The name for EHLO, an address as a literal (RFC 5321 section 4.1.3).
fn hello(host: &str) -> Result<String> {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Ok(format!("[{address}]")),
        Ok(IpAddr::V6(address)) => Ok(format!("[IPv6:{address}]")),
        Err(_) if host.bytes().all(|byte| byte.is_ascii_graphic()) && !host.is_empty() => Ok(host.to_owned()),
        Err(_) => Err(Error::setup(format!("smtp_host: “{}” is not a host name", host.escape_debug()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Config)) -> Result<Option<Way>> {
        let mut config = Config { next_hop_host: Some("mail.acme.example".to_owned()), ..Config::default() };
        change(&mut config);
        Way::configured(&config)
    }

    #[test]
    fn without_a_host_there_is_no_way() {
        assert!(with(|config| config.next_hop_host = None).unwrap().is_none());
        assert!(with(|_| ()).unwrap().is_some());
    }

    #[test]
    fn a_setting_that_can_not_be_used_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (empty, broken) = (dir.path().join("empty.pem"), dir.path().join("broken.pem"));
        std::fs::write(&empty, "nothing").unwrap();
        std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
        let says = |change: &dyn Fn(&mut Config), word: &str| {
            let Err(Error::Setup(sentence)) = with(change) else { panic!("{word} is not refused") };
            assert!(sentence.starts_with(word), "{sentence}");
        };
        says(&|config| config.next_hop_host = Some("mail acme".to_owned()), "next_hop_host: “mail acme”");
        says(&|config| config.next_hop_ca = Some(dir.path().join("missing.pem")), "next_hop_ca: ");
        says(&|config| config.next_hop_ca = Some(empty.clone()), "next_hop_ca: ");
        says(&|config| config.next_hop_ca = Some(broken.clone()), "next_hop_ca: ");
        says(&|config| config.smtp_host = "mail\r\nRSET".to_owned(), "smtp_host: “mail\\r\\nRSET”");
    }

    #[test]
    fn an_address_greets_as_a_literal() {
        assert_eq!(hello("127.0.0.1").unwrap(), "[127.0.0.1]");
        assert_eq!(hello("2001:db8::1").unwrap(), "[IPv6:2001:db8::1]");
        assert_eq!(hello("gate.acme.example").unwrap(), "gate.acme.example");
    }

    #[test]
    fn nothing_secret_is_printed_by_debug() {
        let way = with(|config| {
            config.next_hop_username = Some("shop".to_owned());
            config.set("next_hop_password", "hunter2").unwrap();
        });
        assert_eq!(format!("{:?}", way.unwrap().unwrap()), "mail.acme.example:587 (Starttls)");
    }
}
