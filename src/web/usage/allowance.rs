//! The monthly allowance: what is used and left of it.

use sqlx::AnyConnection;

use crate::error::Result;
use crate::model::Credits;
use crate::model::member::Role;
use crate::model::usage::Month;
use crate::web::signed_in::SignedIn;

/// An organization's credits this month.
#[derive(Clone, Debug)]
pub struct Allowance {
    pub month: Month,
    /// None: any number.
    pub credits: Option<i64>,
    pub used: i64,
    /// Whether the member may set it.
    pub is_owner: bool,
    /// What stands in the field.
    pub typed: String,
}

impl Allowance {
    pub async fn read(connection: &mut AnyConnection, who: &SignedIn) -> Result<Self> {
        let (organization, month) = (who.organization(), Month::of(who.now));
        let credits = Credits::allowance(connection, organization).await?;
        let used = Credits { organization, month }.used(connection).await?;
        let typed = credits.map(|credits| credits.to_string()).unwrap_or_default();
        Ok(Self { month, credits, used, is_owner: who.member.role == Role::Owner, typed })
    }

    /// What may still be used; none: any number.
    pub fn left(&self) -> Option<i64> {
        self.credits.map(|credits| (credits - self.used).max(0))
    }

    /// How much of it is used, of 100.
    pub fn percent(&self) -> i64 {
        match self.credits {
            Some(credits) if self.used >= credits => 100,
            Some(credits) => self.used.saturating_mul(100) / credits.max(1),
            None => 0,
        }
    }
}
