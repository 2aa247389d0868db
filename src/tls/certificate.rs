//! Certificates as files: reading PEM with errors that name the file, making a self-signed one, and telling what a
//! certificate says about itself.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use crate::clock::Timestamp;
use crate::secret::file;

/// How long a self-signed certificate lasts, and how long before its end it is replaced.
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);
const RENEWAL: Duration = Duration::from_secs(30 * 86_400);

/// What is wrong with a certificate or key file: a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("can't read {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    #[error("can't write {0}: {1}")]
    Unwritable(PathBuf, io::Error),
    #[error("{0} is not valid PEM: {1}")]
    NotPem(PathBuf, rustls::pki_types::pem::Error),
    #[error("{0} holds no certificate (a PEM section that begins with -----BEGIN CERTIFICATE-----)")]
    NoCertificate(PathBuf),
    #[error("{0} holds no private key (a PEM section that begins with -----BEGIN PRIVATE KEY-----)")]
    NoKey(PathBuf),
    #[error(
        "the private key in {0} is encrypted: decrypt it first, for instance with openssl pkey -in {0} -out key.pem"
    )]
    EncryptedKey(PathBuf),
    #[error("the private key in {0} can't be used: {1}")]
    UnusableKey(PathBuf, rustls::Error),
    #[error("the private key in {key} does not belong to the first certificate in {chain}")]
    Mismatch { key: PathBuf, chain: PathBuf },
    #[error("can't make a self-signed certificate for {0:?}: {1}")]
    NotMade(Vec<String>, rcgen::Error),
}

/// Reads a chain, the server's own certificate first, and the key that belongs to it.
pub fn load(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, Problem> {
    let certificates = CertificateDer::pem_slice_iter(&read(chain)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| Problem::NotPem(chain.to_owned(), problem))?;
    if certificates.is_empty() {
        return Err(Problem::NoCertificate(chain.to_owned()));
    }
    let private = read_key(key)?;
    let private = provider
        .key_provider
        .load_private_key(private)
        .map_err(|problem| Problem::UnusableKey(key.to_owned(), problem))?;
    let certified = CertifiedKey::new(certificates, private);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(_) => Err(Problem::Mismatch { key: key.to_owned(), chain: chain.to_owned() }),
    }
}

/// The server's own certificate in a PEM file.
pub fn first(path: &Path) -> Result<CertificateDer<'static>, Problem> {
    CertificateDer::from_pem_slice(&read(path)?).map_err(|problem| Problem::NotPem(path.to_owned(), problem))
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|problem| match problem {
        rustls::pki_types::pem::Error::NoItemsFound if contains(&pem, b"ENCRYPTED PRIVATE KEY") => {
            Problem::EncryptedKey(path.to_owned())
        }
        rustls::pki_types::pem::Error::NoItemsFound => Problem::NoKey(path.to_owned()),
        problem => Problem::NotPem(path.to_owned(), problem),
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    fs::read(path).map(Zeroizing::new).map_err(|problem| Problem::Unreadable(path.to_owned(), problem))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

/// The certificate that Gatepost makes for itself where none is configured: one file that holds both it and its key,
/// readable by nobody else.
#[derive(Debug)]
pub struct SelfSigned {
    pub path: PathBuf,
    names: Vec<String>,
}

impl SelfSigned {
    /// For `host` and for every name of this machine itself.
    pub fn new(directory: &Path, host: &str) -> Self {
        let mut names = vec![host.to_owned()];
        names.extend(
            ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|name| name != host),
        );
        SelfSigned { path: directory.join("smtp-self-signed.pem"), names }
    }

    /// Makes the file anew unless it serves already; says whether it did.
    pub fn ensure(&self, now: Timestamp) -> Result<bool, Problem> {
        if self.serves(now) {
            return Ok(false);
        }
        let pem = self.make(now).map_err(|problem| Problem::NotMade(self.names.clone(), problem))?;
        file::replace(&self.path, pem.as_bytes())
            .map_err(|problem| Problem::Unwritable(self.path.clone(), problem))?;
        Ok(true)
    }

    fn serves(&self, now: Timestamp) -> bool {
        let Ok(pem) = read(&self.path) else { return false };
        CertificateDer::from_pem_slice(&pem).is_ok_and(|certificate| !self.is_due(now, &certificate))
            && PrivateKeyDer::from_pem_slice(&pem).is_ok()
    }

    /// Whether `certificate` is for other names than it should be, or near its end.
    pub fn is_due(&self, now: Timestamp, certificate: &CertificateDer<'_>) -> bool {
        Facts::read(certificate)
            .is_none_or(|facts| facts.names != self.names || now >= facts.not_after.minus(RENEWAL))
    }

    fn make(&self, now: Timestamp) -> Result<Zeroizing<String>, rcgen::Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name.push(DnType::CommonName, self.names[0].as_str());
        // A day of slack for clients whose clock is slow.
        params.not_before = now.minus(Duration::from_secs(86_400)).utc();
        params.not_after = now.plus(LIFETIME).utc();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Zeroizing::new(certificate.pem() + &Zeroizing::new(key.serialize_pem())))
    }
}

/// What a certificate says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub subject: String,
    pub issuer: String,
    /// Host names and addresses it is for, in its own order.
    pub names: Vec<String>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl Facts {
    /// `None` for what is no certificate.
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let names = certificate
            .subject_alternative_name()
            .ok()
            .flatten()
            .map_or(&[][..], |names| names.value.general_names.as_slice());
        Some(Facts {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names.iter().filter_map(name).collect(),
            not_before: certificate.validity().not_before.to_datetime().into(),
            not_after: certificate.validity().not_after.to_datetime().into(),
        })
    }

    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

fn name(general: &GeneralName<'_>) -> Option<String> {
    match general {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
            ref bytes => <[u8; 16]>::try_from(bytes).ok().map(|v6| IpAddr::from(v6).to_string()),
        },
        _ => None,
    }
}
