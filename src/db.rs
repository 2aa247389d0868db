//! Opens the database and begins transactions: the only room that knows whether it is SQLite or PostgreSQL.
//!
//! Everything else speaks one portable SQL with `$1` over sqlx's `Any`: TEXT, BIGINT (UTC microseconds) and SMALLINT (0/1).

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

use parking_lot::RwLock;
use sqlx::any::{AnyArguments, AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyConnection, AnyPool, Connection, Executor, Transaction};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::error::{Error, Result};

/// How long a request waits for a connection, a lock or an answer before it is told that the database is unavailable.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long anything in the database takes at most. PostgreSQL ends a statement after 10 s by itself; this is for one that has
/// vanished without a word (power, failover, a network that swallows): nothing would ever come of the wait.
const LONGEST: Duration = Duration::from_secs(15);

/// Rows that one statement writes at most.
const ROWS_AT_ONCE: usize = 100;

/// Stores a type as TEXT through its `Display` and `FromStr`.
macro_rules! stored_as_text {
    ($name:ty) => {
        impl sqlx::Type<sqlx::Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <String as sqlx::Type<sqlx::Any>>::type_info()
            }
        }

        impl sqlx::Encode<'_, sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<sqlx::Any>::encode(self.to_string(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Any> for $name {
            fn decode(
                value: <sqlx::Any as sqlx::Database>::ValueRef<'r>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                Ok(<&str as sqlx::Decode<sqlx::Any>>::decode(value)?.parse()?)
            }
        }
    };
}
pub(crate) use stored_as_text;

/// Stores a type as BIGINT through a pair of functions.
macro_rules! stored_as_bigint {
    ($name:ty, $into:expr, $from:expr) => {
        impl sqlx::Type<sqlx::Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <i64 as sqlx::Type<sqlx::Any>>::type_info()
            }

            fn compatible(info: &sqlx::any::AnyTypeInfo) -> bool {
                <i64 as sqlx::Type<sqlx::Any>>::compatible(info)
            }
        }

        impl sqlx::Encode<'_, sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<sqlx::Any>::encode($into(*self), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Any> for $name {
            fn decode(
                value: <sqlx::Any as sqlx::Database>::ValueRef<'r>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                Ok($from(<i64 as sqlx::Decode<sqlx::Any>>::decode(value)?))
            }
        }
    };
}
pub(crate) use stored_as_bigint;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// The database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Db {
    connections: Arc<Connections>,
    kind: Kind,
    /// SQLite has one writer at a time: those of this process queue here in order, instead of polling for its lock.
    turn: Arc<Mutex<()>>,
    /// Rung by each commit that brought news.
    news: Arc<Notify>,
}

/// The connections, and how to make new ones.
#[derive(Debug)]
struct Connections {
    pool: RwLock<AnyPool>,
    options: AnyConnectOptions,
    /// When one was had last.
    had: parking_lot::Mutex<Instant>,
}

/// A transaction that may write. Dropped without [`Tx::commit`] it is rolled back.
pub struct Tx {
    inner: Transaction<'static, Any>,
    _turn: Option<OwnedMutexGuard<()>>,
    news: Arc<Notify>,
    has_news: bool,
}

impl Db {
    /// Opens `sqlite:…` or `postgres:…` and brings its tables up to date.
    ///
    /// # Errors
    /// [`Error::Setup`] in one sentence, without the password that the address may hold.
    pub async fn open(url: &str) -> Result<Self> {
        let db = Self::connect(url).await?;
        db.migrate().await?;
        Ok(db)
    }

    async fn connect(url: &str) -> Result<Self> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let kind = kind(url)?;
        let options: AnyConnectOptions = url
            .parse()
            .map_err(|cause| Error::setup(format!("database_url is not a database's address: {cause}")))?;
        let refused = |cause: &dyn fmt::Display| {
            Error::setup(format!("the database {} can't be opened: {cause}", masked(url)))
        };
        // A pool would only say that it waited in vain; one connection says why.
        let first = timeout(PATIENCE, AnyConnection::connect_with(&options));
        let mut first =
            first.await.map_err(|_| refused(&"no answer in time"))?.map_err(|cause| refused(&cause))?;
        prepare(&mut first, kind).await.map_err(|cause| refused(&cause))?;
        first.close().await.map_err(|cause| refused(&cause))?;
        let pool = RwLock::new(pool(kind, options.clone()));
        let connections = Connections { pool, options, had: parking_lot::Mutex::new(Instant::now()) };
        Ok(Self { connections: Arc::new(connections), kind, turn: Arc::default(), news: Arc::default() })
    }

    /// Whether other machines can be using it too.
    pub fn may_be_shared(&self) -> bool {
        self.kind == Kind::Postgres
    }

    /// Two processes may start on one new SQLite file at once: the one that loses the race finds the tables made.
    async fn migrate(&self) -> Result<()> {
        let mut attempts = 3;
        loop {
            match sqlx::migrate!().run(&self.pool()).await {
                Ok(()) => return Ok(()),
                Err(cause) if attempts == 1 || self.kind == Kind::Postgres => {
                    return Err(Error::setup(format!(
                        "the database's tables can't be brought up to date: {cause}"
                    )));
                }
                Err(_) => attempts -= 1,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// A connection to read with. A change made by a transaction that committed before this call is seen.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        let acquired = self.pool().acquire().await;
        self.noted(acquired)
    }

    /// Begins a transaction that will write.
    pub async fn begin(&self) -> Result<Tx> {
        let (news, has_news) = (self.news.clone(), false);
        match self.kind {
            Kind::Postgres => {
                let begun = self.pool().begin().await;
                Ok(Tx { inner: self.noted(begun)?, _turn: None, news, has_news })
            }
            Kind::Sqlite => {
                let turn = timeout(PATIENCE, self.turn.clone().lock_owned())
                    .await
                    .map_err(|_| Error::unavailable("no turn to write to the database in time"))?;
                let inner = self.pool().begin_with("BEGIN IMMEDIATE").await?;
                Ok(Tx { inner, _turn: Some(turn), news, has_news })
            }
        }
    }

    /// Waits for a transaction of this process that brings news ([`Tx::bring_news`]). Other processes ring no bell here.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        in_time(async { Ok(self.read().await?.ping().await?) }).await
    }

    fn pool(&self) -> AnyPool {
        self.connections.pool.read().clone()
    }

    /// Where all connections of PostgreSQL are taken up and none was to be had for a while, their other ends have vanished: they
    /// are left to themselves, and new ones are made.
    fn noted<T>(&self, had: sqlx::Result<T>) -> Result<T> {
        let mut last = self.connections.had.lock();
        match &had {
            Ok(_) => *last = Instant::now(),
            Err(sqlx::Error::PoolTimedOut) if self.kind == Kind::Postgres && last.elapsed() >= PATIENCE => {
                *last = Instant::now();
                warn!("no connection to the database was to be had for {PATIENCE:?}: new ones are made");
                let new = pool(self.kind, self.connections.options.clone());
                let old = std::mem::replace(&mut *self.connections.pool.write(), new);
                tokio::spawn(async move { old.close().await });
            }
            Err(_) => {}
        }
        Ok(had?)
    }

    pub async fn close(&self) {
        if timeout(PATIENCE, self.pool().close()).await.is_err() {
            warn!("some connections to the database did not end in time");
        }
    }
}

/// Does it in the database, or says after a while that the database does not answer.
pub async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::unavailable("the database did not answer in time"));
    timeout(LONGEST, work).await.unwrap_or_else(late)
}

fn pool(kind: Kind, options: AnyConnectOptions) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(PATIENCE)
        .before_acquire(|connection, _| Box::pin(is_usable(connection)))
        .after_connect(move |connection, _| Box::pin(prepare(connection, kind)))
        .connect_lazy_with(options)
}

impl Tx {
    /// Makes everything done in it lasting and visible to all nodes.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        if self.has_news {
            self.news.notify_one();
        }
        Ok(())
    }

    /// Wakes whoever waits in [`Db::news`], once it is committed.
    pub fn bring_news(&mut self) {
        self.has_news = true;
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

/// So many placeholders in a row: `$2, $3, $4`.
pub fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// A statement that reads nothing, and what is bound to it.
pub type Statement = Query<'static, Any, AnyArguments>;

/// Writes rows, many in a statement. `insert`: up to the names of the columns, and how many these are; `bind` binds one row.
pub async fn insert_rows<T>(
    tx: &mut Tx,
    (insert, columns): (&'static str, usize),
    rows: &[T],
    bind: impl Fn(Statement, &T) -> Result<Statement>,
) -> Result<()> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let sql = format!("{insert} VALUES {}", rows_of_places(rows.len(), columns));
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == 1);
        rows.iter().try_fold(query, &bind)?.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Rows of placeholders of a `VALUES`, `columns` wide: `($1, $2), ($3, $4)`.
fn rows_of_places(rows: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", places(row * columns + 1, columns));
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// The address of the SQLite file that is made when no other database is configured.
pub fn sqlite_url(file: &Path) -> String {
    format!("sqlite://{}?mode=rwc", file.display())
}

/// The file of an SQLite database that is to be made where there is none.
pub fn file_to_make(url: &str) -> Option<PathBuf> {
    let options: SqliteConnectOptions = url.parse().ok().filter(|_| url.contains("mode=rwc"))?;
    Some(options.get_filename().to_owned())
}

/// A database's address with its password masked, for people to read.
pub fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once(':') else { return url.to_owned() };
    let address = match rest.rsplit_once('@') {
        Some((user, place)) => {
            // However many slashes were typed.
            let slashes = user.len() - user.trim_start_matches('/').len();
            let name = user[slashes..].split(':').next().unwrap_or_default();
            format!("{scheme}:{}{name}:****@{place}", &user[..slashes])
        }
        None => url.to_owned(),
    };
    // PostgreSQL takes it behind the question mark too.
    let mask = |option: &str| match option.split_once("password=") {
        Some((before, _)) => format!("{before}password=****"),
        None => option.to_owned(),
    };
    address.split('&').map(mask).collect::<Vec<_>>().join("&")
}

fn kind(url: &str) -> Result<Kind> {
    match url.split(':').next() {
        Some("sqlite") => Ok(Kind::Sqlite),
        Some("postgres" | "postgresql") => Ok(Kind::Postgres),
        _ => Err(Error::setup("database_url must begin with sqlite: or postgres:")),
    }
}

/// SQLite ends a transaction by itself when the disk is full or fails. sqlx still counts it as open and would refuse to begin
/// another on this connection for ever: `false` has it replaced by a new one.
async fn is_usable(connection: &mut AnyConnection) -> sqlx::Result<bool> {
    Ok(!connection.is_in_transaction())
}

/// Settings of one connection. `synchronous=FULL`: a confirmed change survives the loss of power.
async fn prepare(connection: &mut AnyConnection, kind: Kind) -> sqlx::Result<()> {
    let settings = match kind {
        Kind::Sqlite => {
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON"
        }
        Kind::Postgres => {
            "SET client_min_messages = 'warning'; SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
             SET idle_in_transaction_session_timeout = '30s'; SET TIME ZONE 'UTC'"
        }
    };
    for setting in settings.split(';') {
        connection.execute(setting.trim()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_is_in_nobodys_way_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&sqlite_url(&dir.path().join("gatepost.db"))).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.execute("ROLLBACK").await.unwrap();
        assert!(tx.commit().await.is_err());
        for _ in 0..3 {
            db.begin().await.unwrap().commit().await.unwrap();
        }
    }

    #[test]
    fn a_database_address_is_shown_without_its_password() {
        assert_eq!(masked("postgres://gp:p@ss/w@db:5432/x?a=b"), "postgres://gp:****@db:5432/x?a=b");
        assert_eq!(masked("postgres://gp:secret@db/x"), "postgres://gp:****@db/x");
        assert_eq!(masked("postgres:/gp:secret@db/x"), "postgres:/gp:****@db/x");
        assert_eq!(masked("postgres:gp:secret@db/x"), "postgres:gp:****@db/x");
        assert_eq!(
            masked("postgres://db/x?user=gp&password=secret"),
            "postgres://db/x?user=gp&password=****"
        );
        assert_eq!(masked("sqlite:///tmp/x.db?mode=rwc"), "sqlite:///tmp/x.db?mode=rwc");
    }
}
