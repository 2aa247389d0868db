//! A next hop that does what a test says, and writes down what it heard.

mod session;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use gatepost::config::{Config, NextHopSecurity};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::{Authority, eventually};
use session::Session;

/// What it does at a step instead of what it usually does. A step is a verb, or `greeting`, `handshake` (TLS),
/// `content` (after the first line of a message), `end` (of a message) or `answer` (to the second line of AUTH LOGIN).
#[derive(Clone, Debug)]
pub enum Act {
    /// These lines, each with CR LF.
    Says(&'static str),
    /// These bytes, and then as if nothing had been.
    Writes(&'static [u8]),
    SaysAndHangsUp(&'static str),
    HangsUp,
    /// Says and reads nothing any more, and stays.
    Freezes,
    /// Takes so long, and then as if nothing had been.
    Dawdles(Duration),
    /// Tells the first bell that it is there, waits for the second, and says these lines.
    WaitsAndSays(Arc<[Notify; 2]>, &'static str),
}

pub struct NextHop {
    pub address: SocketAddr,
    security: NextHopSecurity,
    /// Where its certificate is from.
    authority: Option<(Authority, tempfile::TempDir)>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    once: HashMap<&'static str, VecDeque<Act>>,
    always: HashMap<&'static str, Act>,
    /// The keywords of its answer to EHLO; STARTTLS by itself.
    offers: Vec<&'static str>,
    connections: Vec<Heard>,
}

/// What one connection brought.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Command lines without CR LF; `(TLS)` where it was encrypted.
    pub commands: Vec<String>,
    /// Messages as they came over the wire, with the dot that ends them.
    pub messages: Vec<Vec<u8>>,
    pub over: bool,
}

impl NextHop {
    /// In clear.
    pub async fn plain() -> Self {
        Self::start(NextHopSecurity::None, None).await
    }

    pub async fn starttls() -> Self {
        Self::with_certificate(NextHopSecurity::Starttls, Authority::new).await
    }

    pub async fn tls() -> Self {
        Self::with_certificate(NextHopSecurity::Tls, Authority::new).await
    }

    pub async fn with_certificate(
        security: NextHopSecurity,
        make: impl FnOnce(&std::path::Path) -> Authority,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self::start(security, Some((make(dir.path()), dir))).await
    }

    async fn start(security: NextHopSecurity, authority: Option<(Authority, tempfile::TempDir)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let offers = vec!["8BITMIME", "SMTPUTF8", "SIZE 50000000", "AUTH PLAIN LOGIN"];
        let state = Arc::new(Mutex::new(State { offers, ..State::default() }));
        let acceptor = authority.as_ref().map(|(authority, _)| acceptor(authority));
        tokio::spawn({
            let state = state.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let at = {
                        let mut state = lock(&state);
                        state.connections.push(Heard::default());
                        state.connections.len() - 1
                    };
                    let session = Session { state: state.clone(), at, security, acceptor: acceptor.clone() };
                    tokio::spawn(session.run(stream));
                }
            }
        });
        Self { address, security, authority, state }
    }

    /// Puts it into a configuration.
    pub fn configure(&self, config: &mut Config) {
        config.next_hop_host = Some("localhost".to_owned());
        config.next_hop_port = self.address.port();
        config.next_hop_security = self.security;
        config.next_hop_ca = self.authority.as_ref().map(|(authority, _)| authority.root.clone());
    }

    /// At the next such step.
    pub fn once(&self, step: &'static str, act: Act) {
        lock(&self.state).once.entry(step).or_default().push_back(act);
    }

    /// At every such step.
    pub fn always(&self, step: &'static str, act: Act) {
        lock(&self.state).always.insert(step, act);
    }

    pub fn offers(&self, keywords: &[&'static str]) {
        lock(&self.state).offers = keywords.to_vec();
    }

    /// Its connections, in the order in which they came.
    pub fn connections(&self) -> Vec<Heard> {
        lock(&self.state).connections.clone()
    }

    /// Its only connection.
    pub fn connection(&self) -> Heard {
        let mut connections = self.connections();
        assert_eq!(connections.len(), 1, "{connections:?}");
        connections.remove(0)
    }

    /// Connections that are not over.
    pub fn open_connections(&self) -> usize {
        self.connections().iter().filter(|heard| !heard.over).count()
    }

    /// Waits until all its clients have left.
    pub async fn is_left(&self) {
        eventually("all connections are over", async || (self.open_connections() == 0).then_some(())).await;
    }
}

impl Heard {
    /// The message at `at` as it is received: without the dots that were stuffed, and the one that ends it.
    pub fn received(&self, at: usize) -> Vec<u8> {
        let wire = self.messages[at].strip_suffix(b".\r\n").expect("a dot ends it");
        let lines = wire.split_inclusive(|byte| *byte == b'\n');
        lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
    }

    pub fn verbs(&self) -> Vec<&str> {
        self.commands.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no panic in another thread")
}

pub fn acceptor(authority: &Authority) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(&authority.chain).expect("a file");
    let chain = chain.collect::<Result<_, _>>().expect("a chain");
    let key = PrivateKeyDer::from_pem_file(&authority.key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}
