//! What is typed and chosen in the form of a key, and how it becomes scopes: the form shows actions and domains apart, where scopes
//! have them together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::model::ApiKey;
use crate::model::api_key::scope::{BY_DOMAIN, EVERYTHING, PLAIN};
use crate::model::api_key::{Draft, MAX_SCOPES};
use crate::model::credential::Scope;
use crate::web::seen;

/// As it was.
#[derive(Clone, Debug, Deserialize)]
pub struct Choices {
    #[serde(default)]
    pub label: String,
    /// Global: everything.
    #[serde(default = "scoped")]
    pub scope: Scope,
    /// Actions, such as `domains:read` or `smtp-credentials:read`.
    #[serde(default)]
    pub grants: Vec<String>,
    /// Whether the actions that can be for single domains are for all of them.
    #[serde(default = "global")]
    pub reach: Scope,
    #[serde(default)]
    pub domains: Vec<String>,
    /// Further scopes, a line each: those that actions and domains can't say.
    #[serde(default)]
    pub more: String,
    /// A network a line.
    #[serde(default)]
    pub ip_allow_list: String,
    /// Of what the form was filled with; or empty.
    #[serde(default)]
    pub seen: String,
}

/// What actions are about.
pub struct Noun {
    /// For people.
    pub title: &'static str,
    pub grants: Vec<Grant>,
}

/// An action that can be chosen.
pub struct Grant {
    /// `smtp-credentials:read`
    pub action: &'static str,
    /// `read`
    pub verb: &'static str,
}

const NOUNS: [(&str, &str); 6] = [
    ("smtp-credentials", "SMTP credentials"),
    ("domains", "Domains"),
    ("webhooks", "Webhooks"),
    ("messages", "Messages"),
    ("events", "Activity"),
    ("api-keys", "API keys"),
];

const VERBS: [&str; 4] = ["read", "write", "delete", "verify"];

/// Everything that can be chosen.
pub fn nouns() -> Vec<Noun> {
    let actions: BTreeSet<&str> = PLAIN.into_iter().chain(BY_DOMAIN).collect();
    let noun = |(name, title): (&str, &'static str)| {
        let named = |verb: &&&'static str| actions.get(format!("{name}:{verb}").as_str()).copied();
        let grants = VERBS.iter().filter_map(|verb| Some(Grant { action: named(&verb)?, verb }));
        Noun { title, grants: grants.collect() }
    };
    NOUNS.into_iter().map(noun).collect()
}

impl Choices {
    pub fn of(key: &ApiKey) -> Self {
        let Draft { label, networks, .. } = Draft::of(key);
        let (mut grants, mut of_domains) = (Vec::new(), BTreeMap::<String, BTreeSet<String>>::new());
        for scope in key.scopes.iter().map(|held| &held.scope) {
            let action = scope.action().to_owned();
            match scope.domain() {
                Some(domain) => {
                    of_domains.entry(domain.to_owned()).or_default().insert(action);
                }
                None => grants.push(action),
            }
        }
        let everything = key.scopes.iter().any(|held| held.scope.is_everything());
        let mut choices = Self {
            label,
            scope: if everything { Scope::Global } else { Scope::Scoped },
            grants,
            ip_allow_list: networks.join("\n"),
            seen: seen::mark(key.updated_at),
            ..Self::default()
        };
        choices.reach_for(of_domains);
        choices
    }

    /// The same actions for each of some domains can be chosen; anything else is text.
    fn reach_for(&mut self, of_domains: BTreeMap<String, BTreeSet<String>>) {
        let Some(actions) = of_domains.values().next().cloned() else { return };
        let is_even = of_domains.values().all(|others| *others == actions);
        if is_even && !self.grants.iter().any(|action| is_by_domain(action)) {
            self.grants.extend(actions);
            self.reach = Scope::Scoped;
            self.domains = of_domains.into_keys().collect();
            return;
        }
        let scopes = |(domain, actions): (&String, &BTreeSet<String>)| {
            actions.iter().map(|action| format!("{action}:{{{domain}}}")).collect::<Vec<_>>()
        };
        self.more = of_domains.iter().flat_map(scopes).collect::<Vec<_>>().join("\n");
    }

    /// # Errors
    /// `domains`, where there is none for what was chosen.
    pub fn draft(&self) -> Result<Draft> {
        let networks = words(&self.ip_allow_list);
        Ok(Draft { label: self.label.clone(), scopes: self.scopes()?, networks })
    }

    fn scopes(&self) -> Result<Vec<String>> {
        if self.scope == Scope::Global {
            return Ok(vec![EVERYTHING.to_owned()]);
        }
        if self.grants.len().saturating_mul(self.domains.len().max(1)) > MAX_SCOPES {
            return Err(Error::invalid("scopes", format!("Name at most {MAX_SCOPES} scopes.")));
        }
        let mut scopes = Vec::new();
        for action in &self.grants {
            match (is_by_domain(action), self.reach) {
                (false, _) => scopes.push(action.clone()),
                (true, Scope::Global) => scopes.push(format!("{action}:all")),
                (true, Scope::Scoped) if self.domains.is_empty() => {
                    return Err(Error::invalid("domains", "Choose at least one domain."));
                }
                (true, Scope::Scoped) => {
                    scopes.extend(self.domains.iter().map(|domain| format!("{action}:{{{domain}}}")));
                }
            }
        }
        scopes.extend(words(&self.more));
        Ok(scopes)
    }

    pub fn grants(&self, action: &str) -> bool {
        self.grants.iter().any(|granted| granted == action)
    }

    pub fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|name| name == domain)
    }
}

/// A new key may do nothing, until its owner says what it needs.
impl Default for Choices {
    fn default() -> Self {
        Self {
            label: String::new(),
            scope: scoped(),
            grants: Vec::new(),
            reach: global(),
            domains: Vec::new(),
            more: String::new(),
            ip_allow_list: String::new(),
            seen: String::new(),
        }
    }
}

fn is_by_domain(action: &str) -> bool {
    BY_DOMAIN.contains(&action)
}

/// Between white space and commas.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

const fn global() -> Scope {
    Scope::Global
}

const fn scoped() -> Scope {
    Scope::Scoped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_can_be_chosen() {
        let shown: BTreeSet<&str> =
            nouns().iter().flat_map(|noun| &noun.grants).map(|grant| grant.action).collect();
        let all = PLAIN.into_iter().chain(BY_DOMAIN).filter(|action| *action != EVERYTHING);
        assert_eq!(shown, all.collect());
    }

    #[test]
    fn actions_and_domains_become_scopes() {
        let chosen = Choices {
            grants: vec!["events:read".to_owned(), "webhooks:read".to_owned()],
            more: "webhooks:write:{c.example},\n\n messages:read:all ".to_owned(),
            ..Choices::default()
        };
        let scopes = |choices: &Choices| choices.draft().unwrap().scopes.join(" ");
        let further = "webhooks:write:{c.example} messages:read:all";
        assert_eq!(scopes(&chosen), format!("events:read webhooks:read:all {further}"));
        let (reach, domains) = (Scope::Scoped, vec!["a.example".to_owned(), "b.example".to_owned()]);
        let for_some = Choices { reach, domains, ..chosen.clone() };
        let each = "webhooks:read:{a.example} webhooks:read:{b.example}";
        assert_eq!(scopes(&for_some), format!("events:read {each} {further}"));
        assert!(Choices { reach, ..chosen.clone() }.draft().is_err(), "for which domains?");
        assert_eq!(scopes(&Choices { scope: Scope::Global, ..chosen }), "*");
    }
}
