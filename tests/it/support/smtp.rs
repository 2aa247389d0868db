//! A client of the SMTP door for tests: says what it is told to, hears the reply, believes every certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub struct SmtpClient {
    stream: BufReader<Box<dyn Stream>>,
}

/// A reply: its code, and its lines without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl SmtpClient {
    /// Connects and hears the greeting.
    pub async fn connect(door: SocketAddr) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST.into(), door).await
    }

    /// Connects from another address of this machine: all of 127.0.0.0/8 is.
    pub async fn connect_from(client: IpAddr, door: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_nodelay(true).expect("an option of sockets");
        socket.bind(SocketAddr::new(client, 0)).expect("an address of this machine");
        let stream: Box<dyn Stream> = Box::new(socket.connect(door).await.expect("the door is open"));
        let mut client = Self { stream: BufReader::new(stream) };
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
        let stream = TlsConnector::from(believes_everyone()).connect(name, self.stream.into_inner()).await;
        let mut client = Self { stream: BufReader::new(Box::new(stream.expect("a TLS handshake"))) };
        client.expect(250, "EHLO client.example").await;
        client
    }

    /// AUTH PLAIN with an initial response.
    pub async fn log_in(&mut self, username: &str, password: &str) -> Reply {
        let response = STANDARD.encode(format!("\0{username}\0{password}"));
        self.command(&format!("AUTH PLAIN {response}")).await
    }

    pub async fn command(&mut self, line: &str) -> Reply {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.expect("the door listens");
        self.stream.flush().await.expect("the door listens");
        self.reply().await
    }

    pub async fn expect(&mut self, code: u16, line: &str) -> Reply {
        let reply = self.command(line).await;
        assert_eq!(reply.code, code, "{line}: {reply:?}");
        reply
    }

    pub async fn reply(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let heard = tokio::time::timeout(super::PATIENCE, self.stream.read_line(&mut line)).await;
            let length = heard.expect("a reply in time").expect("a reply");
            assert!(length > 0, "the door hung up after {lines:?}");
            let line = line.strip_suffix("\r\n").expect("a line ends with CR LF");
            let (code, text) = line.split_at(3);
            lines.push(text.get(1..).unwrap_or_default().to_owned());
            if !text.starts_with('-') {
                return Reply { code: code.parse().expect("a code"), lines };
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

fn believes_everyone() -> Arc<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let verifier = Arc::new(BelievesEveryone(provider));
    let config = config.expect("versions of TLS").dangerous().with_custom_certificate_verifier(verifier);
    Arc::new(config.with_no_client_auth())
}

#[derive(Debug)]
struct BelievesEveryone(Arc<CryptoProvider>);

impl ServerCertVerifier for BelievesEveryone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
