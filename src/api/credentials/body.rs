//! What stands in the bodies of requests and answers.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::failure::{Failure, Result};
use crate::api::input::domains;
use crate::api::words::words_of;
use crate::api::{optional_time, time};
use crate::clock::Timestamp;
use crate::model::Credential;
use crate::model::credential::{Draft, IssuedCredential, Mode, Scope, State};

/// An SMTP credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmtpCredential {
    object: CredentialObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// Empty when it has none.
    name: String,
    username: String,
    /// Whether in sandbox mode: everything but delivery.
    sandbox: bool,
    scope: CredentialScope,
    /// Of a scoped credential.
    domains: Vec<String>,
    /// Gatepost's own.
    status: CredentialStatus,
    /// Gatepost's own: the same as `sandbox`, in a word.
    mode: CredentialMode,
    /// Gatepost's own: the newest successful authentication.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Gatepost's own: the IP address that it came from.
    last_used_address: Option<String>,
    /// Gatepost's own.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Gatepost's own.
    #[schema(format = DateTime)]
    rotated_at: Option<String>,
    /// Gatepost's own: how long the password before the last rotation works too.
    #[schema(format = DateTime)]
    grace_until: Option<String>,
}

/// An SMTP credential with its password, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedCredential {
    #[serde(flatten)]
    credential: SmtpCredential,
    password: String,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub enum CredentialObject {
    #[serde(rename = "credential_smtp")]
    CredentialSmtp,
}

words_of! {
    /// `global`: all domains of the account; `scoped`: the listed ones.
    CredentialScope(Scope),
    /// `sandbox`: everything but delivery.
    CredentialMode(Mode),
    CredentialStatus(State),
}

/// A credential to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "shop.example production", "scope": "scoped", "domains": ["shop.example"]}))]
pub struct CreateCredential {
    #[schema(max_length = 255)]
    name: String,
    #[serde(default)]
    sandbox: bool,
    scope: CredentialScope,
    /// Of a scoped credential: at least one, verified or not. Of a global one: none.
    #[serde(default)]
    domains: Vec<String>,
    /// Gatepost's own: a time to come.
    #[serde(default, deserialize_with = "optional_time::deserialize")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// What is to be changed. But for `expires_at`, null is as good as left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1, example = json!({"sandbox": true}))]
pub struct UpdateCredential {
    #[schema(max_length = 255)]
    name: Option<String>,
    sandbox: Option<bool>,
    scope: Option<CredentialScope>,
    domains: Option<Vec<String>>,
    /// A time to come, or null for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<Timestamp>>,
}

/// Told apart: left out, and null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    optional_time::deserialize(deserializer).map(Some)
}

impl SmtpCredential {
    pub fn of(credential: &Credential, now: Timestamp) -> Self {
        Self {
            object: CredentialObject::CredentialSmtp,
            id: credential.id.uuid(),
            created_at: time(credential.created_at),
            updated_at: time(credential.updated_at),
            name: credential.name.clone(),
            username: credential.username.clone(),
            sandbox: credential.mode == Mode::Sandbox,
            scope: CredentialScope(credential.scope),
            domains: credential.domains.clone(),
            status: CredentialStatus(credential.state(now)),
            mode: CredentialMode(credential.mode),
            last_used_at: credential.last_used.as_ref().map(|used| time(used.at)),
            last_used_address: credential.last_used.as_ref().map(|used| used.address.clone()),
            expires_at: credential.expires_at.map(time),
            rotated_at: credential.rotated_at.map(time),
            grace_until: credential.grace(now).map(|previous| time(previous.until)),
        }
    }
}

impl CreatedCredential {
    pub fn of(issued: &IssuedCredential, now: Timestamp) -> Self {
        let credential = SmtpCredential::of(&issued.credential, now);
        Self { credential, password: issued.password.expose().to_owned() }
    }
}

impl CreateCredential {
    pub fn draft(&self) -> Result<Draft> {
        Ok(Draft {
            name: self.name.clone(),
            mode: Mode::of_sandbox(self.sandbox),
            scope: self.scope.0,
            domains: domains(&self.domains)?,
            expires_at: self.expires_at,
        })
    }
}

impl UpdateCredential {
    pub fn draft(&self, before: &Credential) -> Result<Draft> {
        let Self { name, sandbox, scope, domains: names, expires_at } = self;
        if name.is_none() && sandbox.is_none() && scope.is_none() && names.is_none() && expires_at.is_none() {
            return Err(Failure::bad("name at least one field to change"));
        }
        let scope = scope.map_or(before.scope, |CredentialScope(scope)| scope);
        let kept = if scope == Scope::Global { Vec::new() } else { before.domains.clone() };
        Ok(Draft {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            mode: sandbox.map_or(before.mode, Mode::of_sandbox),
            scope,
            domains: names.as_ref().map_or(Ok(kept), |names| domains(names))?,
            expires_at: expires_at.unwrap_or(before.expires_at),
        })
    }
}
