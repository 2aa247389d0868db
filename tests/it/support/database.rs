//! A database for each test, gone with it.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

use super::environment;

/// Address of a PostgreSQL database in which roles and schemas can be made, with a password in it; none: SQLite.
fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    SERVER.get_or_init(|| environment("TEST_DATABASE_URL")).as_deref()
}

/// Whether these tests run on PostgreSQL.
pub fn on_postgres() -> bool {
    server().is_some()
}

/// What is gone while an SQLite database is away.
const AWAY: [&str; 2] = ["credentials", "messages"];

/// SQLite: a file. PostgreSQL: a schema that belongs to a role of its own, which is much sooner made than a database.
pub struct Database {
    url: String,
    /// The role, and its schema of the same name.
    role: Option<String>,
}

impl Database {
    /// A new one: in `dir`, or on the server.
    pub async fn create(dir: &Path) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let Some(server) = server() else {
            return Self { url: gatepost::db::sqlite_url(&dir.join("gatepost.db")), role: None };
        };
        let role = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let (password, place) = parts(server).expect("TEST_DATABASE_URL is postgres://USER:PASSWORD@…");
        administer(&[
            format!("CREATE ROLE {role} LOGIN PASSWORD '{password}'"),
            format!("CREATE SCHEMA {role} AUTHORIZATION {role}"),
        ])
        .await
        .expect("a new schema");
        Self { url: format!("postgres://{role}:{password}@{place}"), role: Some(role) }
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
    /// tables of credentials and messages are gone.
    pub async fn take_away(&self) {
        match &self.role {
            None => {
                for table in AWAY {
                    self.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
                }
            }
            Some(role) => {
                administer(&[format!("ALTER ROLE {role} NOLOGIN"), end_sessions(role)])
                    .await
                    .expect("nobody inside");
            }
        }
    }

    pub async fn bring_back(&self) {
        match &self.role {
            None => {
                for table in AWAY {
                    self.execute(&format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
                }
            }
            Some(role) => administer(&[format!("ALTER ROLE {role} LOGIN")]).await.expect("open again"),
        }
    }
}

/// A test's own runtime may be at its end: what was made goes on a thread with another.
impl Drop for Database {
    fn drop(&mut self) {
        let Some(role) = self.role.take() else { return };
        let drop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let statements = [
                format!("ALTER ROLE {role} NOLOGIN"),
                end_sessions(&role),
                format!("DROP OWNED BY {role} CASCADE"),
                format!("DROP ROLE {role}"),
            ];
            // What is still ending may be in the way for a moment.
            for _ in 0..20 {
                if runtime.block_on(administer(&statements)).is_ok() {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            runtime.block_on(administer(&statements))
        };
        let dropped = std::thread::spawn(drop).join();
        let well = matches!(dropped, Ok(Ok(()))) || std::thread::panicking();
        assert!(well, "a test's schema is left behind: {dropped:?}");
    }
}

fn end_sessions(role: &str) -> String {
    format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'")
}

async fn administer(statements: &[String]) -> sqlx::Result<()> {
    let options: sqlx::postgres::PgConnectOptions = server().unwrap_or_default().parse()?;
    let mut connection: PgConnection = options.connect().await?;
    for statement in statements {
        connection.execute(AssertSqlSafe(statement.as_str())).await?;
    }
    connection.close().await
}

/// Password, and host with all that follows it.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (_user, rest) = url.strip_prefix("postgres://")?.split_once(':')?;
    rest.split_once('@')
}
