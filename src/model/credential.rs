//! The credential: one SMTP username and password pair, with what it may do.

mod change;
mod draft;
mod entry;
mod list;
pub(in crate::model) mod report;
mod rotation;

use std::collections::BTreeSet;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

pub use draft::Draft;
pub use entry::{Entry, PreviousPassword};
pub use list::{Filter, Listing, Sort};
pub use rotation::Grace;

use super::denial::Door;
use super::event::Subject;
use super::{hold, words};
use crate::clock::Timestamp;
use crate::db::{Tx, places};
use crate::error::{Error, Result};
use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::secret::{Password, PasswordHash};

words! {
    Status {
        Active = "active",
        Revoked = "revoked",
    }
}

words! {
    Mode {
        /// Mail goes to its recipients.
        Production = "production",
        /// Everything but delivery.
        Sandbox = "sandbox",
    }
}

impl Mode {
    /// The mode as AhaSend's API and header fields say it.
    pub const fn of_sandbox(sandbox: bool) -> Self {
        if sandbox { Self::Sandbox } else { Self::Production }
    }
}

words! {
    Scope {
        /// All domains of the organization.
        Global = "global",
        /// The listed domains only.
        Scoped = "scoped",
    }
}

impl Scope {
    /// As the audit log tells of it.
    pub(super) fn told(self, domains: &[String]) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Scoped => domains.join(" "),
        }
    }
}

words! {
    /// What a person sees of status and expiry together.
    State {
        Active = "active",
        Revoked = "revoked",
        Expired = "expired",
    }
}

/// A credential as everyone but the gate sees it: nothing in it helps to log in.
#[derive(Clone, Debug)]
pub struct Credential {
    pub id: CredentialId,
    /// Empty when it has none.
    pub name: String,
    pub username: String,
    pub status: Status,
    pub mode: Mode,
    pub scope: Scope,
    /// Names of the domains of a scoped credential, in order; empty for a global one.
    pub domains: Vec<String>,
    /// Names the password that is valid now.
    pub password: PasswordId,
    /// The password before it, while the grace of a rotation lasts.
    pub previous: Option<Previous>,
    pub created_at: Timestamp,
    /// The label of who created it.
    pub created_by: String,
    pub updated_at: Timestamp,
    pub rotated_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub last_used: Option<LastUsed>,
}

/// The old password of a rotation with grace.
#[derive(Clone, Debug)]
pub struct Previous {
    pub password: PasswordId,
    pub until: Timestamp,
}

/// The newest successful authentication.
#[derive(Clone, Debug)]
pub struct LastUsed {
    pub at: Timestamp,
    pub address: String,
    pub door: Door,
}

/// A new password with what will be stored of it.
#[derive(Debug)]
pub struct FreshPassword {
    pub password: Password,
    pub hash: PasswordHash,
}

/// A credential together with its password: after creation and rotation, once.
#[derive(Debug)]
pub struct IssuedCredential {
    pub credential: Credential,
    pub password: Password,
}

/// [`Credential::label`] in SQL.
pub const LABEL: &str = "CASE WHEN name = '' THEN username ELSE name END";

const SELECT: &str = "SELECT id, name, username, status, mode, scope, password_id, previous_id, previous_until, \
     created_at, created_by, updated_at, rotated_at, expires_at, last_used_at, last_used_address, last_used_door, \
     COALESCE((SELECT string_agg(d.name, ' ') FROM credential_domains s JOIN domains d ON d.id = s.domain \
     WHERE s.credential = credentials.id), '') AS domains FROM credentials";

impl Credential {
    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: CredentialId,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE organization = $1 AND id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("credential"))
    }

    /// Those of a page's credentials that are still there.
    pub async fn existing(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        ids: &BTreeSet<CredentialId>,
    ) -> Result<BTreeSet<CredentialId>> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let places = places(2, ids.len());
        let sql = format!("SELECT id FROM credentials WHERE organization = $1 AND id IN ({places})");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organization);
        let query = ids.iter().fold(query, |query, id| query.bind(*id));
        Ok(query.fetch_all(connection).await?.into_iter().collect())
    }

    /// Finds it, and lets nobody else change it until the transaction ends.
    pub async fn find_to_change(tx: &mut Tx, organization: OrganizationId, id: CredentialId) -> Result<Self> {
        hold(tx, "credentials", organization, id.to_string()).await?;
        Self::find(tx, organization, id).await
    }

    /// What people call it: its name, or its username where it has none.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { &self.username } else { &self.name }
    }

    pub fn state(&self, now: Timestamp) -> State {
        state_at(self.status, self.expires_at, now)
    }

    /// The old password of a rotation, while it still works.
    pub fn grace(&self, now: Timestamp) -> Option<&Previous> {
        self.previous.as_ref().filter(|previous| previous.until > now)
    }

    fn subject(&self) -> Subject<'_, CredentialId> {
        Subject { id: self.id, label: self.label() }
    }
}

impl<'r> sqlx::FromRow<'r, AnyRow> for Credential {
    fn from_row(row: &'r AnyRow) -> sqlx::Result<Self> {
        let previous: Option<PasswordId> = row.try_get("previous_id")?;
        let until: Option<Timestamp> = row.try_get("previous_until")?;
        let used: Timestamp = row.try_get("last_used_at")?;
        let last_used = match used.as_micros() {
            0 => None,
            _ => Some(LastUsed {
                at: used,
                address: row.try_get("last_used_address")?,
                door: row.try_get("last_used_door")?,
            }),
        };
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            username: row.try_get("username")?,
            status: row.try_get("status")?,
            mode: row.try_get("mode")?,
            scope: row.try_get("scope")?,
            domains: split_domains(row.try_get("domains")?),
            password: row.try_get("password_id")?,
            previous: previous.zip(until).map(|(password, until)| Previous { password, until }),
            created_at: row.try_get("created_at")?,
            created_by: row.try_get("created_by")?,
            updated_at: row.try_get("updated_at")?,
            rotated_at: row.try_get("rotated_at")?,
            expires_at: row.try_get("expires_at")?,
            last_used,
        })
    }
}

fn state_at(status: Status, expires_at: Option<Timestamp>, now: Timestamp) -> State {
    match status {
        Status::Revoked => State::Revoked,
        Status::Active if expires_at.is_some_and(|at| at <= now) => State::Expired,
        Status::Active => State::Active,
    }
}

/// The names that the database joined with a space, in order.
pub(super) fn split_domains(joined: &str) -> Vec<String> {
    let mut names: Vec<String> = joined.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}
