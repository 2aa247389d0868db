//! Who changes something: travels with every change into the audit log.

use std::net::IpAddr;

use super::words;
use crate::clock::Timestamp;
use crate::id::OrganizationId;

words! {
    ActorKind {
        Member = "member",
        /// A program, through the API.
        ApiKey = "api_key",
        /// Whoever runs `gatepost` on the machine.
        Operator = "operator",
        /// Gatepost by itself.
        System = "system",
    }
}

/// Who acts, for which organization, when and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    pub organization: OrganizationId,
    pub kind: ActorKind,
    /// The member's or the API key's; empty for the others.
    pub id: String,
    /// How people call them: an e-mail address, `command line`, `Gatepost`.
    pub label: String,
    pub address: Option<IpAddr>,
    pub at: Timestamp,
}

impl Actor {
    /// Whoever runs `gatepost` on the machine.
    pub fn operator(organization: OrganizationId, at: Timestamp) -> Self {
        let label = "command line".to_owned();
        Self { organization, kind: ActorKind::Operator, id: String::new(), label, address: None, at }
    }

    /// Who becomes a member with this change: they act before they exist.
    pub fn newcomer(
        organization: OrganizationId,
        email: &str,
        address: Option<IpAddr>,
        at: Timestamp,
    ) -> Self {
        let (id, label) = (String::new(), email.trim().to_lowercase());
        Self { organization, kind: ActorKind::Member, id, label, address, at }
    }

    /// Gatepost by itself.
    pub fn system(organization: OrganizationId, at: Timestamp) -> Self {
        Self {
            organization,
            kind: ActorKind::System,
            id: String::new(),
            label: "Gatepost".to_owned(),
            address: None,
            at,
        }
    }
}
