//! What a person says of a credential when creating or editing it.

use super::{Credential, Mode, Scope};
use crate::clock::Timestamp;
use crate::error::{Problems, Result};
use crate::model::event::changes;
use crate::model::name;

/// Everything about a credential that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// A [`name`], unique in the organization unless empty.
    pub name: String,
    pub mode: Mode,
    pub scope: Scope,
    /// For [`Scope::Scoped`]: at least one; else none.
    pub domains: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

impl Draft {
    /// Trims and checks it; `before` is what it changes, if it changes something: what stays as it was is not held to the rules.
    ///
    /// # Errors
    /// `name`, `domains` or `expires_at`, each with a sentence.
    pub fn checked(mut self, now: Timestamp, before: Option<&Credential>) -> Result<Self> {
        let mut problems = Problems::default();
        self.name = self.name.trim().to_owned();
        if let Some(why) = name::refusal(&self.name) {
            problems.add("name", why);
        }
        self.domains.sort();
        self.domains.dedup();
        let is_as_before =
            before.is_some_and(|before| before.scope == self.scope && before.domains == self.domains);
        match self.scope {
            // Its last domain may have been removed.
            _ if is_as_before => {}
            Scope::Scoped if self.domains.is_empty() => {
                problems.add("domains", "Choose at least one domain.")
            }
            Scope::Global if !self.domains.is_empty() => {
                problems.add("domains", "A global credential is for all domains: choose none.");
            }
            _ => {}
        }
        let unchanged = before.is_some_and(|before| before.expires_at == self.expires_at);
        if !unchanged && self.expires_at.is_some_and(|at| at <= now) {
            problems.add("expires_at", "Choose a time to come.");
        }
        problems.into_result()?;
        Ok(self)
    }

    /// The name as lists are sorted and searched by it.
    pub(super) fn sort_name(&self) -> String {
        self.name.to_lowercase()
    }

    /// What differs from `before`, as a sentence for the audit log.
    pub(super) fn changes(&self, before: &Credential) -> String {
        let expiry = |at: Option<Timestamp>| at.map_or("never".to_owned(), Timestamp::rfc3339);
        changes([
            ("name", format!("“{}”", before.name), format!("“{}”", self.name)),
            ("mode", before.mode.to_string(), self.mode.to_string()),
            ("scope", before.scope.told(&before.domains), self.scope.told(&self.domains)),
            ("expires", expiry(before.expires_at), expiry(self.expires_at)),
        ])
    }
}
