//! What goes in at the gate and what comes out.

use std::fmt;
use std::net::IpAddr;

use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::model::credential::{Entry, Mode, Scope};
pub use crate::model::denial::{Door, Reason};
use crate::secret::Password;

/// What a client offers at a door.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub username: String,
    pub password: Password,
    pub client: IpAddr,
    pub door: Door,
    /// Whether the channel hides the password from others.
    pub encrypted: bool,
    /// The client's EHLO name.
    pub hello: Option<String>,
}

/// The pair may enter.
#[derive(Clone, Debug)]
pub struct Grant {
    pub credential: CredentialId,
    pub organization: OrganizationId,
    pub username: String,
    pub mode: Mode,
    pub allowed: AllowedDomains,
    /// Which password was used: the current one, or the old one in its grace.
    pub password: PasswordId,
}

impl Grant {
    pub(super) fn new(entry: &Entry, username: &str, password: PasswordId) -> Self {
        let allowed = match entry.scope {
            Scope::Global => AllowedDomains::All,
            Scope::Scoped => AllowedDomains::Only(entry.domains.clone()),
        };
        let (credential, organization, mode) = (entry.id, entry.organization, entry.mode);
        Self { credential, organization, username: username.to_owned(), mode, allowed, password }
    }
}

/// From which domains a grant may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedDomains {
    /// All of the organization.
    All,
    Only(Vec<String>),
}

/// The pair may not enter. The outside hears the reference, and whether to try again later, nothing else.
#[derive(Clone, Debug)]
pub struct Denial {
    pub reason: Reason,
    pub reference: Reference,
    /// Whose username it is, where it is somebody's.
    pub organization: Option<OrganizationId>,
}

impl Denial {
    /// Whether the same pair may be granted in a moment; never a statement about the password.
    pub fn is_temporary(&self) -> bool {
        self.reason == Reason::Unavailable
    }
}

/// Five characters that find a denial in the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(pub(super) String);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
