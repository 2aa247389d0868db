//! Who asks: a program with an API key, or the operator in this very process; what they may do, and the ids that stand in the path.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::warn;

use super::failure::{Failure, Result};
use super::rate::Rate;
use crate::app::App;
use crate::clock::Timestamp;
use crate::http::address::ClientAddress;
use crate::id::{ApiKeyId, OrganizationId};
use crate::model::api_key::scope::Reach;
use crate::model::{Actor, ApiKey};
use crate::secret::Password;

/// Longest key that is looked at, in bytes.
const MAX_KEY: usize = 200;

/// Whose request it is.
#[derive(Clone, Debug)]
pub struct Caller {
    who: Who,
    pub address: IpAddr,
    pub now: Timestamp,
}

#[derive(Clone, Debug)]
enum Who {
    /// A program whose key was accepted.
    Program(ApiKey),
    /// Whoever runs commands on the machine: may everything.
    Operator(OrganizationId),
}

/// What stands in front of everything below `/v2`.
#[derive(Clone)]
pub struct KeyGate {
    app: App,
    rate: Arc<Rate>,
}

impl KeyGate {
    pub fn new(app: App) -> Self {
        let rate = Arc::new(Rate::new(app.config.api_requests_per_second, app.config.api_burst));
        Self { app, rate }
    }
}

/// The layer in front of everything below `/v2`: the key, its address, its rate.
pub async fn admit(State(gate): State<KeyGate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match recognise(&gate.app, &mut parts).await {
        Ok(caller) => caller,
        Err(failure) => return failure.into_response(),
    };
    let allowance = gate.rate.take(caller.organization());
    if !allowance.is_granted() {
        return allowance.told(allowance.refusal().into_response());
    }
    parts.extensions.insert(caller);
    allowance.told(next.run(Request::from_parts(parts, body)).await)
}

async fn recognise(app: &App, parts: &mut Parts) -> Result<Caller> {
    let unauthorized = |message| Failure::new(StatusCode::UNAUTHORIZED, message);
    let secret = bearer(parts).ok_or_else(|| unauthorized("Missing or malformed bearer token"))?;
    let found = ApiKey::by_secret(&mut *app.db.read().await?, &secret).await?;
    let key = found.ok_or_else(|| unauthorized("Invalid API key"))?;
    let Ok(ClientAddress(address)) = parts.extract_with_state::<ClientAddress, App>(app).await;
    if !key.works_from(address) {
        let message = format!("this API key does not work from {address}");
        return Err(Failure::new(StatusCode::FORBIDDEN, message));
    }
    let now = app.clock.now();
    if key.is_untouched(now)
        && let Err(cause) = touch(app, &key, now).await
    {
        warn!(%cause, "the use of an API key was not written down");
    }
    Ok(Caller { who: Who::Program(key), address, now })
}

async fn touch(app: &App, key: &ApiKey, now: Timestamp) -> crate::error::Result<()> {
    let mut tx = app.db.begin().await?;
    key.touch(&mut tx, now).await?;
    tx.commit().await
}

/// RFC 6750 section 2.1.
fn bearer(parts: &Parts) -> Option<Password> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    let is_token = !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("Bearer") && is_token).then(|| Password::new(key))
}

impl Caller {
    /// Whoever runs commands on the machine.
    pub fn operator(organization: OrganizationId, now: Timestamp) -> Self {
        Self { who: Who::Operator(organization), address: Ipv4Addr::LOCALHOST.into(), now }
    }

    pub fn actor(&self) -> Actor {
        match &self.who {
            Who::Program(key) => key.actor(self.address, self.now),
            Who::Operator(organization) => Actor::operator(*organization, self.now),
        }
    }

    pub fn organization(&self) -> OrganizationId {
        match &self.who {
            Who::Program(key) => key.organization,
            Who::Operator(organization) => *organization,
        }
    }

    /// Of a program.
    pub fn key(&self) -> Option<ApiKeyId> {
        match &self.who {
            Who::Program(key) => Some(key.id),
            Who::Operator(_) => None,
        }
    }

    /// Lets an action pass that is no domain's, such as `domains:read`.
    pub fn may(&self, action: &str) -> Result<()> {
        match &self.who {
            Who::Program(key) if !key.may().allow(action) => Err(insufficient(action)),
            _ => Ok(()),
        }
    }

    /// For which domains it may do something, such as `smtp-credentials:read`; refused where for none.
    pub fn reach(&self, action: &str) -> Result<Reach> {
        let reach = match &self.who {
            Who::Program(key) => key.may().reach(action),
            Who::Operator(_) => Reach::All,
        };
        if reach.is_empty() { Err(insufficient(&for_domains(action))) } else { Ok(reach) }
    }

    /// Refuses what lies outside of what it may do.
    pub fn covers<'a>(&self, action: &str, domains: impl IntoIterator<Item = &'a String>) -> Result<()> {
        match self.reach(action)?.covers(domains) {
            true => Ok(()),
            false => Err(insufficient(&for_domains(action))),
        }
    }
}

fn insufficient(scope: &str) -> Failure {
    let message = format!("Insufficient permissions for the required scope: {scope}");
    Failure::new(StatusCode::FORBIDDEN, message)
}

fn for_domains(action: &str) -> String {
    format!("{action}:all, or {action}:{{DOMAIN}} for each of its domains")
}

/// The request's account is the key's own (`{account_id}` in the path).
impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let caller = parts.extensions.get::<Self>().cloned();
        let caller = caller
            .ok_or_else(|| Failure::new(StatusCode::UNAUTHORIZED, "Missing or malformed bearer token"))?;
        let Ids(ids) = parts.extract_with_state::<Ids, App>(app).await?;
        let Some(account) = ids.get("account_id") else { return Ok(caller) };
        let account: OrganizationId = account.parse().map_err(|_| Failure::bad("invalid account_id"))?;
        if account != caller.organization() {
            return Err(Failure::new(StatusCode::FORBIDDEN, "this API key belongs to another account"));
        }
        Ok(caller)
    }
}

/// What stands in the path, by name.
#[derive(Clone, Debug, Default)]
pub struct Ids(HashMap<String, String>);

impl Ids {
    /// # Errors
    /// `invalid smtp_credential_id`.
    pub fn get<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.0.get(name).map(String::as_str).unwrap_or_default();
        text.parse().map_err(|_| Failure::bad(format!("invalid {name}")))
    }
}

impl FromRequestParts<App> for Ids {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let path =
            parts.extract::<RawPathParams>().await.map_err(|_| Failure::bad("the path is not UTF-8"))?;
        Ok(Self(path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }
}
