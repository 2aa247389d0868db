//! A database for each test, gone with it.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::environment;

/// Address of a PostgreSQL server on which databases can be made; none: SQLite.
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER.get_or_init(|| environment("TEST_DATABASE_URL")).as_deref()
}

/// Whether these tests run on PostgreSQL.
pub fn on_postgres() -> bool {
    server().is_some()
}

pub struct Database {
    url: String,
    /// Its name on the PostgreSQL server.
    name: Option<String>,
}

impl Database {
    /// A new one: in `dir`, or on the server.
    pub async fn create(dir: &Path) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let Some(server) = server() else {
            return Self { url: gatepost::db::sqlite_url(&dir.join("gatepost.db")), name: None };
        };
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        administer(server, &format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .expect("a new database");
        let (host, _) = server.rsplit_once('/').expect("TEST_DATABASE_URL ends in a database's name");
        Self { url: format!("{host}/{name}"), name: Some(name) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement past Gatepost: only to break the database on purpose.
    pub async fn execute(&self, statement: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.expect("a connection");
        connection.execute(AssertSqlSafe(statement)).await.expect(statement);
        connection.close().await.expect("an orderly end");
    }

    /// Makes it unusable until [`Database::bring_back`]: PostgreSQL throws everybody out and lets nobody in; from SQLite the
    /// table of credentials is gone.
    pub async fn take_away(&self) {
        let Some((name, server)) = self.on_server() else {
            return self.execute("ALTER TABLE credentials RENAME TO credentials_away").await;
        };
        administer(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.expect("closed");
        let everybody =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        administer(server, &everybody).await.expect("nobody inside");
    }

    pub async fn bring_back(&self) {
        match self.on_server() {
            None => self.execute("ALTER TABLE credentials_away RENAME TO credentials").await,
            Some((name, server)) => {
                let open = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
                administer(server, &open).await.expect("open again");
            }
        }
    }

    fn on_server(&self) -> Option<(&str, &'static str)> {
        self.name.as_deref().zip(server())
    }
}

/// A test's own runtime may be at its end: the database goes on a thread with another.
impl Drop for Database {
    fn drop(&mut self) {
        let Some((name, server)) = self.name.take().zip(server()) else { return };
        let drop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(administer(server, &format!("DROP DATABASE {name} WITH (FORCE)")))
        };
        if let Ok(Err(error)) = std::thread::spawn(drop).join() {
            eprintln!("a test's database is left behind: {error}");
        }
    }
}

async fn administer(server: &str, statement: &str) -> sqlx::Result<()> {
    let options: sqlx::postgres::PgConnectOptions = server.parse()?;
    let mut connection: PgConnection = options.connect().await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}
