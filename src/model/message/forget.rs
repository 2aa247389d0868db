//! What is old is forgotten, a bounded number of lines and bytes at a time: nobody else waits long for the database.

use super::Message;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{MessageId, OrganizationId};

/// Messages in one transaction.
const LINES: usize = 500;
/// Bytes of content in one transaction; one message may be larger.
const BYTES: i64 = 16_000_000;

impl Message {
    /// Forgets what messages before `limit` hold; their lines stay. Returns how many.
    pub async fn forget_contents_before(tx: &mut Tx, limit: Timestamp) -> Result<u64> {
        let sql = format!(
            "SELECT organization, id, size FROM messages WHERE has_content = 1 AND at < $1 ORDER BY at LIMIT {LINES}"
        );
        let oldest: Vec<(OrganizationId, MessageId, i64)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(&mut **tx).await?;
        let (mut forgotten, mut bytes) = (0, 0_i64);
        for (organization, id, size) in oldest {
            bytes = bytes.saturating_add(size);
            if forgotten > 0 && bytes > BYTES {
                break;
            }
            forgotten += Self::forget_content(tx, organization, id).await?;
        }
        Ok(forgotten)
    }

    /// Another node may have been sooner.
    async fn forget_content(tx: &mut Tx, organization: OrganizationId, id: MessageId) -> Result<u64> {
        let sql =
            "UPDATE messages SET has_content = 0 WHERE organization = $1 AND id = $2 AND has_content = 1";
        let changed = sqlx::query(sql).bind(organization).bind(id).execute(&mut **tx).await?.rows_affected();
        let sql = "DELETE FROM message_contents WHERE organization = $1 AND message = $2";
        sqlx::query(sql).bind(organization).bind(id).execute(&mut **tx).await?;
        Ok(changed)
    }

    /// Forgets lines before `limit`, with their recipients; those whose content is kept wait until that is forgotten. Returns
    /// how many.
    pub async fn forget_before(tx: &mut Tx, limit: Timestamp) -> Result<u64> {
        let sql = format!(
            "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE at < $1 AND has_content = 0 \
             ORDER BY at LIMIT {LINES})"
        );
        Ok(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).execute(&mut **tx).await?.rows_affected())
    }
}
