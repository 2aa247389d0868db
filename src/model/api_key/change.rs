//! Create, edit, delete.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::scope::KeyScope;
use super::{ApiKey, IssuedApiKey};
use crate::db::Tx;
use crate::error::{Error, Problems, Result};
use crate::id::{ApiKeyId, ApiKeyScopeId};
use crate::model::actor::Actor;
use crate::model::credential::is_deceptive;
use crate::model::domain::Domain;
use crate::model::event::{Action, Event, Subject};
use crate::network::Network;
use crate::secret::{Password, generate_public_key, token_hash};

/// Characters of a label at most.
pub const MAX_LABEL_CHARACTERS: usize = 255;
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

struct Checked {
    label: String,
    scopes: BTreeSet<KeyScope>,
    networks: Vec<Network>,
}

impl Draft {
    /// # Errors
    /// `label`, `scopes` or `ip_allow_list`; the last also where it would lock `caller` out, who works from that address.
    async fn checked(&self, tx: &mut Tx, actor: &Actor, caller: Option<IpAddr>) -> Result<Checked> {
        let mut problems = Problems::default();
        let label = self.label.trim().to_owned();
        if !(1..=MAX_LABEL_CHARACTERS).contains(&label.chars().count()) || is_deceptive(&label) {
            problems.add("label", format!("A label is one line of 1 to {MAX_LABEL_CHARACTERS} characters."));
        }
        let scopes = self.checked_scopes(tx, actor, &mut problems).await?;
        let networks = self.checked_networks(caller, &mut problems);
        problems.into_result()?;
        Ok(Checked { label, scopes, networks })
    }

    async fn checked_scopes(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        problems: &mut Problems,
    ) -> Result<BTreeSet<KeyScope>> {
        let mut scopes = BTreeSet::new();
        if self.scopes.is_empty() {
            problems.add("scopes", "Choose at least one scope.");
        }
        for text in &self.scopes {
            match text.parse::<KeyScope>() {
                Err(why) => problems.add("scopes", why),
                Ok(scope) if scopes.contains(&scope) => {
                    problems.add("scopes", format!("“{scope}” is there twice."))
                }
                Ok(scope) => {
                    if let Some(domain) = scope.domain() {
                        match Domain::by_name(tx, actor.organization, domain).await {
                            Ok(_) => {}
                            Err(Error::NotFound(_)) => {
                                problems
                                    .add("scopes", format!("“{domain}” is no domain of this organization."));
                            }
                            Err(error) => return Err(error),
                        }
                    }
                    scopes.insert(scope);
                }
            }
        }
        Ok(scopes)
    }

    fn checked_networks(&self, caller: Option<IpAddr>, problems: &mut Problems) -> Vec<Network> {
        let mut networks: Vec<Network> = Vec::new();
        for text in self.networks.iter().map(|text| text.trim()) {
            match text.parse::<Network>() {
                Err(why) => problems.add("ip_allow_list", format!("{why}.")),
                Ok(network) if network.is_everything() => {
                    problems.add(
                        "ip_allow_list",
                        format!("{network} is everywhere: leave the list empty for that."),
                    );
                }
                Ok(network) if networks.contains(&network) => {}
                Ok(network) => networks.push(network),
            }
        }
        if networks.len() > MAX_NETWORKS {
            problems.add("ip_allow_list", format!("Name at most {MAX_NETWORKS} networks."));
        }
        if let Some(caller) = caller
            && !networks.is_empty()
            && !networks.iter().any(|network| network.contains(caller))
        {
            problems.add(
                "ip_allow_list",
                format!("It would lock you out: your own address, {caller}, is not in it."),
            );
        }
        networks
    }
}

impl ApiKey {
    /// # Errors
    /// What [`Draft`] refuses, by field.
    pub async fn create(tx: &mut Tx, actor: &Actor, draft: &Draft) -> Result<IssuedApiKey> {
        let checked = draft.checked(tx, actor, None).await?;
        let (id, secret) = (ApiKeyId::new(), Password::generate_api_key());
        sqlx::query(
            "INSERT INTO api_keys (id, organization, label, public_key, key_hash, created_at, created_by, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
        )
        .bind(id)
        .bind(actor.organization)
        .bind(checked.label.clone())
        .bind(generate_public_key())
        .bind(token_hash(secret.expose()))
        .bind(actor.at)
        .bind(actor.label.clone())
        .execute(&mut **tx)
        .await?;
        write_lists(tx, actor, id, &checked).await?;
        let key = Self::find(tx, actor.organization, id).await?;
        key.note(tx, actor, Action::ApiKeyCreated, &key.described()).await?;
        Ok(IssuedApiKey { key, secret })
    }

    /// Changes everything that can be chosen. `caller`: the address that the one who changes it works from with this very key.
    ///
    /// # Errors
    /// What [`Draft`] refuses, by field.
    pub async fn update(
        tx: &mut Tx,
        actor: &Actor,
        id: ApiKeyId,
        draft: &Draft,
        caller: Option<IpAddr>,
    ) -> Result<Self> {
        let before = Self::find(tx, actor.organization, id).await?;
        let checked = draft.checked(tx, actor, caller).await?;
        let sql = "UPDATE api_keys SET label = $3, updated_at = $4 WHERE organization = $1 AND id = $2";
        let query = sqlx::query(sql).bind(actor.organization).bind(id).bind(checked.label.clone());
        query.bind(actor.at).execute(&mut **tx).await?;
        write_lists(tx, actor, id, &checked).await?;
        let after = Self::find(tx, actor.organization, id).await?;
        if before.described() != after.described() || before.label != after.label {
            after.note(tx, actor, Action::ApiKeyUpdated, &after.described()).await?;
        }
        Ok(after)
    }

    /// It is refused from the next request on.
    pub async fn delete(tx: &mut Tx, actor: &Actor, id: ApiKeyId) -> Result<Self> {
        let key = Self::find(tx, actor.organization, id).await?;
        let sql = "DELETE FROM api_keys WHERE organization = $1 AND id = $2";
        sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
        key.note(tx, actor, Action::ApiKeyDeleted, "").await?;
        Ok(key)
    }

    async fn note(&self, tx: &mut Tx, actor: &Actor, action: Action, detail: &str) -> Result<()> {
        Event::record(tx, actor, action, Subject { id: self.id, label: &self.label }, detail).await
    }

    /// What it may do and from where, as a sentence for the audit log.
    fn described(&self) -> String {
        let scopes: Vec<String> = self.scopes.iter().map(|held| held.scope.to_string()).collect();
        let networks: Vec<String> = self.networks.iter().map(Network::to_string).collect();
        let from = if networks.is_empty() { "anywhere".to_owned() } else { networks.join(" ") };
        format!("scopes: {}; from: {from}", scopes.join(" "))
    }
}

/// Scopes that stay keep their ids.
async fn write_lists(tx: &mut Tx, actor: &Actor, id: ApiKeyId, checked: &Checked) -> Result<()> {
    let held: Vec<KeyScope> =
        sqlx::query_scalar("SELECT scope FROM api_key_scopes WHERE organization = $1 AND api_key = $2")
            .bind(actor.organization)
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    for scope in held.iter().filter(|scope| !checked.scopes.contains(scope)) {
        let sql = "DELETE FROM api_key_scopes WHERE organization = $1 AND api_key = $2 AND scope = $3";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(scope.clone()).execute(&mut **tx).await?;
    }
    for scope in checked.scopes.iter().filter(|scope| !held.contains(scope)) {
        let sql = "INSERT INTO api_key_scopes (id, organization, api_key, scope, created_at) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(ApiKeyScopeId::new()).bind(actor.organization).bind(id);
        query.bind(scope.clone()).bind(actor.at).execute(&mut **tx).await?;
    }
    let sql = "DELETE FROM api_key_networks WHERE organization = $1 AND api_key = $2";
    sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
    for network in &checked.networks {
        let sql = "INSERT INTO api_key_networks (organization, api_key, network) VALUES ($1, $2, $3)";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(*network).execute(&mut **tx).await?;
    }
    Ok(())
}
