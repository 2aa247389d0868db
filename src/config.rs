//! Every setting, once: its name, default, and one line of documentation. The only reader of the environment.
//!
//! A setting `data_dir` is `data_dir` in the TOML file, `GATEPOST_DATA_DIR` in the environment and `--data-dir` on the command
//! line; each overrides the one before it, and all of them the default.

mod sources;
mod values;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use sources::{Remote, flags, load};
pub use values::{HiddenText, LogFormat, NextHopSecurity, PublicUrl, Security, SmtpListener};

use crate::error::Result;
use crate::network::Network;
use values::Value;

/// Declares [`Config`], [`Config::default`], [`Config::set`] and the table of settings from one list.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident : $type:ty = $default:expr;)+) => {
        /// What is in force.
        #[derive(Clone, Debug)]
        pub struct Config {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Name and documentation of every setting, in the order in which they are printed.
        pub const SETTINGS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];

        impl Config {
            /// Sets one setting from text, as it stands in the environment or on the command line.
            ///
            /// # Errors
            /// A sentence that names the setting and says what it takes.
            pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
                match name {
                    $(stringify!($name) => self.$name = Value::parse(text).map_err(|why| values::refused(name, &why))?,)+
                    _ => return Err(sources::unknown(name)),
                }
                Ok(())
            }

            /// Every setting's name and value as text that [`Config::set`] takes, secrets masked.
            pub fn printed(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), Value::print(&self.$name)),)+]
            }
        }
    };
}

settings! {
    /// Directory of the SQLite database and the self-signed certificate; created when it is not there.
    data_dir: PathBuf = PathBuf::from("gatepost-data");
    /// sqlite:… or postgres:…; empty: gatepost.db in the data directory. (DATABASE_URL is read too.)
    database_url: DatabaseUrl = DatabaseUrl::default();
    /// Address and port of the dashboard.
    http_listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
    /// Where the SMTP door listens: ADDRESS[=starttls|implicit], several separated by commas.
    smtp_listen: Vec<SmtpListener> = vec![SmtpListener::default()];
    /// Address of the dashboard as browsers see it, https://… behind a proxy; empty: http:// and http_listen.
    public_url: Option<PublicUrl> = None;
    /// Name of the SMTP door, as applications are told and as it greets; the self-signed certificate is for it.
    smtp_host: String = "localhost".to_owned();
    /// PEM file of the SMTP door's certificate chain, re-read when it changes; empty: a self-signed one is made.
    tls_cert: Option<PathBuf> = None;
    /// PEM file of the certificate's private key.
    tls_key: Option<PathBuf> = None;
    /// How log lines are written: text or json.
    log_format: LogFormat = LogFormat::Text;
    /// What is logged: error, warn, info, debug, or directives such as info,gatepost=debug.
    log_level: String = "info".to_owned();
    /// Reverse proxies whose X-Forwarded-For is believed: addresses or networks such as 10.0.0.0/8, separated by commas.
    trusted_proxies: Vec<Network> = Vec::new();
    /// Connections to the SMTP door at a time.
    smtp_max_connections: usize = 1_000;
    /// Connections to the SMTP door at a time from one client address (IPv6: from one /64).
    smtp_max_connections_per_address: usize = 100;
    /// New connections to the SMTP door a minute from one client address (IPv6: from one /64).
    smtp_new_connections_per_minute: u32 = 600;
    /// How long an SMTP client may be silent.
    smtp_idle_timeout: Duration = Duration::from_secs(60);
    /// How long an SMTP client may take from connecting to a successful AUTH.
    smtp_login_timeout: Duration = Duration::from_secs(30);
    /// Largest message that the SMTP door takes, in bytes.
    smtp_max_message_bytes: u64 = 20_000_000;
    /// How long an SMTP client may take to send one message, from MAIL to its end; at most 50m.
    smtp_data_timeout: Duration = Duration::from_secs(600);
    /// Recipients of one message.
    smtp_max_recipients: usize = 50;
    /// Messages in one SMTP connection.
    smtp_max_messages: u32 = 10_000;
    /// Memory for messages that are being received, over all connections, in bytes; the process takes up to twice as much.
    smtp_max_message_memory: u64 = 512_000_000;
    /// Name of the mail server that production messages are handed to; empty: none, they are refused for now.
    next_hop_host: Option<String> = None;
    /// Its port.
    next_hop_port: u16 = 587;
    /// How the channel to it is protected: starttls, tls (from the first byte) or none.
    next_hop_security: NextHopSecurity = NextHopSecurity::Starttls;
    /// Whether its certificate must be valid for next_hop_host: true or false.
    next_hop_verify: bool = true;
    /// PEM file of the authorities that its certificate is checked against; empty: those of the web.
    next_hop_ca: Option<PathBuf> = None;
    /// Username to sign in to it with; empty: without AUTH.
    next_hop_username: Option<String> = None;
    /// Password to sign in to it with.
    next_hop_password: HiddenText = HiddenText::default();
    /// Connections to it at a time: one for each production message that is under way; one credential gets at most three quarters.
    next_hop_max_connections: usize = 50;
    /// How long an unused connection to it is kept for the next message.
    next_hop_idle_timeout: Duration = Duration::from_secs(30);
    /// How long connecting to it may take, TLS and AUTH included.
    next_hop_connect_timeout: Duration = Duration::from_secs(20);
    /// How long it may take to answer a command.
    next_hop_timeout: Duration = Duration::from_secs(60);
    /// How long it may take to answer the end of a message (RFC 5321 section 4.5.3.2.6 asks for 10m).
    next_hop_data_timeout: Duration = Duration::from_secs(600);
    /// DNS servers that are asked about domains, ADDRESS:PORT, separated by commas; empty: the system's.
    dns_servers: Vec<SocketAddr> = Vec::new();
    /// How long a DNS server may take to answer.
    dns_timeout: Duration = Duration::from_secs(5);
    /// How often the record of a verified domain is looked up again.
    domain_check_interval: Duration = Duration::from_secs(86_400);
    /// How long a verified domain stays usable after its record is gone.
    domain_grace: Duration = Duration::from_secs(3 * 86_400);
    /// How long the content of sandbox messages is kept.
    keep_message_content: Duration = Duration::from_secs(7 * 86_400);
    /// How long the lines of the message log, and what became of their webhooks, are kept.
    keep_messages: Duration = Duration::from_secs(30 * 86_400);
    /// How long a webhook's endpoint may take to answer.
    webhook_timeout: Duration = Duration::from_secs(10);
    /// Networks that webhooks may go to although they are private, loopback or link-local: 10.1.0.0/16, separated by commas.
    webhook_allowed_networks: Vec<Network> = Vec::new();
    /// 32 bytes in Base64 that seal what the database keeps of secrets for a moment; the same on all nodes; empty: made in data_dir.
    sealing_key: HiddenText = HiddenText::default();
    /// Requests of an organization to the API in a second.
    api_requests_per_second: u32 = 100;
    /// … that may come at once.
    api_burst: u32 = 200;
    /// How long requests and SMTP sessions that are under way may take to finish after SIGTERM.
    drain_timeout: Duration = Duration::from_secs(30);
    /// How long the log-ins of credentials, granted and denied, are kept.
    keep_logins: Duration = Duration::from_secs(30 * 86_400);
    /// How long a dashboard session may be unused before it ends.
    session_timeout: Duration = Duration::from_secs(7 * 86_400);
}

/// A database's address; printed without its password.
#[derive(Clone, Default)]
pub struct DatabaseUrl(Option<String>);

impl Config {
    /// The database's address: the configured one, or SQLite in the data directory.
    pub fn database_address(&self) -> String {
        self.database_url.0.clone().unwrap_or_else(|| crate::db::sqlite_url(&self.database_file()))
    }

    /// Where SQLite keeps the data unless another database is configured.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("gatepost.db")
    }

    /// # Errors
    /// A sentence that names the settings that don't go together.
    fn check(&self) -> Result<()> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(crate::error::Error::setup("tls_cert and tls_key go together: set both or neither"));
        }
        if self.next_hop_username.is_some() == self.next_hop_password.expose().is_empty() {
            return Err(crate::error::Error::setup(
                "next_hop_username and next_hop_password go together: set both or neither",
            ));
        }
        if self.next_hop_username.is_some() && self.next_hop_security == NextHopSecurity::None {
            return Err(values::refused(
                "next_hop_security",
                "with none, next_hop_password would be sent in clear: choose starttls or tls",
            ));
        }
        // Held credits are given back after an hour.
        if self.smtp_data_timeout > Duration::from_secs(50 * 60) {
            return Err(values::refused("smtp_data_timeout", "it is at most 50m"));
        }
        // It stands in greetings and in what applications are told.
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !(1..=255).contains(&self.smtp_host.len())
            || !self.smtp_host.chars().all(is_host) && self.smtp_host.parse::<IpAddr>().is_err()
        {
            let what = "is a name such as mail.example.com, without a port";
            return Err(values::refused(
                "smtp_host",
                &format!("“{}”: it {what}", self.smtp_host.escape_debug()),
            ));
        }
        if self.smtp_listen.is_empty() {
            return Err(values::refused("smtp_listen", "it names no address"));
        }
        Ok(())
    }
}

impl Value for DatabaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(Some(text.to_owned()).filter(|text| !text.is_empty())))
    }

    fn print(&self) -> String {
        self.0.as_deref().map(crate::db::masked).unwrap_or_default()
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.print())
    }
}
