//! What is said of a key when it is created or edited.

use std::collections::BTreeMap;

use super::ApiKey;
use super::scope::KeyScope;
use crate::db::Tx;
use crate::error::{Error, Problems, Result};
use crate::id::{DomainId, OrganizationId};
use crate::model::domain::{Domain, displayed};
use crate::model::name;
use crate::network::Network;

/// Scopes of one key at most.
pub const MAX_SCOPES: usize = 500;
/// Networks of one key at most.
const MAX_NETWORKS: usize = 100;

/// What can be chosen of a key, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub label: String,
    pub scopes: Vec<String>,
    /// Networks or addresses; empty: from anywhere.
    pub networks: Vec<String>,
}

/// The same as it is kept.
pub(super) struct Checked {
    pub label: String,
    /// Each with the domain that it names.
    pub scopes: BTreeMap<KeyScope, Option<DomainId>>,
    /// Each once, in the order of how they read.
    pub networks: Vec<Network>,
}

impl Draft {
    /// A key as it is.
    pub fn of(key: &ApiKey) -> Self {
        Self {
            label: key.label.clone(),
            scopes: key.scopes.iter().map(|held| held.scope.to_string()).collect(),
            networks: key.networks.iter().map(Network::to_string).collect(),
        }
    }

    /// `before`: the key that it changes, if it changes one.
    ///
    /// # Errors
    /// `label`, `scopes` or `ip_allow_list`.
    pub(super) async fn checked(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        before: Option<&ApiKey>,
    ) -> Result<Checked> {
        let mut problems = Problems::default();
        let label = self.label.trim().to_owned();
        if label.is_empty() || name::refusal(&label).is_some() {
            problems
                .add("label", format!("A label is one line of 1 to {} characters.", name::MAX_CHARACTERS));
        }
        // Its last scope may have gone with a domain.
        let has_none_as_before =
            self.scopes.is_empty() && before.is_some_and(|before| before.scopes.is_empty());
        if self.scopes.is_empty() && !has_none_as_before {
            problems.add("scopes", "Choose at least one scope.");
        }
        let scopes = self.checked_scopes(tx, organization, &mut problems).await?;
        let networks = self.checked_networks(&mut problems);
        problems.into_result()?;
        Ok(Checked { label, scopes, networks })
    }

    /// Each must be there once. One for all domains swallows those of the same kind for single domains.
    async fn checked_scopes(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        problems: &mut Problems,
    ) -> Result<BTreeMap<KeyScope, Option<DomainId>>> {
        let mut scopes = BTreeMap::new();
        if self.scopes.len() > MAX_SCOPES {
            problems.add("scopes", format!("Name at most {MAX_SCOPES} scopes."));
            return Ok(scopes);
        }
        let mut parsed: Vec<KeyScope> = Vec::new();
        for text in &self.scopes {
            match text.trim().parse() {
                Ok(scope) => parsed.push(scope),
                Err(why) => problems.add("scopes", why),
            }
        }
        let names: Vec<&str> = parsed.iter().filter_map(KeyScope::domain).collect();
        let domains = Domain::named(tx, organization, &names).await?;
        for scope in &parsed {
            let domain = scope.domain().and_then(|name| domains.get(name)).copied();
            if let Some(name) = scope.domain().filter(|_| domain.is_none()) {
                problems.add("scopes", why_not_owned(name));
                continue;
            }
            if scopes.contains_key(scope) {
                problems.add("scopes", format!("“{scope}” is there twice."));
            }
            scopes.insert(scope.clone(), domain);
        }
        let given = scopes.clone();
        scopes.retain(|scope, _| scope.for_all_domains().is_none_or(|wider| !given.contains_key(&wider)));
        Ok(scopes)
    }

    /// Each once. One too many ends it: nobody waits for a comparison of thousands.
    fn checked_networks(&self, problems: &mut Problems) -> Vec<Network> {
        let mut networks: Vec<Network> = Vec::new();
        for text in self.networks.iter().map(|text| text.trim()) {
            match text.parse::<Network>() {
                Err(why) => problems.add("ip_allow_list", format!("{why}.")),
                Ok(network) if network.is_everything() => {
                    let why = "is everywhere: leave the list empty for that.";
                    problems.add("ip_allow_list", format!("{network} {why}"));
                }
                Ok(network) if networks.contains(&network) => {}
                Ok(_) if networks.len() == MAX_NETWORKS => {
                    problems.add("ip_allow_list", format!("Name at most {MAX_NETWORKS} networks."));
                    break;
                }
                Ok(network) => networks.push(network),
            }
        }
        networks.sort_by_cached_key(Network::to_string);
        networks
    }
}

pub(super) fn not_owned(name: &str) -> Error {
    Error::invalid("scopes", why_not_owned(name))
}

fn why_not_owned(name: &str) -> String {
    format!("{} is not a domain of this organization.", displayed(name))
}
