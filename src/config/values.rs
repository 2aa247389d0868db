//! The kinds of value that a setting takes, from text and back.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;

use crate::error::{Error, Result};
use crate::secret::Password;

/// A setting's value: read from one line of text, printed as that text.
pub trait Value: Sized {
    /// # Errors
    /// What it takes, as the end of a sentence.
    fn parse(text: &str) -> Result<Self, String>;
    fn print(&self) -> String;
}

pub fn refused(name: &str, why: &str) -> Error {
    Error::setup(format!("{name}: {why}"))
}

/// How an SMTP listener protects its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Begins in clear; the client must send STARTTLS (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
}

/// One address of the SMTP door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmtpListener {
    pub address: SocketAddr,
    pub security: Security,
}

impl Default for SmtpListener {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 2525)), security: Security::Starttls }
    }
}

impl FromStr for SmtpListener {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, security) = text.split_once('=').unwrap_or((text, "starttls"));
        let security = match security {
            "starttls" => Security::Starttls,
            "implicit" => Security::Implicit,
            other => return Err(format!("“{other}” is neither starttls nor implicit")),
        };
        let address = address
            .parse()
            .map_err(|_| format!("“{address}” is not an address with a port, such as 0.0.0.0:587"))?;
        Ok(Self { address, security })
    }
}

impl Display for SmtpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.address, self.security)
    }
}

impl Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starttls => "starttls",
            Self::Implicit => "implicit",
        })
    }
}

/// How the channel to the next hop is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHopSecurity {
    /// STARTTLS, or nothing is sent (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// In clear: for a server on this machine or in a network of its own.
    None,
}

impl Value for NextHopSecurity {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "starttls" => Ok(Self::Starttls),
            "tls" => Ok(Self::Tls),
            "none" => Ok(Self::None),
            _ => Err(format!("“{text}” is none of starttls, tls, none")),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
        .to_owned()
    }
}

/// A secret of the configuration; printed as `****`.
#[derive(Clone, Default)]
pub struct HiddenText(Option<Password>);

impl HiddenText {
    /// Empty where none is set.
    pub fn expose(&self) -> &str {
        self.0.as_ref().map_or("", Password::expose)
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print())
    }
}

impl Value for HiddenText {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(Some(text).filter(|text| !text.is_empty()).map(Password::new)))
    }

    fn print(&self) -> String {
        if self.expose().is_empty() { String::new() } else { "****".to_owned() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Value for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("“{text}” is neither text nor json")),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// The dashboard's origin: scheme, host and port, nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// `https://gatepost.example`, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it is in clear for this machine alone: the one place where a cookie need not be `Secure`.
    pub fn is_plain_localhost(&self) -> bool {
        let uri: Option<Uri> = self.0.parse().ok().filter(|_| !self.is_https());
        let host = uri.as_ref().and_then(Uri::host).map(|host| host.trim_matches(['[', ']']));
        host.is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
    }

    /// The address of a dashboard that is served in clear at `address`.
    pub fn of_listener(address: SocketAddr) -> Self {
        Self(format!("http://{address}"))
    }
}

impl Value for PublicUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let url = text.trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|cause| format!("“{text}” is not an address: {cause}"))?;
        match (uri.scheme_str(), uri.host(), uri.path()) {
            (Some("http" | "https"), Some(_), "/" | "") if uri.query().is_none() => {
                Ok(Self(url.to_ascii_lowercase()))
            }
            _ => Err(format!("“{text}” is not of the form https://HOST or http://HOST:PORT")),
        }
    }

    fn print(&self) -> String {
        self.0.clone()
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("it must not be empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("“{text}” is neither true nor false"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        String::parse(text).map(Self::from)
    }

    fn print(&self) -> String {
        self.display().to_string()
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("“{text}” is not an address with a port, such as 127.0.0.1:8080"))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

/// Whole and positive numbers.
macro_rules! number {
    ($($type:ty),+) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("“{text}” is not a number above 0"))
            }

            fn print(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
number!(usize, u16, u32, u64);

/// `500ms`, `30s`, `5m`, `12h` or `7d`.
impl Value for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        let refusal = || format!("“{text}” is not a duration such as 500ms, 30s, 5m, 12h or 7d");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refusal)?;
        let number: u64 = text[..digits].parse().map_err(|_| refusal())?;
        let duration = match &text[digits..] {
            "ms" => Some(Self::from_millis(number)),
            "s" => Some(Self::from_secs(number)),
            "m" => number.checked_mul(60).map(Self::from_secs),
            "h" => number.checked_mul(3_600).map(Self::from_secs),
            "d" => number.checked_mul(86_400).map(Self::from_secs),
            _ => None,
        };
        duration.filter(|duration| (1..=MAX_DURATION).contains(&duration.as_millis())).ok_or_else(refusal)
    }

    fn print(&self) -> String {
        match (self.as_millis(), self.as_secs()) {
            (millis, _) if millis % 1_000 != 0 => format!("{millis}ms"),
            (_, secs) if secs % 86_400 == 0 => format!("{}d", secs / 86_400),
            (_, secs) if secs % 3_600 == 0 => format!("{}h", secs / 3_600),
            (_, secs) if secs % 60 == 0 => format!("{}m", secs / 60),
            (_, secs) => format!("{secs}s"),
        }
    }
}

/// Ten years, in milliseconds: no setting means more.
const MAX_DURATION: u128 = 10 * 366 * 86_400_000;

/// Empty: none.
impl<T: Value> Value for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn print(&self) -> String {
        self.as_ref().map(T::print).unwrap_or_default()
    }
}

/// Separated by commas; empty: none.
impl<T: FromStr<Err: Display> + Display> Value for Vec<T> {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| item.parse().map_err(|why: T::Err| format!("“{item}”: {why}")))
            .collect()
    }

    fn print(&self) -> String {
        self.iter().map(T::to_string).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_it_is_printed() {
        for text in ["500ms", "30s", "5m", "12h", "7d"] {
            assert_eq!(Duration::parse(text).map(|duration| duration.print()).as_deref(), Ok(text));
        }
        for text in ["", "5", "s", "-1s", "0s", "1y", "99999999999999999d"] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_listener_is_starttls_unless_it_says_otherwise() {
        assert_eq!(
            "0.0.0.0:587".parse::<SmtpListener>().map(|l| l.to_string()).as_deref(),
            Ok("0.0.0.0:587=starttls")
        );
        assert_eq!("[::]:465=implicit".parse::<SmtpListener>().map(|l| l.security), Ok(Security::Implicit));
        assert!("0.0.0.0:587=tls".parse::<SmtpListener>().is_err());
        assert!("587".parse::<SmtpListener>().is_err());
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let url = Option::<PublicUrl>::parse("HTTPS://Gatepost.example/").ok().flatten();
        assert_eq!(url.as_ref().map(PublicUrl::as_str), Some("https://gatepost.example"));
        for text in ["gatepost.example", "ftp://x", "https://x/path", "https://x/?q"] {
            assert!(Option::<PublicUrl>::parse(text).is_err(), "{text}");
        }
    }
    #[test]
    fn only_this_machine_may_be_served_without_a_secure_cookie() {
        let is_plain_localhost = |url: &str| PublicUrl(url.to_owned()).is_plain_localhost();
        for local in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            assert!(is_plain_localhost(local), "{local}");
        }
        for other in [
            "https://localhost",
            "http://gate.example",
            "http://0.0.0.0:8080",
            "http://localhost.evil.example",
        ] {
            assert!(!is_plain_localhost(other), "{other}");
        }
    }
}
