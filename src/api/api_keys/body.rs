//! What stands in the bodies of requests and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::time;
use crate::model::ApiKey;
use crate::model::api_key::{Draft, HeldScope, IssuedApiKey};
use crate::network::Network;

/// An API key, without what opens anything.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIKey)]
pub struct Key {
    object: KeyObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// To five minutes; null: never.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    account_id: Uuid,
    label: String,
    /// Names the key where the key itself must not be.
    public_key: String,
    scopes: Vec<Scope>,
    /// Networks from which it works; from anywhere when it is empty.
    ip_allow_list: Vec<String>,
}

/// An API key with the key itself, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedAPIKey)]
pub struct CreatedKey {
    #[serde(flatten)]
    key: Key,
    /// What stands behind `Bearer`.
    secret_key: String,
}

/// A scope that a key has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIKeyScope)]
pub struct Scope {
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    api_key_id: Uuid,
    scope: String,
    /// There when the scope names a domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    domain_id: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = APIKeyObject)]
pub enum KeyObject {
    ApiKey,
}

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateAPIKeyRequest, example = json!({
    "label": "Deployment",
    "scopes": ["smtp-credentials:read:all", "smtp-credentials:write:{shop.example}"],
    "ip_allow_list": ["192.0.2.0/24"]
}))]
pub struct CreateKey {
    /// One line.
    #[schema(min_length = 1, max_length = 255)]
    label: String,
    /// Each once, such as `smtp-credentials:read:all`, `smtp-credentials:read:{shop.example}` or `*`.
    #[schema(min_items = 1, max_items = 500)]
    scopes: Vec<String>,
    /// Networks, or single addresses: at most 100 that differ, none of them everything. Empty: from anywhere.
    #[serde(default)]
    ip_allow_list: Vec<String>,
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateAPIKeyRequest, example = json!({"label": "Deployment of the shop"}))]
pub struct UpdateKey {
    /// One line.
    #[schema(min_length = 1, max_length = 255)]
    label: Option<String>,
    /// All that it is to have.
    #[schema(min_items = 1, max_items = 500)]
    scopes: Option<Vec<String>>,
    /// All that it is to work from: at most 100 that differ, none of them everything. Empty: from anywhere.
    ip_allow_list: Option<Vec<String>>,
}

impl Key {
    pub fn of(key: &ApiKey) -> Self {
        Self {
            object: KeyObject::ApiKey,
            id: key.id.uuid(),
            created_at: time(key.created_at),
            updated_at: time(key.updated_at),
            last_used_at: key.last_used_at.map(time),
            account_id: key.organization.uuid(),
            label: key.label.clone(),
            public_key: key.public_key.clone(),
            scopes: key.scopes.iter().map(|held| Scope::of(key, held)).collect(),
            ip_allow_list: key.networks.iter().map(Network::to_string).collect(),
        }
    }
}

impl Scope {
    fn of(key: &ApiKey, held: &HeldScope) -> Self {
        Self {
            id: held.id.uuid(),
            created_at: time(held.created_at),
            updated_at: time(held.created_at),
            api_key_id: key.id.uuid(),
            scope: held.scope.to_string(),
            domain_id: held.domain.map(|domain| domain.uuid()),
        }
    }
}

impl CreatedKey {
    pub fn of(issued: &IssuedApiKey) -> Self {
        Self { key: Key::of(&issued.key), secret_key: issued.secret.expose().to_owned() }
    }
}

impl CreateKey {
    pub fn draft(&self) -> Draft {
        let Self { label, scopes, ip_allow_list } = self;
        Draft { label: label.clone(), scopes: scopes.clone(), networks: ip_allow_list.clone() }
    }
}

impl UpdateKey {
    pub fn draft(&self, before: &ApiKey) -> Draft {
        let Self { label, scopes, ip_allow_list } = self;
        let before = Draft::of(before);
        Draft {
            label: label.clone().unwrap_or(before.label),
            scopes: scopes.clone().unwrap_or(before.scopes),
            networks: ip_allow_list.clone().unwrap_or(before.networks),
        }
    }
}
