//! The probe's side of the wire: commands out, replies in, bounded.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConnection};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Speaker;
use super::log::{Log, plain};
use super::trust::{Handshake, Trust};
use crate::secret::Password;
use crate::tls::certificate::Facts;

/// Longest line of a reply that is read; RFC 5321 section 4.5.3.1.5 allows 512.
const MOST_LINE: u64 = 2_048;
/// Most lines of one reply.
const MOST_LINES: usize = 100;

/// Why a step failed.
#[derive(Debug)]
pub enum Trouble {
    UnknownHost,
    NotConnected(io::Error),
    TimedOut,
    HungUp,
    Broken(io::Error),
    /// No SMTP reply; the line as it came.
    NotSmtp(String),
    Refused(Reply),
    NoStartTls,
    /// Bytes came in with the answer to STARTTLS.
    Injected,
    Certificate(CertificateError, Option<Box<Facts>>),
    Handshake(io::Error),
    /// Neither PLAIN nor LOGIN is offered; what is.
    NoMechanism(String),
    NoAddress,
}

/// A server's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// Its lines, without codes.
    pub lines: Vec<String>,
}

impl Reply {
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The arguments of a keyword among the lines of a reply to EHLO.
    fn keyword(&self, keyword: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
            name.eq_ignore_ascii_case(keyword).then_some(arguments)
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    log: Log,
    /// The newest reply to EHLO.
    offers: Option<Reply>,
    open: bool,
}

impl Wire {
    pub fn new(stream: TcpStream, log: Log) -> Self {
        Self::over(Box::new(stream), log)
    }

    fn over(stream: Box<dyn Stream>, log: Log) -> Self {
        Wire { stream: BufReader::new(stream), log, offers: None, open: true }
    }

    /// Whether the server may still listen.
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub async fn greeting(&mut self) -> Result<(), Trouble> {
        self.expect(220).await.map(drop)
    }

    pub async fn hello(&mut self, name: &str) -> Result<(), Trouble> {
        self.send(&format!("EHLO {name}")).await?;
        self.offers = Some(self.expect(250).await?);
        Ok(())
    }

    pub async fn start_tls(&mut self) -> Result<(), Trouble> {
        if self.offers.as_ref().is_none_or(|offers| offers.keyword("STARTTLS").is_none()) {
            return Err(Trouble::NoStartTls);
        }
        self.send("STARTTLS").await?;
        self.expect(220).await?;
        if self.stream.buffer().is_empty() { Ok(()) } else { Err(Trouble::Injected) }
    }

    /// The same wire with TLS over it; nothing heard before counts.
    pub async fn encrypt(self, host: &str, trust: &Trust) -> Result<Wire, Trouble> {
        let unusable = |problem| Trouble::Handshake(io::Error::other(problem));
        let handshake = Handshake::new(trust).map_err(unusable)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| Trouble::UnknownHost)?;
        let connected =
            TlsConnector::from(handshake.config.clone()).connect(name, self.stream.into_inner()).await;
        let facts = handshake.facts();
        if let Some(facts) = &facts {
            note_certificate(&self.log, facts);
        }
        match connected {
            Ok(stream) => {
                note_channel(&self.log, stream.get_ref().1);
                Ok(Wire::over(Box::new(stream), self.log))
            }
            Err(problem) => Err(handshake_trouble(problem, facts)),
        }
    }

    pub async fn log_in(&mut self, username: &str, password: &Password) -> Result<(), Trouble> {
        let offered =
            self.offers.as_ref().and_then(|offers| offers.keyword("AUTH")).unwrap_or_default().to_owned();
        let offers = |name: &str| offered.split(' ').any(|mechanism| mechanism.eq_ignore_ascii_case(name));
        if offers("PLAIN") {
            let response = STANDARD.encode(plain(username, password.expose()));
            self.send(&format!("AUTH PLAIN {response}")).await?;
        } else if offers("LOGIN") {
            self.send("AUTH LOGIN").await?;
            self.expect(334).await?;
            self.send(&STANDARD.encode(username)).await?;
            self.expect(334).await?;
            self.send(&STANDARD.encode(password.expose())).await?;
        } else {
            return Err(Trouble::NoMechanism(offered));
        }
        self.expect(235).await.map(drop)
    }

    /// MAIL or RCPT with an address that was looked at before.
    pub async fn mail(&mut self, command: &str, address: Result<&str, Trouble>) -> Result<(), Trouble> {
        self.send(&format!("{command}:<{}>", address?)).await?;
        self.expect(250).await.map(drop)
    }

    pub async fn quit(&mut self) -> Result<(), Trouble> {
        self.send("QUIT").await?;
        self.expect(221).await?;
        self.open = false;
        // The server has said goodbye; how the socket ends is no finding.
        let _ = self.stream.shutdown().await;
        Ok(())
    }

    async fn send(&mut self, line: &str) -> Result<(), Trouble> {
        self.log.write(Speaker::Client, line);
        let sent = async {
            self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|problem| self.lost(problem))
    }

    async fn expect(&mut self, code: u16) -> Result<Reply, Trouble> {
        // Stays so when a time limit cuts this short.
        self.open = false;
        let reply = self.reply().await?;
        self.open = reply.code != 421;
        if reply.code == code { Ok(reply) } else { Err(Trouble::Refused(reply)) }
    }

    async fn reply(&mut self) -> Result<Reply, Trouble> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            let line = self.line().await?;
            let (code, last, text) = cut(&line).ok_or_else(|| Trouble::NotSmtp(line.clone()))?;
            lines.push(text.to_owned());
            if last {
                return Ok(Reply { code, lines });
            }
        }
        Err(Trouble::NotSmtp(format!("a reply of more than {MOST_LINES} lines")))
    }

    async fn line(&mut self) -> Result<String, Trouble> {
        let mut bytes = Vec::new();
        match (&mut self.stream).take(MOST_LINE).read_until(b'\n', &mut bytes).await {
            Ok(0) => return Err(Trouble::HungUp),
            Ok(_) => {}
            Err(problem) => return Err(self.lost(problem)),
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\r', '\n']).replace(char::is_control, "\u{fffd}");
        Ok(self.log.write(Speaker::Server, &text))
    }

    fn lost(&mut self, problem: io::Error) -> Trouble {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        self.open = false;
        match problem.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => Trouble::HungUp,
            _ => Trouble::Broken(problem),
        }
    }
}

/// Code, whether it is the last line, text (RFC 5321 section 4.2).
fn cut(line: &str) -> Option<(u16, bool, &str)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code = code.parse().ok().filter(|code| (200..600).contains(code))?;
    match rest.split_at_checked(1) {
        None => Some((code, true, "")),
        Some((" ", text)) => Some((code, true, text)),
        Some(("-", text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

fn note_certificate(log: &Log, facts: &Facts) {
    log.note(format!("Certificate for {}", facts.names.join(", ")));
    let issuer = if facts.is_self_signed() { "self-signed" } else { &format!("issued by {}", facts.issuer) };
    log.note(format!("{issuer}, valid from {} to {}", facts.not_before, facts.not_after));
}

fn note_channel(log: &Log, connection: &ClientConnection) {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    if let Some(suite) = connection.negotiated_cipher_suite() {
        log.note(format!("{version} with {:?}", suite.suite()));
    }
}

fn handshake_trouble(problem: io::Error, facts: Option<Facts>) -> Trouble {
    let inner = problem.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            Trouble::Certificate(reason.clone(), facts.map(Box::new))
        }
        _ => Trouble::Handshake(problem),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const USERNAME: &str = "smtp_aB3xK9mP2qR5wY7z";
    const PASSWORD: &str = "sk_4f8Hj2kLmN6pQrStUvWxYz1a3B5cD7eF";

    /// A wire whose server says `script`, whatever it hears.
    async fn wire(script: &str) -> (Wire, Log, tokio::io::DuplexStream) {
        let (client, mut server) = duplex(4_096);
        server.write_all(script.as_bytes()).await.unwrap();
        let log = Log::masking(USERNAME, &Password::new(PASSWORD));
        (Wire::over(Box::new(client), log.clone()), log, server)
    }

    #[tokio::test]
    async fn login_is_used_where_plain_is_not_offered_and_masked_likewise() {
        let (mut wire, log, _server) =
            wire("250-mail\r\n250 AUTH CRAM-MD5 LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n")
                .await;
        wire.hello("test").await.unwrap();
        wire.log_in(USERNAME, &Password::new(PASSWORD)).await.unwrap();
        let said: Vec<_> = log.take().into_iter().filter(|line| line.from == Speaker::Client).collect();
        let texts: Vec<_> = said.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["EHLO test", "AUTH LOGIN", &STANDARD.encode(USERNAME), "********"]);
    }

    #[tokio::test]
    async fn without_a_mechanism_it_knows_it_says_nothing_secret() {
        let (mut wire, _, _server) = wire("250-mail\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n").await;
        wire.hello("test").await.unwrap();
        let trouble = wire.log_in(USERNAME, &Password::new(PASSWORD)).await;
        assert!(matches!(trouble, Err(Trouble::NoMechanism(offered)) if offered == "CRAM-MD5 XOAUTH2"));
    }

    #[tokio::test]
    async fn a_server_that_repeats_the_password_is_masked_too() {
        let (mut wire, log, _server) = wire(&format!("550 your password {PASSWORD} is wrong\r\n")).await;
        assert!(
            matches!(wire.greeting().await, Err(Trouble::Refused(reply)) if reply.text() == "your password ******** is wrong")
        );
        assert!(log.take().iter().all(|line| !line.text.contains(PASSWORD)));
    }

    #[test]
    fn replies_are_cut_into_code_and_text() {
        assert_eq!(cut("250 2.0.0 OK"), Some((250, true, "2.0.0 OK")));
        assert_eq!(cut("250-mail"), Some((250, false, "mail")));
        assert_eq!(cut("250"), Some((250, true, "")));
        for garbled in ["", "25", "250x", "HTTP/1.1 400", "099 no", "2é0 no"] {
            assert_eq!(cut(garbled), None, "{garbled}");
        }
    }
}
