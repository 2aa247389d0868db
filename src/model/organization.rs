//! The organization: owns everything below it.

use sqlx::AnyConnection;

use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::OrganizationId;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
}

impl Organization {
    /// The organization that runs this installation. Made when there is none yet; of two nodes that start at once, one makes it.
    pub async fn first_or_create(tx: &mut Tx, now: Timestamp) -> Result<Self> {
        if let Some(first) = Self::first(tx).await? {
            return Ok(first);
        }
        sqlx::query(
            "INSERT INTO organizations (id, name, operates, created_at) VALUES ($1, $2, 1, $3) \
             ON CONFLICT (operates) DO NOTHING",
        )
        .bind(OrganizationId::new())
        .bind("My organization")
        .bind(now)
        .execute(&mut **tx)
        .await?;
        Self::first(tx).await?.ok_or(Error::NotFound("organization"))
    }

    /// The organization that runs this installation.
    pub async fn first(connection: &mut AnyConnection) -> Result<Option<Self>> {
        let sql = "SELECT id, name FROM organizations WHERE operates = 1";
        Ok(sqlx::query_as(sql).fetch_optional(connection).await?)
    }

    pub async fn find(connection: &mut AnyConnection, id: OrganizationId) -> Result<Self> {
        let sql = "SELECT id, name FROM organizations WHERE id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_one(connection).await?)
    }

    /// Until the transaction ends, whoever else holds it waits (PostgreSQL; SQLite has one writer anyway).
    pub async fn hold(tx: &mut Tx, id: OrganizationId) -> Result<()> {
        let sql = "UPDATE organizations SET id = id WHERE id = $1";
        sqlx::query(sql).bind(id).execute(&mut **tx).await?;
        Ok(())
    }

    pub async fn rename(tx: &mut Tx, id: OrganizationId, name: &str) -> Result<()> {
        let sql = "UPDATE organizations SET name = $2 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(name).execute(&mut **tx).await?;
        Ok(())
    }
}
