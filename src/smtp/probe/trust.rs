//! Which servers the probe believes, and what it remembers of the certificate it was shown.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::tls::certificate::Facts;

#[derive(Debug, Clone)]
pub enum Trust {
    /// Certificates for the host by a public authority.
    Public,
    /// Those, and this very certificate whatever its names: Gatepost's own door.
    Also(CertificateDer<'static>),
    /// Any certificate at all.
    Anything,
}

/// TLS of one handshake, and what was seen in it.
pub struct Handshake {
    pub config: Arc<ClientConfig>,
    seen: Arc<Mutex<Option<Facts>>>,
}

impl Handshake {
    pub fn new(trust: &Trust) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Arc::default();
        let verifier = Verifier {
            trust: trust.clone(),
            public: public(&provider)?,
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

    /// What the server's certificate said, whether it was believed or not.
    pub fn facts(&self) -> Option<Facts> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn public(provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()));
    WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|problem| Error::General(problem.to_string()))
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    public: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Option<Facts>>>,
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
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Facts::read(own);
        match &self.trust {
            Trust::Anything => Ok(ServerCertVerified::assertion()),
            Trust::Also(known) if known == own => Ok(ServerCertVerified::assertion()),
            _ => self.public.verify_server_cert(own, intermediates, name, ocsp, now),
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
