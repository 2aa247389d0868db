//! What every request, every SMTP session and every command shares. Built once; clones share it.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Config, PublicUrl, SmtpListener};
use crate::db::Db;
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::gate::hashing::Hashing;
use crate::tls::Tls;

#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
pub struct Shared {
    /// What is in force.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The time of day.
    pub clock: Clock,
    /// Decides who enters.
    pub gate: Gate,
    /// Where the SMTP door listens, port 0 resolved; empty in commands.
    pub smtp_listeners: Vec<SmtpListener>,
    /// TLS of the SMTP door; none in commands, which a broken certificate must not stop.
    pub tls: Option<Tls>,
    /// The dashboard's address as browsers see it.
    pub public_url: PublicUrl,
}

/// What was bound before anything ran, so that port 0 works.
#[derive(Clone, Debug)]
pub struct Bound {
    pub http: SocketAddr,
    pub smtp: Vec<SmtpListener>,
}

impl App {
    /// Opens the data directory and the database.
    ///
    /// # Errors
    /// [`Error::Setup`], one sentence.
    pub async fn open(config: Config, clock: Clock, bound: Bound) -> Result<Self> {
        make_data_dir(&config)?;
        let db = Db::open(&config.database_address()).await?;
        let gate = Gate::new(db.clone(), clock.clone(), Hashing::start()?);
        let public_url = config.public_url.clone().unwrap_or_else(|| PublicUrl::of_listener(bound.http));
        let smtp_listeners = bound.smtp;
        let tls = if smtp_listeners.is_empty() { None } else { Some(Tls::open(&config, &clock)?) };
        Ok(Self(Arc::new(Shared { config, db, clock, gate, smtp_listeners, tls, public_url })))
    }

    /// For a command: nothing is bound.
    pub async fn open_for_command(config: Config) -> Result<Self> {
        let bound = Bound { http: config.http_listen, smtp: Vec::new() };
        Self::open(config, Clock::default(), bound).await
    }

    /// Where passwords are hashed.
    pub fn hashing(&self) -> &Hashing {
        self.gate.hashing()
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Nobody but the owner may read what is in it: the database, and a private key.
fn make_data_dir(config: &Config) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data_dir).map_err(|cause| {
        Error::setup(format!("the data directory {} can't be made: {cause}", config.data_dir.display()))
    })
}
