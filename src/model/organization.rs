//! The organization: owns everything below it.

use sqlx::AnyConnection;

use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::OrganizationId;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
}

impl Organization {
    /// The oldest organization: the operator's own. Made when there is none yet.
    pub async fn first_or_create(tx: &mut Tx, now: Timestamp) -> Result<Self> {
        if let Some(first) = Self::first(tx).await? {
            return Ok(first);
        }
        let new = Self { id: OrganizationId::new(), name: "My organization".to_owned() };
        sqlx::query("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)")
            .bind(new.id)
            .bind(&new.name)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        Ok(new)
    }

    pub async fn first(connection: &mut AnyConnection) -> Result<Option<Self>> {
        let sql = "SELECT id, name FROM organizations ORDER BY created_at, id LIMIT 1";
        Ok(sqlx::query_as(sql).fetch_optional(connection).await?)
    }

    pub async fn find(connection: &mut AnyConnection, id: OrganizationId) -> Result<Self> {
        let sql = "SELECT id, name FROM organizations WHERE id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_one(connection).await?)
    }

    pub async fn rename(tx: &mut Tx, id: OrganizationId, name: &str) -> Result<()> {
        let sql = "UPDATE organizations SET name = $2 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(name).execute(&mut **tx).await?;
        Ok(())
    }
}
