//! What every request, every SMTP session and every command shares. Built once; clones share it.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Config, PublicUrl, SmtpListener};
use crate::db::Db;
use crate::dns::Dns;
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::gate::hashing::Hashing;
use crate::secret::sealing::Sealing;
use crate::tls::Tls;

#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
pub struct Shared {
    /// What is in force.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Where records of domains are looked up.
    pub dns: Dns,
    /// The time of day.
    pub clock: Clock,
    /// Decides who enters.
    pub gate: Gate,
    /// Where the SMTP door listens, port 0 resolved; empty in commands.
    pub smtp_listeners: Vec<SmtpListener>,
    /// TLS of the SMTP door; none in commands, which a broken certificate must not stop.
    pub tls: Option<Tls>,
    /// Seals what the database keeps of secrets for a moment.
    pub sealing: Sealing,
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
        make_database_file(&config)?;
        let db = Db::open(&config.database_address()).await?;
        let sealing = match config.sealing_key.expose() {
            "" => Sealing::kept_in(&config.data_dir.join("sealing.key"))?,
            key => Sealing::new(key)?,
        };
        let dns = Dns::new(&config);
        let gate = Gate::new(db.clone(), clock.clone(), Hashing::start()?);
        let public_url = config.public_url.clone().unwrap_or_else(|| PublicUrl::of_listener(bound.http));
        let smtp_listeners = bound.smtp;
        let tls = if smtp_listeners.is_empty() { None } else { Some(Tls::open(&config, &clock)?) };
        let shared = Shared { config, db, dns, clock, gate, smtp_listeners, tls, sealing, public_url };
        Ok(Self(Arc::new(shared)))
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

/// The same for the database, wherever it is. SQLite would make it readable by all; the files that it puts beside it take over
/// its mode.
fn make_database_file(config: &Config) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let Some(file) = crate::db::file_to_make(&config.database_address()) else { return Ok(()) };
    let made = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&file);
    made.map(drop).map_err(|cause| Error::setup(format!("{} can't be written: {cause}", file.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn nobody_else_can_read_the_database_also_in_a_directory_that_is_open_to_others() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let by_default = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        let mut named = by_default.clone();
        named.set("database_url", &crate::db::sqlite_url(&dir.path().join("named.db"))).unwrap();
        let apps =
            [App::open_for_command(by_default).await.unwrap(), App::open_for_command(named).await.unwrap()];
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        for app in apps {
            app.db.close().await;
        }
    }
}
