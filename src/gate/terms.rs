//! What goes in at the gate and what comes out.

use std::fmt;
use std::net::IpAddr;

use super::throttle::Source;
use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::model::credential::{Entry, Mode};
pub use crate::model::denial::{Door, Reason};
use crate::secret::Password;

/// What a client offers at a door.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub username: String,
    pub password: Password,
    /// For whom the client asks to act (the authorization identity of RFC 4422 section 2); empty: for itself.
    pub identity: String,
    pub client: IpAddr,
    pub door: Door,
    /// Whether the channel hides the password from others.
    pub encrypted: bool,
    /// The client's EHLO name.
    pub hello: Option<String>,
    /// The only one whose credentials there are, where the door is that of one; none: all are asked.
    pub organization: Option<OrganizationId>,
}

impl Attempt {
    /// The API knows the client by what a program says.
    pub(super) fn source(&self) -> Source {
        match (self.door, self.organization) {
            (Door::Api, Some(organization)) => Source::told(self.client, organization),
            _ => Source::seen(self.client),
        }
    }

    /// Why it is refused whatever the password.
    pub(super) fn refusal(&self) -> Option<Reason> {
        match self {
            Self { encrypted: false, .. } => Some(Reason::NotEncrypted),
            Self { identity, username, .. } if !identity.is_empty() && identity != username => {
                Some(Reason::ForeignIdentity)
            }
            _ => None,
        }
    }
}

/// The pair may enter.
#[derive(Clone, Debug)]
pub struct Grant {
    pub credential: CredentialId,
    pub organization: OrganizationId,
    pub mode: Mode,
    /// Which password was used: the current one, or the old one in its grace.
    pub password: PasswordId,
}

impl Grant {
    pub(super) fn new(entry: &Entry, password: PasswordId) -> Self {
        let (credential, organization, mode) = (entry.id, entry.organization, entry.mode);
        Self { credential, organization, mode, password }
    }
}

/// The pair may not enter. The outside hears the reference, and whether to try again later, nothing else.
#[derive(Clone, Debug)]
pub struct Denial {
    pub reason: Reason,
    pub reference: Reference,
}

impl Denial {
    /// Whether the same pair may be granted in a moment; never a statement about the password.
    pub fn is_temporary(&self) -> bool {
        self.reason == Reason::Unavailable
    }
}

/// Five characters that find a denial in the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(pub(in crate::gate) String);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
