//! Keys with which programs use the API: what each may do, from where, and when it was last used.

mod change;
mod draft;
pub mod scope;

use std::net::IpAddr;
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::actor::{Actor, ActorKind};
use super::hold;
use super::page::{Keyset, Order, Page, Turn};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{ApiKeyId, ApiKeyScopeId, DomainId, OrganizationId};
use crate::network::Network;
use crate::secret::{Password, token_hash};

pub use draft::{Draft, MAX_SCOPES};
use scope::{KeyScope, KeyScopes};

/// The last use is written at most this often.
const TOUCH: Duration = Duration::from_secs(300);

/// A key as everyone sees it: nothing in it opens anything.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub organization: OrganizationId,
    pub label: String,
    /// Names it where the key must not be.
    pub public_key: String,
    pub created_at: Timestamp,
    /// The label of who created it.
    pub created_by: String,
    pub updated_at: Timestamp,
    /// To five minutes.
    pub last_used_at: Option<Timestamp>,
    /// In order.
    pub scopes: Vec<HeldScope>,
    /// From where it works; from anywhere when it is empty.
    pub networks: Vec<Network>,
}

/// A scope that a key has.
#[derive(Clone, Debug)]
pub struct HeldScope {
    pub id: ApiKeyScopeId,
    pub scope: KeyScope,
    /// The domain that it names.
    pub domain: Option<DomainId>,
    pub created_at: Timestamp,
}

/// A key together with its secret: after creation, once.
#[derive(Debug)]
pub struct IssuedApiKey {
    pub key: ApiKey,
    pub secret: Password,
}

const SELECT: &str = "SELECT id, organization, label, public_key, created_at, created_by, updated_at, last_used_at, \
     COALESCE((SELECT string_agg(s.id || ' ' || s.scope || ' ' || COALESCE(s.domain, '') || ' ' || CAST(s.created_at AS TEXT), ';') \
     FROM api_key_scopes s WHERE s.api_key = api_keys.id), '') AS scopes, \
     COALESCE((SELECT string_agg(n.network, ';') FROM api_key_networks n WHERE n.api_key = api_keys.id), '') AS networks \
     FROM api_keys";

impl ApiKey {
    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: ApiKeyId,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE organization = $1 AND id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("API key"))
    }

    /// Finds it, and lets nobody else change it until the transaction ends.
    pub async fn find_to_change(tx: &mut Tx, organization: OrganizationId, id: ApiKeyId) -> Result<Self> {
        hold(tx, "api_keys", organization, id.to_string()).await?;
        Self::find(tx, organization, id).await
    }

    /// By the key itself, over all organizations: this read is what finds the organization.
    pub async fn by_secret(connection: &mut AnyConnection, secret: &Password) -> Result<Option<Self>> {
        let sql = format!("{SELECT} WHERE key_hash = $1");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(token_hash(secret.expose()));
        Ok(query.fetch_optional(connection).await?)
    }

    /// The organization's keys, newest first.
    pub async fn page(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(Order::newest_first("created_at"), turn)?;
        let sql = format!("{SELECT} WHERE organization = $1{}", keyset.tail(2));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |key: &Self| (key.created_at.as_micros().to_string(), key.id.to_string())))
    }

    /// Whether it works from this address.
    pub fn works_from(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    pub fn may(&self) -> KeyScopes {
        KeyScopes::new(self.scopes.iter().map(|held| held.scope.clone()))
    }

    /// Who does what is done with it.
    pub fn actor(&self, address: IpAddr, at: Timestamp) -> Actor {
        let kind = ActorKind::ApiKey;
        let (organization, label) = (self.organization, format!("API key {}", self.label));
        Actor { organization, kind, id: self.id.to_string(), label, address: Some(address), at }
    }

    /// Whether its last use is to be written down again.
    pub fn is_untouched(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|at| at.plus(TOUCH) <= now)
    }

    pub async fn touch(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let sql = "UPDATE api_keys SET last_used_at = $3 WHERE organization = $1 AND id = $2 \
                   AND (last_used_at IS NULL OR last_used_at < $3)";
        sqlx::query(sql).bind(self.organization).bind(self.id).bind(now).execute(&mut **tx).await?;
        Ok(())
    }
}

impl<'r> sqlx::FromRow<'r, AnyRow> for ApiKey {
    fn from_row(row: &'r AnyRow) -> sqlx::Result<Self> {
        let (scopes, networks): (&str, &str) = (row.try_get("scopes")?, row.try_get("networks")?);
        let mut scopes = scopes.split_terminator(';').map(held_scope).collect::<sqlx::Result<Vec<_>>>()?;
        scopes.sort_by(|one, other| one.scope.cmp(&other.scope));
        let mut networks: Vec<&str> = networks.split_terminator(';').collect();
        networks.sort_unstable();
        Ok(Self {
            id: row.try_get("id")?,
            organization: row.try_get("organization")?,
            label: row.try_get("label")?,
            public_key: row.try_get("public_key")?,
            created_at: row.try_get("created_at")?,
            created_by: row.try_get("created_by")?,
            updated_at: row.try_get("updated_at")?,
            last_used_at: row.try_get("last_used_at")?,
            scopes,
            networks: networks
                .into_iter()
                .map(|network| network.parse().map_err(garbled))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// `id scope domain created_at`, as the database joined them.
fn held_scope(text: &str) -> sqlx::Result<HeldScope> {
    let mut words = text.split(' ');
    let mut word = || words.next().ok_or_else(|| garbled("a word is missing"));
    Ok(HeldScope {
        id: word()?.parse().map_err(garbled)?,
        scope: word()?.parse().map_err(garbled)?,
        domain: match word()? {
            "" => None,
            id => Some(id.parse().map_err(garbled)?),
        },
        created_at: Timestamp::from_micros(word()?.parse().map_err(garbled)?),
    })
}

fn garbled(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(cause.into())
}
