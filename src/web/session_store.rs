//! Keeps tower-sessions' sessions in the database: under the SHA-256 of their key, with the member as a column, so that a
//! member can list and end them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};

use crate::clock::Clock;
use crate::db::Db;
use crate::error::Error;
use crate::id::MemberId;
use crate::model::session::StoredSession;
use crate::secret::token_hash;

/// Where in a session's data it stands who is logged in.
pub const WHO: &str = "who";

/// Who is logged in, and from where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Who {
    pub member: MemberId,
    /// Of the password with which it began, in microseconds: with the next one it is over.
    #[serde(default)]
    pub password_set_at: i64,
    pub address: String,
    pub agent: String,
    /// When the session was written last, in microseconds: it is written again when this is an hour ago.
    pub seen: i64,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub db: Db,
    pub clock: Clock,
}

/// What a session is kept under: all that a reader of the table could have is this, and it opens nothing.
pub fn key_hash(id: &Id) -> String {
    token_hash(&id.to_string())
}

impl Store {
    fn stored(&self, record: &Record) -> StoreResult<StoredSession> {
        let who = record.data.get(WHO).cloned().map(serde_json::from_value::<Who>).transpose();
        let who = who.map_err(|cause| StoreError::Decode(cause.to_string()))?;
        Ok(StoredSession {
            key_hash: key_hash(&record.id),
            data: serde_json::to_string(&record.data)
                .map_err(|cause| StoreError::Encode(cause.to_string()))?,
            member: who.as_ref().map(|who| who.member),
            address: who.as_ref().map(|who| who.address.clone()).unwrap_or_default(),
            agent: who.map(|who| who.agent).unwrap_or_default(),
            expires_at: record.expiry_date.into(),
        })
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        let session = self.stored(record)?;
        let mut tx = self.db.begin().await.map_err(failed)?;
        session.create(&mut tx, self.clock.now()).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let session = self.stored(record)?;
        let mut tx = self.db.begin().await.map_err(failed)?;
        session.save(&mut tx, self.clock.now()).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let mut connection = self.db.read().await.map_err(failed)?;
        let found =
            StoredSession::load(&mut connection, &key_hash(id), self.clock.now()).await.map_err(failed)?;
        let Some(session) = found else { return Ok(None) };
        let data =
            serde_json::from_str(&session.data).map_err(|cause| StoreError::Decode(cause.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: session.expires_at.utc() }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        let mut tx = self.db.begin().await.map_err(failed)?;
        StoredSession::delete(&mut tx, &key_hash(id)).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}

fn failed(error: Error) -> StoreError {
    StoreError::Backend(error.to_string())
}
