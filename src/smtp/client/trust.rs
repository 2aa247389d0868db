//! Which servers are believed, and what is remembered of the certificate that one showed.

use std::io;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Log, Trouble};
use crate::tls::certificate::Facts;

#[derive(Debug, Clone)]
pub enum Trust {
    /// Certificates for the host by a public authority.
    Public,
    /// Those, and this very certificate, with a doubt where others would not believe it: Gatepost's own door.
    Also(CertificateDer<'static>),
    /// Certificates for the host by one of these authorities.
    Authorities(Arc<RootCertStore>),
    /// Any certificate at all.
    Anything,
}

/// Why who trusts public authorities alone would not have believed the server.
pub type Doubt = Trouble;

/// The client's side of a TLS handshake with `host`. What was seen of certificate and channel is noted in `log`.
pub async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    trust: &Trust,
    log: &Log,
) -> Result<(TlsStream<S>, Option<Doubt>), Trouble> {
    let unusable = |problem| Trouble::Handshake(io::Error::other(problem));
    let handshake = Handshake::new(trust).map_err(unusable)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Trouble::UnknownHost)?;
    let connected = TlsConnector::from(handshake.config.clone()).connect(name, stream).await;
    let Seen { facts, doubt } = handshake.seen();
    if let Some(facts) = &facts {
        note_certificate(log, facts);
    }
    let facts = facts.map(Box::new);
    match connected {
        Ok(stream) => {
            note_channel(log, stream.get_ref().1);
            Ok((stream, doubt.map(|reason| Trouble::Certificate(reason, facts))))
        }
        Err(problem) => Err(handshake_trouble(problem, facts)),
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

fn handshake_trouble(problem: io::Error, facts: Option<Box<Facts>>) -> Trouble {
    let inner = problem.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(reason)) => Trouble::Certificate(reason.clone(), facts),
        _ => Trouble::Handshake(problem),
    }
}

/// TLS of one handshake, and what was seen in it.
struct Handshake {
    config: Arc<ClientConfig>,
    seen: Arc<Mutex<Seen>>,
}

/// What the server's certificate said, whether it was believed or not.
#[derive(Debug, Default)]
struct Seen {
    facts: Option<Facts>,
    doubt: Option<CertificateError>,
}

impl Handshake {
    fn new(trust: &Trust) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Arc::<Mutex<Seen>>::default();
        let verifier = Verifier {
            trust: trust.clone(),
            authorities: authorities(trust, &provider)?,
            provider: provider.clone(),
            seen: Arc::clone(&seen),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Handshake { config: Arc::new(config), seen })
    }

    fn seen(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock())
    }
}

fn authorities(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    static PUBLIC: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = match trust {
        Trust::Authorities(roots) => roots,
        _ => PUBLIC.get_or_init(|| Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())),
    };
    WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|problem| Error::General(problem.to_string()))
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    authorities: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Seen>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut seen = self.seen.lock();
        seen.facts = Facts::read(own);
        let believed = || self.authorities.verify_server_cert(own, intermediates, name, ocsp, now);
        match &self.trust {
            Trust::Anything => Ok(ServerCertVerified::assertion()),
            Trust::Also(known) if known == own => {
                if let Err(Error::InvalidCertificate(reason)) = believed() {
                    seen.doubt = Some(reason);
                }
                Ok(ServerCertVerified::assertion())
            }
            _ => believed(),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
