//! A client of the SMTP door for tests: says what it is told to, hears the reply, believes exactly the certificate that it is given.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub struct SmtpClient {
    stream: BufReader<Box<dyn Stream>>,
    certificate: Option<CertificateDer<'static>>,
}

/// Where the door is, and the certificate that it made itself; none where it shows one that it was given.
#[derive(Clone, Debug)]
pub struct Door {
    pub address: SocketAddr,
    pub certificate: Option<CertificateDer<'static>>,
}

/// A reply: its code, and its lines without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl SmtpClient {
    /// Connects and hears the greeting.
    pub async fn connect(door: &Door) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST.into(), door).await
    }

    /// Connects from another address of this machine: all of 127.0.0.0/8 is.
    pub async fn connect_from(client: IpAddr, door: &Door) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_nodelay(true).expect("an option of sockets");
        socket.bind(SocketAddr::new(client, 0)).expect("an address of this machine");
        let stream: Box<dyn Stream> = Box::new(socket.connect(door.address).await.expect("the door is open"));
        let mut client = Self { stream: BufReader::new(stream), certificate: door.certificate.clone() };
        let greeting = client.reply().await;
        assert_eq!(greeting.code, 220, "{greeting:?}");
        client
    }

    /// STARTTLS, and EHLO before and after it.
    pub async fn encrypted(mut self) -> Self {
        self.expect(250, "EHLO client.example").await;
        self.expect(220, "STARTTLS").await;
        assert!(self.stream.buffer().is_empty(), "nothing follows the answer to STARTTLS in clear");
        let name = ServerName::try_from("localhost").expect("a name");
        let certificate = self.certificate.as_ref().expect("Gatepost's own certificate");
        let connector = TlsConnector::from(trusting(certificate, rustls::ALL_VERSIONS));
        let stream = connector.connect(name, self.stream.into_inner()).await.expect("a TLS handshake");
        let mut client = Self { stream: BufReader::new(Box::new(stream)), certificate: self.certificate };
        client.expect(250, "EHLO client.example").await;
        client
    }

    /// AUTH PLAIN with an initial response.
    pub async fn log_in(&mut self, username: &str, password: &str) -> Reply {
        let response = STANDARD.encode(format!("\0{username}\0{password}"));
        self.command(&format!("AUTH PLAIN {response}")).await
    }

    pub async fn command(&mut self, line: &str) -> Reply {
        self.try_command(line).await.unwrap_or_else(|| panic!("the door hung up at {line:?}"))
    }

    /// None when the door is gone.
    pub async fn try_command(&mut self, line: &str) -> Option<Reply> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
        self.stream.flush().await.ok()?;
        self.try_reply().await
    }

    /// A message after DATA: dots doubled, and the lonely dot at its end.
    pub async fn send(&mut self, content: &[u8]) -> Reply {
        let mut wire = Vec::with_capacity(content.len() + 5);
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            wire.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
            wire.extend_from_slice(line);
        }
        wire.extend_from_slice(b".\r\n");
        self.write(&wire).await;
        self.reply().await
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the door listens");
        self.stream.flush().await.expect("the door listens");
    }

    pub async fn expect(&mut self, code: u16, line: &str) -> Reply {
        let reply = self.command(line).await;
        assert_eq!(reply.code, code, "{line}: {reply:?}");
        reply
    }

    pub async fn reply(&mut self) -> Reply {
        self.try_reply().await.expect("the door has not hung up")
    }

    async fn try_reply(&mut self) -> Option<Reply> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let heard = tokio::time::timeout(super::PATIENCE, self.stream.read_line(&mut line)).await;
            heard.expect("a reply in time").ok()?;
            let line = line.strip_suffix("\r\n")?;
            let (code, text) = line.split_at(3);
            lines.push(text.get(1..).unwrap_or_default().to_owned());
            if !text.starts_with('-') {
                return Some(Reply { code: code.parse().expect("a code"), lines });
            }
        }
    }

    /// Whether the door has hung up; fails the test when it says something first.
    pub async fn is_over(&mut self) -> bool {
        let mut rest = String::new();
        let heard = tokio::time::timeout(super::PATIENCE, self.stream.read_line(&mut rest)).await;
        let over = matches!(heard.expect("an end in time"), Ok(0) | Err(_));
        assert_eq!(rest, "");
        over
    }
}

impl Reply {
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The five characters that find a denial in the dashboard.
    pub fn reference(&self) -> String {
        let text = self.text();
        let reference = text.split_once("(ref ").and_then(|(_, rest)| rest.split_once(')'));
        reference.unwrap_or_else(|| panic!("no reference in {text}")).0.to_owned()
    }
}

/// TLS for a client that trusts exactly `certificate`.
pub fn trusting(
    certificate: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
