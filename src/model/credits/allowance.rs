//! The monthly allowance: how many credits an organization may use.

use sqlx::AnyConnection;

use super::Credits;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::OrganizationId;
use crate::model::actor::Actor;
use crate::model::event::{Action, Event, Subject};
use crate::model::organization::Organization;

/// The largest allowance: beyond it “any number” is meant.
pub const MAX_ALLOWANCE: i64 = 1_000_000_000_000;

impl Credits {
    /// The monthly allowance; none where any number may be used.
    pub async fn allowance(
        connection: &mut AnyConnection,
        organization: OrganizationId,
    ) -> Result<Option<i64>> {
        let sql = "SELECT monthly_credits FROM organizations WHERE id = $1";
        Ok(sqlx::query_scalar(sql).bind(organization).fetch_one(connection).await?)
    }

    /// Sets it, or takes it off. It holds from the next recipient on.
    ///
    /// # Errors
    /// `allowance` when it is out of range, [`Error::Forbidden`] for a member who is no owner.
    pub async fn set_allowance(tx: &mut Tx, actor: &Actor, allowance: Option<i64>) -> Result<()> {
        actor.must_be_owner(tx, "sets the monthly allowance").await?;
        if allowance.is_some_and(|credits| !(0..=MAX_ALLOWANCE).contains(&credits)) {
            return Err(Error::invalid(
                "allowance",
                "Enter a whole number; without one any number may be used.",
            ));
        }
        let before = Self::allowance(tx, actor.organization).await?;
        if before == allowance {
            return Ok(());
        }
        let sql = "UPDATE organizations SET monthly_credits = $2 WHERE id = $1";
        sqlx::query(sql).bind(actor.organization).bind(allowance).execute(&mut **tx).await?;
        let organization = Organization::find(tx, actor.organization).await?;
        let said =
            |credits: Option<i64>| credits.map_or("any number".to_owned(), |credits| credits.to_string());
        let detail = format!("credits a month: {} → {}", said(before), said(allowance));
        let subject = Subject { id: organization.id, label: &organization.name };
        Event::record(tx, actor, Action::AllowanceChanged, subject, &detail).await
    }
}
