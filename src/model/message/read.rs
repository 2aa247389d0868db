//! One message: its line, its recipients, and what it holds, piece by piece.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sqlx::AnyConnection;

use super::taken::PIECE;
use super::{COLUMNS, Message, Recipient};
use crate::error::{Error, Result};
use crate::id::{MessageId, OrganizationId};

impl Message {
    /// # Errors
    /// [`Error::NotFound`]
    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: MessageId,
    ) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE organization = $1 AND id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("message"))
    }

    /// Its first `limit` recipients, in the order in which the client named them.
    pub async fn recipients(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: MessageId,
        limit: i64,
    ) -> Result<Vec<Recipient>> {
        let sql = "SELECT address, outcome, answer FROM message_recipients \
                   WHERE organization = $1 AND message = $2 ORDER BY position LIMIT $3";
        Ok(sqlx::query_as(sql).bind(organization).bind(id).bind(limit).fetch_all(connection).await?)
    }

    /// A piece of what it holds; none behind the last one.
    pub async fn piece(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: MessageId,
        position: i64,
    ) -> Result<Option<Vec<u8>>> {
        let sql =
            "SELECT data FROM message_contents WHERE organization = $1 AND message = $2 AND position = $3";
        let query = sqlx::query_scalar(sql).bind(organization).bind(id).bind(position);
        let data: Option<String> = query.fetch_optional(connection).await?;
        let decode = |data: String| BASE64_STANDARD.decode(data);
        data.map(decode)
            .transpose()
            .map_err(|cause| Error::Internal(format!("the content of message {id}: {cause}")))
    }

    /// What it holds from its beginning, until there are `enough` bytes. Empty when nothing is kept.
    pub async fn content(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: MessageId,
        enough: usize,
    ) -> Result<Vec<u8>> {
        let sql = "SELECT COUNT(*) FROM message_contents WHERE organization = $1 AND message = $2";
        let pieces: i64 =
            sqlx::query_scalar(sql).bind(organization).bind(id).fetch_one(&mut *connection).await?;
        let most = usize::try_from(pieces).unwrap_or_default().saturating_mul(PIECE);
        let (mut content, mut position) = (Vec::with_capacity(most.min(enough.saturating_add(PIECE))), 0);
        while content.len() < enough
            && let Some(piece) = Self::piece(&mut *connection, organization, id, position).await?
        {
            content.extend_from_slice(&piece);
            position += 1;
        }
        Ok(content)
    }
}
