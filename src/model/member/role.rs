//! What members may do: owners see to members and to the allowance, the rest is for everybody.

use super::Member;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::MemberId;
use crate::model::actor::{Actor, ActorKind};
use crate::model::event::{Action, Event, changes};
use crate::model::organization::Organization;
use crate::model::words;

words! {
    Role {
        Owner = "owner",
        Member = "member",
    }
}

impl Role {
    /// `an owner`, `a member`.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Owner => "an owner",
            Self::Member => "a member",
        }
    }
}

impl Actor {
    /// # Errors
    /// [`Error::Forbidden`] for a member who is no owner (any more); `what` owners do: `invites members`.
    pub async fn must_be_owner(&self, tx: &mut Tx, what: &str) -> Result<()> {
        if self.kind != ActorKind::Member {
            return Ok(());
        }
        let sql = "SELECT role FROM memberships WHERE organization = $1 AND member = $2";
        let role: Option<Role> =
            sqlx::query_scalar(sql).bind(self.organization).bind(&self.id).fetch_optional(&mut **tx).await?;
        match role {
            Some(Role::Owner) => Ok(()),
            _ => Err(Error::Forbidden(format!("Only an owner {what}."))),
        }
    }
}

impl Member {
    /// Makes them an owner, or no longer one. It holds from their next request on.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a member who is no owner, [`Error::Conflict`] where they are the only owner.
    pub async fn set_role(tx: &mut Tx, actor: &Actor, id: MemberId, role: Role) -> Result<Self> {
        Organization::hold(tx, actor.organization).await?;
        actor.must_be_owner(tx, "changes roles").await?;
        let member = Self::find(tx, actor.organization, id).await?;
        if member.role == role {
            return Ok(member);
        }
        member.must_not_be_the_last_owner(tx).await?;
        let sql = "UPDATE memberships SET role = $3 WHERE organization = $1 AND member = $2";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(role).execute(&mut **tx).await?;
        let detail = changes([("role", member.role.to_string(), role.to_string())]);
        Event::record(tx, actor, Action::MemberRoleChanged, member.subject(), &detail).await?;
        Ok(Self { role, ..member })
    }

    /// Ends their sessions and forgets them. What they made stays.
    ///
    /// # Errors
    /// As [`Member::set_role`].
    pub async fn remove(tx: &mut Tx, actor: &Actor, id: MemberId) -> Result<Self> {
        Organization::hold(tx, actor.organization).await?;
        actor.must_be_owner(tx, "removes members").await?;
        let member = Self::find(tx, actor.organization, id).await?;
        member.must_not_be_the_last_owner(tx).await?;
        for sql in [
            "DELETE FROM sessions WHERE member = $2 \
             AND member IN (SELECT member FROM memberships WHERE organization = $1)",
            "DELETE FROM memberships WHERE organization = $1 AND member = $2",
        ] {
            sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
        }
        let sql = "DELETE FROM members WHERE id = $1 AND id NOT IN (SELECT member FROM memberships)";
        sqlx::query(sql).bind(id).execute(&mut **tx).await?;
        Event::record(tx, actor, Action::MemberRemoved, member.subject(), "").await?;
        Ok(member)
    }

    async fn must_not_be_the_last_owner(&self, tx: &mut Tx) -> Result<()> {
        let sql = "SELECT COUNT(*) FROM memberships WHERE organization = $1 AND role = $2 AND member <> $3";
        let query = sqlx::query_scalar(sql).bind(self.organization).bind(Role::Owner).bind(self.id);
        let others: i64 = query.fetch_one(&mut **tx).await?;
        if others > 0 {
            return Ok(());
        }
        Err(Error::Conflict(format!("{} is the only owner. Make another member one first.", self.email)))
    }
}
