//! Rotate, end grace, revoke, re-enable: Gatepost's own.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{CreatedCredential, SmtpCredential};
use super::{DAY, ID, WRITE};
use crate::api::caller::{Caller, Ids};
use crate::api::failure::{Failure, Result};
use crate::api::input::InputOrNone;
use crate::api::once::{Holds, Idempotency, Once};
use crate::api::whole;
use crate::app::App;
use crate::db::Tx;
use crate::id::CredentialId;
use crate::model::credential::FreshPassword;
use crate::model::{Actor, Credential};

/// The longest grace of a rotation, in seconds.
const MAX_GRACE: u64 = 7 * DAY;

/// How to rotate. No body at all is as good as `{}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"grace_seconds": 86_400}))]
pub struct RotateCredential {
    /// How long the old password goes on working; 0: it stops at once.
    #[serde(default, deserialize_with = "whole::deserialize")]
    #[schema(minimum = 0, maximum = 604_800, default = 0)]
    grace_seconds: u64,
}

impl RotateCredential {
    fn grace(&self) -> Result<Duration> {
        match self.grace_seconds {
            seconds @ 0..=MAX_GRACE => Ok(Duration::from_secs(seconds)),
            _ => Err(Failure::bad(format!("grace_seconds must be between 0 and {MAX_GRACE}"))),
        }
    }
}

/// The credential, where the caller may change it.
pub async fn writable(tx: &mut Tx, caller: &Caller, id: CredentialId) -> Result<Credential> {
    caller.reach(WRITE)?;
    let credential = Credential::find_to_change(tx, caller.organization(), id).await?;
    caller.covers(WRITE, &credential.domains)?;
    Ok(credential)
}

/// A password, hashed so that in a grace one run of Argon2 tells it from the one before. What the caller may not change costs no
/// run.
async fn fresh_password(
    app: &App,
    caller: &Caller,
    id: CredentialId,
    grace: Duration,
) -> Result<FreshPassword> {
    let mut connection = app.db.read().await?;
    let credential = Credential::find(&mut connection, caller.organization(), id).await?;
    caller.covers(WRITE, &credential.domains)?;
    let current = Credential::current_hash(&mut connection, caller.organization(), id).await?;
    drop(connection);
    Ok(match grace.is_zero() {
        true => app.hashing().fresh().await?,
        false => app.hashing().fresh_beside(current).await?,
    })
}

/// One step of its life, where the caller may change it.
async fn step(
    app: &App,
    caller: &Caller,
    ids: &Ids,
    work: impl AsyncFnOnce(&mut Tx, &Actor, CredentialId) -> crate::error::Result<Credential>,
) -> Result<Json<SmtpCredential>> {
    let (id, mut tx) = (ids.get(ID)?, app.db.begin().await?);
    writable(&mut tx, caller, id).await?;
    let credential = work(&mut tx, &caller.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(SmtpCredential::of(&credential, caller.now)))
}

/// Gives it a new password, which is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}/rotate",
    operation_id = "rotateSMTPCredential", tag = "SMTP credentials",
    params(Idempotency),
    request_body = RotateCredential,
    responses((status = 201, body = CreatedCredential)),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
pub async fn rotate(
    State(app): State<App>,
    (caller, ids): (Caller, Ids),
    key: Idempotency,
    InputOrNone(input): InputOrNone<RotateCredential>,
) -> Result<Response> {
    caller.reach(WRITE)?;
    let prepare = async || {
        let (id, grace) = (ids.get(ID)?, input.value.grace()?);
        Ok((id, grace, fresh_password(&app, &caller, id, grace).await?))
    };
    let work = async |tx: &mut Tx, (id, grace, fresh): (CredentialId, Duration, FreshPassword)| {
        writable(tx, &caller, id).await?;
        let issued = Credential::rotate(tx, &caller.actor(), id, grace, fresh).await?;
        Ok(CreatedCredential::of(&issued, caller.now))
    };
    Once::new(&app, &caller, key, &input).run(Holds::Secret, prepare, work).await
}

/// Ends the grace of the last rotation: the old password stops.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}/end-grace",
    operation_id = "endGraceOfSMTPCredential", tag = "SMTP credentials",
    responses((status = 200, body = SmtpCredential)),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
pub async fn end_grace(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SmtpCredential>> {
    step(&app, &caller, &ids, Credential::end_grace).await
}

/// Switches it off: it is refused at its next authentication.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}/revoke",
    operation_id = "revokeSMTPCredential", tag = "SMTP credentials",
    responses((status = 200, body = SmtpCredential)),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
pub async fn revoke(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SmtpCredential>> {
    step(&app, &caller, &ids, Credential::revoke).await
}

/// Switches it on again, with the same password.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}/enable",
    operation_id = "enableSMTPCredential", tag = "SMTP credentials",
    responses((status = 200, body = SmtpCredential)),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
pub async fn enable(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SmtpCredential>> {
    step(&app, &caller, &ids, Credential::enable).await
}
