//! A database with a number of credentials in it: SQLite in a temporary directory, or a database of its own in PostgreSQL.

use std::path::Path;

use gatepost::clock::{Clock, Timestamp};
use gatepost::db::Db;
use gatepost::id::OrganizationId;
use gatepost::model::Organization;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

use super::seed;

pub struct Store {
    pub credentials: usize,
    pub organization: OrganizationId,
    pub now: Timestamp,
    pub db: Db,
    /// Its address, for a server.
    pub url: String,
    dir: TempDir,
}

impl Store {
    /// The databases to measure on: SQLite, and the PostgreSQL server at `TEST_DATABASE_URL`, if that is set.
    #[expect(clippy::disallowed_methods, reason = "a benchmark's own setting is no setting of Gatepost")]
    pub fn kinds() -> Vec<(&'static str, Option<String>)> {
        let postgres = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
        let mut kinds = vec![("SQLite", None)];
        match postgres {
            Some(url) => kinds.push(("PostgreSQL", Some(url))),
            None => println!("PostgreSQL is left out: TEST_DATABASE_URL does not name a server.\n"),
        }
        kinds
    }

    /// Makes one with this many credentials. `server`: an address on a PostgreSQL server where databases may be created.
    pub async fn with(credentials: usize, server: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let url = match server {
            None => gatepost::db::sqlite_url(&dir.path().join("gatepost.db")),
            Some(server) => create_database(server, dir.path(), credentials).await,
        };
        let db = Db::open(&url).await.expect("a database");
        let now = Clock::default().now();
        let mut tx = db.begin().await.expect("a transaction");
        let organization = Organization::first_or_create(&mut tx, now).await.expect("an organization").id;
        seed::credentials(&mut tx, organization, now, credentials).await;
        tx.commit().await.expect("a commit");
        if server.is_some() {
            // What autovacuum has done by the time that anybody measures.
            db.read().await.expect("a connection").execute("VACUUM ANALYZE").await.expect("statistics");
        }
        Self { credentials, organization, now, db, url, dir }
    }

    /// For a server's own files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// A database named after the directory, so that none is met twice. It stays: the server is a throw-away one.
async fn create_database(server: &str, dir: &Path, credentials: usize) -> String {
    let unique = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("bench_{credentials}_{}", unique.to_lowercase());
    let mut connection = PgConnection::connect(server).await.expect("the PostgreSQL server answers");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database");
    let (base, _database) = server.rsplit_once('/').expect("an address with a database");
    format!("{base}/{name}")
}
