//! The one-time link that creates the first owner. There is no default password.

use sqlx::AnyConnection;

use super::actor::Actor;
use super::member::{Member, NewMember, Role};
use super::organization::Organization;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::secret::{generate_token, token_hash};

pub struct SetupLink;

impl SetupLink {
    /// A new link's token, while there is no member; each node that starts has its own, and the first that is used ends all.
    pub async fn issue(tx: &mut Tx, now: Timestamp) -> Result<Option<String>> {
        if Member::exists(tx).await? {
            return Ok(None);
        }
        let organization = Organization::first_or_create(tx, now).await?;
        let token = generate_token();
        sqlx::query("INSERT INTO setup_links (token_hash, organization, created_at) VALUES ($1, $2, $3)")
            .bind(token_hash(&token))
            .bind(organization.id)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        Ok(Some(token))
    }

    /// The organization whose owner this token creates, if it still does.
    pub async fn organization(connection: &mut AnyConnection, token: &str) -> Result<Organization> {
        let sql = "SELECT o.id, o.name FROM setup_links s JOIN organizations o ON o.id = s.organization \
                   WHERE s.token_hash = $1 AND NOT EXISTS (SELECT 1 FROM members)";
        let found = sqlx::query_as(sql).bind(token_hash(token)).fetch_optional(connection).await?;
        found.ok_or(Error::NotFound("link"))
    }

    /// Creates the owner and ends all links. Of two that come at once, one wins and the other finds no link.
    pub async fn redeem(tx: &mut Tx, actor: &Actor, token: &str, owner: NewMember) -> Result<Member> {
        let ended = sqlx::query(
            "DELETE FROM setup_links WHERE organization = $1 \
             AND EXISTS (SELECT 1 FROM setup_links s WHERE s.token_hash = $2 AND s.organization = $1)",
        )
        .bind(actor.organization)
        .bind(token_hash(token))
        .execute(&mut **tx)
        .await?;
        if ended.rows_affected() == 0 || Member::exists(tx).await? {
            return Err(Error::NotFound("link"));
        }
        Member::create(tx, actor, owner, Role::Owner).await
    }
}
