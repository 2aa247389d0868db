//! Every setting, once: its name, default, and one line of documentation. The only reader of the environment.
//!
//! A setting `data_dir` is `data_dir` in the TOML file, `GATEPOST_DATA_DIR` in the environment and `--data-dir` on the command
//! line; each overrides the one before it, and all of them the default.

mod sources;
mod values;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use sources::{flags, load};
pub use values::{LogFormat, PublicUrl, Security, SmtpListener};

use crate::error::Result;
use values::{Value, list};

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
    /// Addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas.
    trusted_proxies: Vec<IpAddr> = Vec::new();
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

impl Value for Vec<SmtpListener> {
    fn parse(text: &str) -> Result<Self, String> {
        list(text)
    }

    fn print(&self) -> String {
        values::print_list(self)
    }
}

impl Value for Vec<IpAddr> {
    fn parse(text: &str) -> Result<Self, String> {
        list(text)
    }

    fn print(&self) -> String {
        values::print_list(self)
    }
}
