//! What a person says of a webhook when creating or editing it.

use super::{AllowedNetworks, EventType, Webhook};
use crate::error::{Problems, Result};
use crate::model::actor::{Actor, ActorKind};
use crate::model::credential::Scope;
use crate::model::event::changes;
use crate::model::name;

/// Everything about a webhook that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// 1 to 255 characters.
    pub name: String,
    pub url: String,
    /// A member chooses at least one. A program may leave it at none, as AhaSend's API does.
    pub events: Vec<EventType>,
    pub scope: Scope,
    /// For [`Scope::Scoped`]: at least one; else none.
    pub domains: Vec<String>,
}

impl Draft {
    /// Trims and checks it; `before` is what it changes, if it changes something: what stays as it was is not held to the rules.
    ///
    /// # Errors
    /// `name`, `url`, `events` or `domains`, each with a sentence.
    pub fn checked(
        mut self,
        actor: &Actor,
        networks: &AllowedNetworks,
        before: Option<&Webhook>,
    ) -> Result<Self> {
        let mut problems = Problems::default();
        self.name = self.name.trim().to_owned();
        if let Some(why) = what_is_wrong_with(&self.name) {
            problems.add("name", why);
        }
        match networks.parse(&self.url) {
            // The operator may allow less than before.
            Err(_) if before.is_some_and(|before| before.url == self.url) => {}
            Ok(url) => self.url = url.into(),
            Err(why) => problems.add("url", why),
        }
        self.events = EventType::ALL.iter().copied().filter(|event| self.events.contains(event)).collect();
        let had_none = before.is_some_and(|before| before.events.is_empty());
        if self.events.is_empty() && actor.kind == ActorKind::Member && !had_none {
            problems.add("events", "Choose at least one event.");
        }
        self.domains.sort();
        self.domains.dedup();
        match self.scope {
            Scope::Scoped if self.domains.is_empty() => {
                problems.add("domains", "Choose at least one domain.")
            }
            Scope::Global if !self.domains.is_empty() => {
                problems.add("domains", "A global webhook hears of all domains: choose none.");
            }
            _ => {}
        }
        problems.into_result()?;
        Ok(self)
    }

    /// What differs from `before`, as a sentence for the audit log.
    pub(super) fn changes(&self, before: &Webhook) -> String {
        let events = |events: &[EventType]| match events {
            [] => "none".to_owned(),
            some => EventType::join(some),
        };
        changes([
            ("name", format!("“{}”", before.name), format!("“{}”", self.name)),
            ("URL", before.url.clone(), self.url.clone()),
            ("events", events(&before.events), events(&self.events)),
            ("scope", before.scope.told(&before.domains), self.scope.told(&self.domains)),
        ])
    }
}

fn what_is_wrong_with(name: &str) -> Option<String> {
    match name {
        "" => Some("Give it a name, such as the program that listens.".to_owned()),
        name => name::refusal(name),
    }
}
