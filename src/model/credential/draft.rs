//! What a person says of a credential when creating or editing it.

use super::{Credential, Mode, Scope};
use crate::clock::Timestamp;
use crate::error::{Problems, Result};
use crate::model::event::changes;

/// Everything about a credential that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// At most 255 characters, unique in the organization unless empty.
    pub name: String,
    pub mode: Mode,
    pub scope: Scope,
    /// For [`Scope::Scoped`]: at least one; else none.
    pub domains: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

pub const MAX_NAME_CHARACTERS: usize = 255;

impl Draft {
    /// Trims and checks it; `before` is what it changes, if it changes something: what stays as it was is not held to the rules.
    ///
    /// # Errors
    /// `name`, `domains` or `expires_at`, each with a sentence.
    pub fn checked(mut self, now: Timestamp, before: Option<&Credential>) -> Result<Self> {
        let mut problems = Problems::default();
        self.name = self.name.trim().to_owned();
        if self.name.chars().count() > MAX_NAME_CHARACTERS {
            problems.add("name", format!("Use at most {MAX_NAME_CHARACTERS} characters."));
        }
        if is_deceptive(&self.name) {
            problems.add("name", "A name is one line of text, without characters that can’t be seen.");
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

/// Whether something in it is not seen, or turns the text around it: with it one name could pass for another, or for none. The
/// joiners U+200C and U+200D, which scripts and emoji need, are not among them.
pub fn is_deceptive(name: &str) -> bool {
    name.chars().any(is_deceptive_character)
}

pub fn is_deceptive_character(c: char) -> bool {
    let hides = matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    hides || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(name: &str) -> bool {
        let (mode, scope) = (Mode::Production, Scope::Global);
        let draft = Draft { name: name.to_owned(), mode, scope, domains: Vec::new(), expires_at: None };
        draft.checked(Timestamp::from_micros(0), None).is_ok()
    }

    #[test]
    fn a_name_is_what_it_looks_like() {
        for name in ["", "Größe 商店", "👩\u{200d}💻", "<b>"] {
            assert!(is_taken(name), "{name:?}");
        }
        for name in ["a\nb", "\0", "\u{200b}", "\u{202e}abc", "Shop\u{feff}"] {
            assert!(!is_taken(name), "{name:?}");
        }
    }
}
