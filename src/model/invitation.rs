//! Invitations: links that make whoever opens them first a member. Gatepost sends none itself; who invites hands them on.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use sqlx::AnyConnection;

use super::actor::Actor;
use super::event::{Action, Event, Subject};
use super::member::{Member, NewMember, Role, normalize_email};
use super::organization::Organization;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{InvitationId, OrganizationId};
use crate::secret::{PasswordHash, generate_token, token_hash};

/// How long a link works.
pub const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
/// The most members and open invitations together: the dashboard lists them all.
pub const MAX_MEMBERS: i64 = 1_000;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Invitation {
    pub id: InvitationId,
    pub organization: OrganizationId,
    /// Whoever uses it logs in with this address.
    pub email: String,
    pub role: Role,
    pub created_at: Timestamp,
    /// How people call who invited them.
    pub created_by: String,
    pub expires_at: Timestamp,
}

/// A new one, with what stands in its link: shown once.
pub struct IssuedInvitation {
    pub invitation: Invitation,
    token: String,
}

impl IssuedInvitation {
    /// `public_url`: without a slash at its end.
    pub fn link(&self, public_url: &str) -> String {
        format!("{public_url}/join?token={}", self.token)
    }
}

impl fmt::Debug for IssuedInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedInvitation").field("invitation", &self.invitation).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, organization, email, role, created_at, created_by, expires_at";

impl Invitation {
    /// Invites whoever has this address. An earlier invitation of theirs ends: its link works no more.
    ///
    /// # Errors
    /// `email`: no address, of a member, or one too many; [`Error::Forbidden`] for a member who is no owner.
    pub async fn create(tx: &mut Tx, actor: &Actor, email: &str, role: Role) -> Result<IssuedInvitation> {
        let email = normalize_email(email)?;
        Organization::hold(tx, actor.organization).await?;
        actor.must_be_owner(tx, "invites members").await?;
        if Member::by_email(tx, &email).await?.is_some() {
            return Err(Error::taken("email", format!("{email} is a member already.")));
        }
        let sql = "DELETE FROM invitations WHERE organization = $1 AND email = $2";
        sqlx::query(sql).bind(actor.organization).bind(&email).execute(&mut **tx).await?;
        if Self::count_with_members(tx, actor.organization).await? >= MAX_MEMBERS {
            return Err(Error::invalid("email", format!("There are {MAX_MEMBERS} members and invitations.")));
        }
        let (id, token) = (InvitationId::new(), generate_token());
        let sql = format!(
            "INSERT INTO invitations (id, organization, email, role, token_hash, created_at, created_by, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}"
        );
        let invitation: Self = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .bind(actor.organization)
            .bind(&email)
            .bind(role)
            .bind(token_hash(&token))
            .bind(actor.at)
            .bind(&actor.label)
            .bind(actor.at.plus(LIFETIME))
            .fetch_one(&mut **tx)
            .await?;
        Event::record(tx, actor, Action::MemberInvited, invitation.subject(), role.as_str()).await?;
        Ok(IssuedInvitation { invitation, token })
    }

    /// Those that still work, by address.
    pub async fn open(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<Vec<Self>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM invitations WHERE organization = $1 AND expires_at > $2 ORDER BY email"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(now);
        Ok(query.fetch_all(connection).await?)
    }

    /// Takes it back.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was used meanwhile; [`Error::Forbidden`] for a member who is no owner.
    pub async fn cancel(tx: &mut Tx, actor: &Actor, id: InvitationId) -> Result<Self> {
        actor.must_be_owner(tx, "takes invitations back").await?;
        let sql = format!("DELETE FROM invitations WHERE organization = $1 AND id = $2 RETURNING {COLUMNS}");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(actor.organization).bind(id);
        let invitation: Self = query.fetch_optional(&mut **tx).await?.ok_or(Error::NotFound("invitation"))?;
        Event::record(tx, actor, Action::MemberUninvited, invitation.subject(), "").await?;
        Ok(invitation)
    }

    /// The one with this link.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was used, taken back or replaced, or is too old.
    pub async fn by_token(connection: &mut AnyConnection, token: &str, now: Timestamp) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM invitations WHERE token_hash = $1 AND expires_at > $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(token_hash(token)).bind(now);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("invitation"))
    }

    /// Makes whoever was invited a member. Of two who come at once, one does it and the other finds no invitation.
    pub async fn accept(
        self,
        tx: &mut Tx,
        address: Option<IpAddr>,
        password_hash: PasswordHash,
        now: Timestamp,
    ) -> Result<Member> {
        let sql = "DELETE FROM invitations WHERE organization = $1 AND id = $2";
        let gone = sqlx::query(sql).bind(self.organization).bind(self.id).execute(&mut **tx).await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("invitation"));
        }
        let actor = Actor::newcomer(self.organization, &self.email, address, now);
        let new = NewMember { email: self.email, name: String::new(), password_hash };
        Member::create(tx, &actor, new, self.role).await
    }

    /// Forgets those that have expired; returns how many.
    pub async fn forget_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let sql = "DELETE FROM invitations WHERE id IN \
                   (SELECT id FROM invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
        Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
    }

    fn subject(&self) -> Subject<'_, InvitationId> {
        Subject { id: self.id, label: &self.email }
    }

    async fn count_with_members(tx: &mut Tx, organization: OrganizationId) -> Result<i64> {
        let sql = "SELECT (SELECT COUNT(*) FROM memberships WHERE organization = $1) \
                   + (SELECT COUNT(*) FROM invitations WHERE organization = $1)";
        Ok(sqlx::query_scalar(sql).bind(organization).fetch_one(&mut **tx).await?)
    }
}
