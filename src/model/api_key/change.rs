//! Create, edit, delete. What is done with a key is bounded by that key: it has a hand only in keys that may do no more than it
//! may itself. So neither scopes nor the allow-list of a stronger key are in reach of a weaker one, nor is its end.

use super::draft::{Checked, Draft, not_owned};
use super::scope::KeyScope;
use super::{ApiKey, IssuedApiKey};
use crate::db::{Tx, insert_rows};
use crate::error::{Error, Result, is_still_named};
use crate::id::{ApiKeyId, ApiKeyScopeId};
use crate::model::actor::{Actor, ActorKind};
use crate::model::domain::Domain;
use crate::model::event::{Action, Event, Subject, changes};
use crate::network::Network;
use crate::secret::{Password, generate_public_key, token_hash};

impl ApiKey {
    /// # Errors
    /// What [`Draft`] refuses, by field; [`Error::Forbidden`] where a key would give another more than it may do itself.
    pub async fn create(tx: &mut Tx, actor: &Actor, draft: &Draft) -> Result<IssuedApiKey> {
        let checked = draft.checked(tx, actor.organization, None).await?;
        if let Some(giver) = Self::acting(tx, actor).await? {
            giver.check_reach(checked.scopes.keys())?;
            giver.check_networks(&checked.networks)?;
        }
        let (id, secret) = (ApiKeyId::new(), Password::generate_api_key());
        sqlx::query(
            "INSERT INTO api_keys (id, organization, label, public_key, key_hash, created_at, created_by, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $6)",
        )
        .bind(id)
        .bind(actor.organization)
        .bind(&checked.label)
        .bind(generate_public_key())
        .bind(token_hash(secret.expose()))
        .bind(actor.at)
        .bind(&actor.label)
        .execute(&mut **tx)
        .await?;
        write_lists(tx, actor, id, &checked).await?;
        let key = Self::find(tx, actor.organization, id).await?;
        let facts = format!("scopes: {}; from: {}", scopes(key.held()), networks(&key.networks));
        key.note(tx, actor, Action::ApiKeyCreated, &facts).await?;
        Ok(IssuedApiKey { key, secret })
    }

    /// Changes everything that can be chosen; none where nothing would change.
    ///
    /// # Errors
    /// What [`Draft`] refuses, by field: also an allow-list with which a key would lock itself out from where it is.
    /// [`Error::Forbidden`] where a key would change one that may do more than itself, or give more than it may do itself.
    pub async fn update(tx: &mut Tx, actor: &Actor, id: ApiKeyId, draft: &Draft) -> Result<Option<Self>> {
        let before = Self::find_to_change(tx, actor.organization, id).await?;
        let checked = draft.checked(tx, actor.organization, Some(&before)).await?;
        if let Some(giver) = Self::acting(tx, actor).await? {
            giver.check_reach(before.held().chain(checked.scopes.keys()))?;
            // What it gives works from no further than itself; what the key had before may.
            let gives = checked.scopes.keys().any(|scope| !before.held().any(|held| held == scope));
            if gives || checked.networks != before.networks {
                giver.check_networks(&checked.networks)?;
            }
            if giver.id == id {
                checked.keeps_in(actor)?;
            }
        }
        let changes = before.changes(&checked);
        if changes.is_empty() {
            return Ok(None);
        }
        let sql = "UPDATE api_keys SET label = $3, updated_at = $4 WHERE organization = $1 AND id = $2";
        let query = sqlx::query(sql).bind(actor.organization).bind(id).bind(&checked.label);
        query.bind(actor.at).execute(&mut **tx).await?;
        write_lists(tx, actor, id, &checked).await?;
        let after = Self::find(tx, actor.organization, id).await?;
        after.note(tx, actor, Action::ApiKeyUpdated, &changes).await?;
        Ok(Some(after))
    }

    /// It is refused from the next request on.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where a key would delete one that may do more than itself.
    pub async fn delete(tx: &mut Tx, actor: &Actor, id: ApiKeyId) -> Result<Self> {
        let key = Self::find_to_change(tx, actor.organization, id).await?;
        if let Some(deleter) = Self::acting(tx, actor).await? {
            deleter.check_reach(key.held())?;
        }
        let sql = "DELETE FROM api_keys WHERE organization = $1 AND id = $2";
        sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
        key.note(tx, actor, Action::ApiKeyDeleted, "").await?;
        Ok(key)
    }

    /// Takes the scopes for a domain that is removed out of every key that has some. Adding the domain again brings none back.
    pub async fn leave_domain(tx: &mut Tx, actor: &Actor, domain: &Domain) -> Result<()> {
        let naming: Vec<ApiKeyId> = sqlx::query_scalar(
            "SELECT DISTINCT api_key FROM api_key_scopes WHERE organization = $1 AND domain = $2",
        )
        .bind(actor.organization)
        .bind(domain.id)
        .fetch_all(&mut **tx)
        .await?;
        for id in naming {
            let before = Self::find_to_change(tx, actor.organization, id).await?;
            let sql = "DELETE FROM api_key_scopes WHERE organization = $1 AND api_key = $2 AND domain = $3";
            let query = sqlx::query(sql).bind(actor.organization).bind(id).bind(domain.id);
            query.execute(&mut **tx).await?;
            let sql = "UPDATE api_keys SET updated_at = $3 WHERE organization = $1 AND id = $2";
            sqlx::query(sql).bind(actor.organization).bind(id).bind(actor.at).execute(&mut **tx).await?;
            let after = Self::find(tx, actor.organization, id).await?;
            let detail = format!("scopes: {} → {}", scopes(before.held()), scopes(after.held()));
            after.note(tx, actor, Action::ApiKeyUpdated, &detail).await?;
        }
        Ok(())
    }

    /// The key that acts, as it is now.
    async fn acting(tx: &mut Tx, actor: &Actor) -> Result<Option<Self>> {
        if actor.kind != ActorKind::ApiKey {
            return Ok(None);
        }
        let id = actor.id.parse().map_err(|_| Error::Internal("an API key without an id acts".to_owned()))?;
        Self::find(tx, actor.organization, id).await.map(Some)
    }

    /// That it may do itself all that a key may do in which it has a hand.
    fn check_reach<'a>(&self, mut scopes: impl Iterator<Item = &'a KeyScope>) -> Result<()> {
        let may = self.may();
        match scopes.find(|scope| !may.include(scope)) {
            None => Ok(()),
            Some(beyond) => Err(Error::Forbidden(format!(
                "scopes: this API key may not do “{beyond}” itself, so it has no hand in a key that may"
            ))),
        }
    }

    /// That a key which is bound to some addresses gives no other, and so not itself, the run of more.
    fn check_networks(&self, networks: &[Network]) -> Result<()> {
        let is_within = |one: &Network| self.networks.iter().any(|own| own.covers(one));
        if self.networks.is_empty() || (!networks.is_empty() && networks.iter().all(is_within)) {
            return Ok(());
        }
        let own: Vec<String> = self.networks.iter().map(Network::to_string).collect();
        Err(Error::Forbidden(format!(
            "ip_allow_list: this API key works from {} alone, and so must those in which it has a hand",
            own.join(", ")
        )))
    }

    fn held(&self) -> impl Iterator<Item = &KeyScope> {
        self.scopes.iter().map(|held| &held.scope)
    }

    /// What would be different, as a sentence for the audit log; empty where nothing would.
    fn changes(&self, checked: &Checked) -> String {
        changes([
            ("label", format!("“{}”", self.label), format!("“{}”", checked.label)),
            ("scopes", scopes(self.held()), scopes(checked.scopes.keys())),
            ("from", networks(&self.networks), networks(&checked.networks)),
        ])
    }

    async fn note(&self, tx: &mut Tx, actor: &Actor, action: Action, detail: &str) -> Result<()> {
        Event::record(tx, actor, action, Subject { id: self.id, label: &self.label }, detail).await
    }
}

impl Checked {
    /// Refuses an allow-list that leaves out the address from where the key itself sets it.
    fn keeps_in(&self, actor: &Actor) -> Result<()> {
        let Some(address) = actor.address else { return Ok(()) };
        if self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        let why = format!("It would lock you out: your own address, {address}, is not in it.");
        Err(Error::invalid("ip_allow_list", why))
    }
}

fn scopes<'a>(scopes: impl Iterator<Item = &'a KeyScope>) -> String {
    let scopes: Vec<&str> = scopes.map(KeyScope::as_str).collect();
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(" ") }
}

fn networks(networks: &[Network]) -> String {
    let networks: Vec<String> = networks.iter().map(Network::to_string).collect();
    if networks.is_empty() { "anywhere".to_owned() } else { networks.join(" ") }
}

/// Scopes that stay keep their ids.
async fn write_lists(tx: &mut Tx, actor: &Actor, id: ApiKeyId, checked: &Checked) -> Result<()> {
    let held: Vec<KeyScope> =
        sqlx::query_scalar("SELECT scope FROM api_key_scopes WHERE organization = $1 AND api_key = $2")
            .bind(actor.organization)
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
    for scope in held.iter().filter(|scope| !checked.scopes.contains_key(scope)) {
        let sql = "DELETE FROM api_key_scopes WHERE organization = $1 AND api_key = $2 AND scope = $3";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(scope).execute(&mut **tx).await?;
    }
    for (scope, domain) in checked.scopes.iter().filter(|(scope, _)| !held.contains(scope)) {
        let sql = "INSERT INTO api_key_scopes (id, organization, api_key, scope, domain, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(sql).bind(ApiKeyScopeId::new()).bind(actor.organization).bind(id);
        let query = query.bind(scope).bind(domain.map(|domain| domain.to_string())).bind(actor.at);
        query.execute(&mut **tx).await.map_err(|error| match scope.domain() {
            // The domain was removed in this moment (PostgreSQL).
            Some(name) if is_still_named(&error) => not_owned(name),
            _ => error.into(),
        })?;
    }
    let sql = "DELETE FROM api_key_networks WHERE organization = $1 AND api_key = $2";
    sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
    let insert = "INSERT INTO api_key_networks (organization, api_key, network)";
    insert_rows(tx, (insert, 3), &checked.networks, |query, network| {
        Ok(query.bind(actor.organization).bind(id).bind(network))
    })
    .await
}
