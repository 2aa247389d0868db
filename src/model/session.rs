//! Dashboard sessions: kept under the SHA-256 of the key in the cookie, listed and ended by their owner.

use std::collections::HashMap;

use sqlx::AnyConnection;

use super::actor::Actor;
use super::event::{Action, Event, Subject};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{MemberId, OrganizationId, SessionId};

/// What a member sees of a session.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    pub id: SessionId,
    pub address: String,
    /// The browser's User-Agent.
    pub agent: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
}

/// A session as the store keeps it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredSession {
    /// SHA-256 of the key in the cookie, in hexadecimal.
    pub key_hash: String,
    /// What tower-sessions keeps in it, as JSON.
    pub data: String,
    pub member: Option<MemberId>,
    pub address: String,
    pub agent: String,
    pub expires_at: Timestamp,
}

impl StoredSession {
    /// Writes a new one.
    pub async fn create(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO sessions (key_hash, member, data, address, agent, last_seen_at, expires_at, id, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6)",
        )
        .bind(&self.key_hash)
        .bind(self.member)
        .bind(&self.data)
        .bind(&self.address)
        .bind(&self.agent)
        .bind(now)
        .bind(self.expires_at)
        .bind(SessionId::new())
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Writes a changed one. One that was ended meanwhile stays ended.
    pub async fn save(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE sessions SET member = $2, data = $3, address = $4, agent = $5, last_seen_at = $6, expires_at = $7 \
             WHERE key_hash = $1",
        )
        .bind(&self.key_hash)
        .bind(self.member)
        .bind(&self.data)
        .bind(&self.address)
        .bind(&self.agent)
        .bind(now)
        .bind(self.expires_at)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The session under this key, unless it has expired.
    pub async fn load(
        connection: &mut AnyConnection,
        key_hash: &str,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let sql = "SELECT key_hash, data, member, address, agent, expires_at FROM sessions \
                   WHERE key_hash = $1 AND expires_at > $2";
        Ok(sqlx::query_as(sql).bind(key_hash).bind(now).fetch_optional(connection).await?)
    }

    pub async fn delete(tx: &mut Tx, key_hash: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE key_hash = $1";
        sqlx::query(sql).bind(key_hash).execute(&mut **tx).await?;
        Ok(())
    }
}

impl Session {
    /// A member's open sessions, the one used last first.
    pub async fn of_member(
        connection: &mut AnyConnection,
        member: MemberId,
        now: Timestamp,
    ) -> Result<Vec<Self>> {
        let sql = "SELECT id, address, agent, created_at, last_seen_at FROM sessions \
                   WHERE member = $1 AND expires_at > $2 ORDER BY last_seen_at DESC LIMIT 100";
        Ok(sqlx::query_as(sql).bind(member).bind(now).fetch_all(connection).await?)
    }

    /// When each member was last seen, of those who have an open session.
    pub async fn last_seen(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<HashMap<MemberId, Timestamp>> {
        let sql = "SELECT s.member, MAX(s.last_seen_at) FROM sessions s JOIN memberships m ON m.member = s.member \
                   WHERE m.organization = $1 AND s.expires_at > $2 GROUP BY s.member";
        let query = sqlx::query_as(sql).bind(organization).bind(now);
        Ok(query.fetch_all(connection).await?.into_iter().collect())
    }

    /// The id of the session under this key.
    pub async fn id_of(connection: &mut AnyConnection, key_hash: &str) -> Result<Option<SessionId>> {
        let sql = "SELECT id FROM sessions WHERE key_hash = $1";
        Ok(sqlx::query_scalar(sql).bind(key_hash).fetch_optional(connection).await?)
    }

    /// Ends one session of the member who acts.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the member has no such session.
    pub async fn end(tx: &mut Tx, actor: &Actor, id: SessionId) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE member = $1 AND id = $2";
        let gone = sqlx::query(sql).bind(&actor.id).bind(id).execute(&mut **tx).await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("session"));
        }
        Event::record(tx, actor, Action::MemberSessionEnded, Subject { id, label: &actor.label }, "").await
    }

    /// Ends all sessions of a member but the one under `kept` (a key's hash, or empty for none).
    pub async fn end_others(tx: &mut Tx, member: MemberId, kept: &str) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE member = $1 AND key_hash <> $2";
        Ok(sqlx::query(sql).bind(member).bind(kept).execute(&mut **tx).await?.rows_affected())
    }

    /// Ends all sessions of the member who acts but the one under `kept`; returns how many.
    pub async fn end_all_but(
        tx: &mut Tx,
        actor: &Actor,
        member: Subject<'_, MemberId>,
        kept: &str,
    ) -> Result<u64> {
        let ended = Self::end_others(tx, member.id, kept).await?;
        if ended > 0 {
            let detail = format!("all others, {ended}");
            Event::record(tx, actor, Action::MemberSessionEnded, member, &detail).await?;
        }
        Ok(ended)
    }

    /// Forgets a bounded number of expired sessions; returns how many.
    pub async fn forget_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE key_hash IN \
                   (SELECT key_hash FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
        Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
    }
}
