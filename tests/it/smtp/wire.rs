//! A client that says exactly what a test wants said, and checks what it hears.

use std::net::SocketAddr;

use rustls::SupportedProtocolVersion;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::support::{PATIENCE, trusting};

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Wire {
    stream: Option<BufReader<Box<dyn Stream>>>,
    /// The beginning of a line whose end nobody waited for.
    begun: Vec<u8>,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        Wire { stream: Some(BufReader::new(Box::new(stream))), begun: Vec::new() }
    }

    /// Goes through the TLS handshake, trusting exactly `certificate`.
    pub async fn start_tls(&mut self, certificate: &CertificateDer<'static>) {
        self.try_tls(certificate).await.expect("a TLS handshake");
    }

    pub async fn try_tls(&mut self, certificate: &CertificateDer<'static>) -> std::io::Result<()> {
        self.try_tls_of(rustls::DEFAULT_VERSIONS, certificate).await
    }

    /// With these versions of TLS only.
    pub async fn try_tls_of(
        &mut self,
        versions: &[&'static SupportedProtocolVersion],
        certificate: &CertificateDer<'static>,
    ) -> std::io::Result<()> {
        let bare = self.stream.take().expect("a stream");
        assert!(bare.buffer().is_empty(), "the server said more than 220 before the handshake");
        let connector = TlsConnector::from(trusting(certificate, versions));
        let name = ServerName::try_from("localhost").expect("a name");
        let handshake = timeout(PATIENCE, connector.connect(name, bare.into_inner()));
        let stream = handshake.await.expect("a handshake in time")?;
        self.stream = Some(BufReader::new(Box::new(stream)));
        Ok(())
    }

    pub async fn sends(&mut self, bytes: &[u8]) {
        // The server may have hung up already, as the test is about to see.
        let _ = self.stream().write_all(bytes).await;
        let _ = self.stream().flush().await;
    }

    /// Sends a command and hears its reply.
    pub async fn asks(&mut self, command: &str, pattern: &str) {
        self.sends(format!("{command}\r\n").as_bytes()).await;
        self.hears(pattern).await;
    }

    /// Hears what `pattern` says, or fails.
    pub async fn hears(&mut self, pattern: &str) {
        if let Err(why) = self.expects(pattern).await {
            panic!("{why}");
        }
    }

    /// `*` stands for anything, `?` for one character; `250-*` for a whole reply of several lines.
    pub async fn expects(&mut self, pattern: &str) -> Result<(), String> {
        let mut line =
            self.line().await.ok_or_else(|| format!("expected {pattern:?}, but the server hung up"))?;
        if !matches(pattern, &line) {
            return Err(format!("expected {pattern:?}, heard {line:?}"));
        }
        if let Some(code) = pattern.strip_suffix("-*") {
            while line.starts_with(&format!("{code}-")) {
                line = self.line().await.ok_or_else(|| format!("the reply {pattern:?} has no end"))?;
            }
            if !line.starts_with(&format!("{code} ")) {
                return Err(format!("the reply {pattern:?} ends with {line:?}"));
            }
        }
        Ok(())
    }

    /// The server hangs up, and says nothing more.
    pub async fn is_closed(&mut self) -> Result<(), String> {
        match self.line().await {
            None => Ok(()),
            Some(line) => Err(format!("expected the end, heard {line:?}")),
        }
    }

    /// One line without its CR LF; `None` at the end. Whoever stops waiting for it loses nothing.
    pub async fn line(&mut self) -> Option<String> {
        let stream = self.stream.as_mut().expect("a stream");
        let read = timeout(PATIENCE, stream.read_until(b'\n', &mut self.begun)).await;
        let bytes = std::mem::take(&mut self.begun);
        match read.expect("a line in time") {
            Ok(_) if !bytes.is_empty() => {
                let text = String::from_utf8(bytes).expect("text");
                Some(text.strip_suffix("\r\n").expect("CR LF ends each line").to_owned())
            }
            // A reset is an end too.
            _ => None,
        }
    }

    fn stream(&mut self) -> &mut BufReader<Box<dyn Stream>> {
        self.stream.as_mut().expect("a stream")
    }
}

/// Whether `text` is as `pattern` says; blanks at their ends don't count.
fn matches(pattern: &str, text: &str) -> bool {
    fn inner(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| inner(rest, &text[skipped..])),
            (['?', rest @ ..], [_, text @ ..]) => inner(rest, text),
            ([c, rest @ ..], [t, text @ ..]) if c == t => inner(rest, text),
            _ => false,
        }
    }
    let chars = |text: &str| text.trim_end().chars().collect::<Vec<_>>();
    inner(&chars(pattern), &chars(text))
}

#[test]
fn patterns_say_no_as_well_as_yes() {
    assert!(matches("250 *", "250 OK"));
    assert!(matches("535 * (ref ?????)", "535 5.7.8 no (ref 7K3QZ)"));
    assert!(!matches("535 * (ref ?????)", "535 5.7.8 no (ref 7K3Q)"));
    assert!(!matches("250 OK", "250 OK and more"));
    assert!(!matches("250-*", "250 OK"));
}
