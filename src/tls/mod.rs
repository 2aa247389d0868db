//! TLS of the SMTP door: rustls with TLS 1.2 and 1.3, and a certificate that is read again when its files change.
//!
//! Before each handshake the files' size and times are looked at, so that a renewed certificate serves the very next
//! connection. A broken new file is logged, and the certificate in force stays.

pub mod certificate;

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::TlsAcceptor;

use self::certificate::{Facts, Problem, SelfSigned};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};

/// The door's side of TLS. Cheap to clone; clones share the certificate in force.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.source).finish()
    }
}

struct Inner {
    source: Source,
    clock: Clock,
    provider: Arc<CryptoProvider>,
    in_force: Mutex<InForce>,
}

#[derive(Debug)]
enum Source {
    Files { chain: PathBuf, key: PathBuf },
    Own(SelfSigned),
}

struct InForce {
    server: Arc<ServerConfig>,
    own: CertificateDer<'static>,
    /// Of the files when they were last looked at, whether or not they could be used.
    seen: Stamps,
}

/// Tells one content of the files from the next: inode, size and time in nanoseconds of each; `None` for a missing one.
type Stamps = [Option<(u64, u64, i64, i64)>; 2];

impl Tls {
    /// Reads the configured certificate, or the self-signed one in the data directory, which is made where needed.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn open(config: &Config, clock: &Clock) -> Result<Self> {
        let source = match (&config.tls_cert, &config.tls_key) {
            (Some(chain), Some(key)) => Source::Files { chain: chain.clone(), key: key.clone() },
            _ => Source::Own(SelfSigned::new(&config.data_dir, &config.smtp_host)),
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let in_force = source
            .load(clock, &provider)
            .map_err(|problem| Error::setup(format!("SMTP certificate: {problem}")))?;
        Ok(Tls(Arc::new(Inner { source, clock: clock.clone(), provider, in_force: Mutex::new(in_force) })))
    }

    /// For one handshake, with the certificate as it is on disk now.
    pub async fn acceptor(&self) -> TlsAcceptor {
        self.look_again().await;
        TlsAcceptor::from(self.0.in_force.lock().server.clone())
    }

    /// The certificate that a client would be shown now.
    pub async fn certificate(&self) -> CertificateDer<'static> {
        self.look_again().await;
        self.0.in_force.lock().own.clone()
    }

    async fn look_again(&self) {
        let tls = self.clone();
        // Fails only when the runtime is shutting down; the certificate in force is good enough then.
        let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
    }

    /// Takes over what changed on disk, and renews a self-signed certificate in time.
    fn reload(&self) {
        let Inner { source, clock, provider, .. } = &*self.0;
        let mut in_force = self.0.in_force.lock();
        let seen = source.stamps();
        if seen == in_force.seen && !source.is_due(clock, &in_force.own) {
            return;
        }
        match source.load(clock, provider) {
            Ok(new) => {
                *in_force = new;
                tracing::info!("the SMTP door's certificate was read again");
            }
            Err(problem) => {
                in_force.seen = seen;
                tracing::error!(%problem, "the SMTP door keeps its certificate, the new one can't be used");
            }
        }
    }
}

/// The file of the certificate that Gatepost makes itself; none where one is configured.
pub fn own_certificate(config: &Config) -> Option<PathBuf> {
    config.tls_cert.is_none().then(|| SelfSigned::new(&config.data_dir, &config.smtp_host).path)
}

/// The certificate that a door with this configuration shows, as far as it is there.
pub fn certificate_on_disk(config: &Config) -> Option<CertificateDer<'static>> {
    certificate::first(&config.tls_cert.clone().or_else(|| own_certificate(config))?).ok()
}

impl Source {
    fn paths(&self) -> [&Path; 2] {
        match self {
            Source::Files { chain, key } => [chain, key],
            Source::Own(own) => [&own.path, &own.path],
        }
    }

    fn stamps(&self) -> Stamps {
        self.paths().map(|path| {
            let data = fs::metadata(path).ok()?;
            Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
        })
    }

    /// Whether the certificate is Gatepost's own and near its end.
    fn is_due(&self, clock: &Clock, certificate: &CertificateDer<'_>) -> bool {
        match self {
            Source::Files { .. } => false,
            Source::Own(own) => own.is_due(clock.now(), certificate),
        }
    }

    fn load(&self, clock: &Clock, provider: &Arc<CryptoProvider>) -> Result<InForce, Problem> {
        if let Source::Own(own) = self
            && own.ensure(clock.now())?
        {
            tracing::info!(path = %own.path.display(), "made a self-signed certificate");
        }
        let seen = self.stamps();
        let [chain, key] = self.paths();
        let certified = certificate::load(chain, key, provider)?;
        let own = certified.cert[0].clone();
        warn_if_out_of_date(clock, chain, &own);
        Ok(InForce { server: server(certified, provider.clone(), chain)?, own, seen })
    }
}

fn warn_if_out_of_date(clock: &Clock, path: &Path, certificate: &CertificateDer<'_>) {
    let now = clock.now();
    if let Some(facts) = Facts::read(certificate)
        && !(facts.not_before..facts.not_after).contains(&now)
    {
        tracing::warn!(
            path = %path.display(), not_before = %facts.not_before, not_after = %facts.not_after,
            "the SMTP door's certificate is not valid today"
        );
    }
}

fn server(
    certified: CertifiedKey,
    provider: Arc<CryptoProvider>,
    chain: &Path,
) -> Result<Arc<ServerConfig>, Problem> {
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map(|builder| Arc::new(builder.with_no_client_auth().with_cert_resolver(resolver)))
        .map_err(|problem| Problem::UnusableKey(chain.to_owned(), problem))
}
