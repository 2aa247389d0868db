//! SMTP credentials, as AhaSend's API v2 has them, with what Gatepost adds.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

mod body;
mod life;
mod verify;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::SuccessResponse;
use super::caller::{Caller, Ids};
use super::failure::{Failure, Result};
use super::input::{Asked, Input, Paging};
use super::list::List;
use super::once::{Holds, Idempotency, Once};
use crate::app::App;
use crate::db::Tx;
use crate::id::CredentialId;
use crate::model::Credential;
use crate::model::api_key::scope::Reach;
use crate::model::credential::{Draft, Filter, FreshPassword, Listing, Mode, Sort, State as Status};
use body::{CreateCredential, CreatedCredential, SmtpCredential, UpdateCredential};

const READ: &str = "smtp-credentials:read";
const WRITE: &str = "smtp-credentials:write";
const DELETE: &str = "smtp-credentials:delete";
const ID: &str = "smtp_credential_id";
const DAY: u64 = 86_400;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(verify::verify))
        .routes(routes!(get, update, delete))
        .routes(routes!(life::rotate))
        .routes(routes!(life::end_grace))
        .routes(routes!(life::revoke))
        .routes(routes!(life::enable))
}

/// Which credentials to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Gatepost's own: `active`, `revoked` or `expired`.
    #[param(value_type = Option<body::CredentialStatus>, inline)]
    status: Option<Status>,
    /// Gatepost's own: whether in sandbox mode.
    sandbox: Option<bool>,
    /// Gatepost's own: neither used nor created in so many days.
    #[param(minimum = 1, maximum = 3650)]
    unused_for_days: Option<u64>,
    /// Gatepost's own: part of a name or username.
    q: Option<String>,
}

impl Wanted {
    fn filter(self, reach: Reach) -> Result<Filter> {
        let days = self.unused_for_days.filter(|days| (1..=3_650).contains(days));
        if days != self.unused_for_days {
            return Err(Failure::bad("unused_for_days must be between 1 and 3650"));
        }
        Ok(Filter {
            search: self.q.unwrap_or_default(),
            state: self.status,
            mode: self.sandbox.map(Mode::of_sandbox),
            unused_for: days.map(|days| std::time::Duration::from_secs(days * DAY)),
            within: reach.within(),
        })
    }
}

/// Lists the SMTP credentials, newest first.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/smtp-credentials", operation_id = "getSMTPCredentials", tag = "SMTP credentials",
    params(Paging, Wanted),
    responses((status = 200, body = List<SmtpCredential>)),
    security(("BearerAuth" = ["smtp-credentials:read:all", "smtp-credentials:read:{domain}"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<SmtpCredential>>> {
    let filter = wanted.filter(caller.reach(READ)?)?;
    let listing = Listing { filter, sort: Sort::Created, descending: true, turn: paging.turn()? };
    let mut connection = app.db.read().await?;
    let page = Credential::list(&mut connection, caller.organization(), &listing, caller.now).await?;
    Ok(Json(List::new(page, paging.is_backward(), |credential| SmtpCredential::of(&credential, caller.now))))
}

/// Creates an SMTP credential. Its password is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/smtp-credentials", operation_id = "createSMTPCredential", tag = "SMTP credentials",
    params(Idempotency),
    request_body = CreateCredential,
    responses((status = 201, body = CreatedCredential)),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    input: Input<CreateCredential>,
) -> Result<Response> {
    caller.reach(WRITE)?;
    let prepare = async || {
        let draft = input.value.draft()?.checked(caller.now, None)?;
        caller.covers(WRITE, &draft.domains)?;
        Ok((draft, app.hashing().fresh().await?))
    };
    let work = async |tx: &mut Tx, (draft, fresh): (Draft, FreshPassword)| {
        let issued = Credential::create(tx, &caller.actor(), draft, fresh).await?;
        Ok(CreatedCredential::of(&issued, caller.now))
    };
    Once::new(&app, &caller, key, &input).run(Holds::Secret, prepare, work).await
}

/// One SMTP credential.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}", operation_id = "getSMTPCredential",
    tag = "SMTP credentials",
    responses((status = 200, body = SmtpCredential)),
    security(("BearerAuth" = ["smtp-credentials:read:all", "smtp-credentials:read:{domain}"]))
)]
async fn get(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SmtpCredential>> {
    let id: CredentialId = ids.get(ID)?;
    caller.reach(READ)?;
    let credential = Credential::find(&mut *app.db.read().await?, caller.organization(), id).await?;
    caller.covers(READ, &credential.domains)?;
    Ok(Json(SmtpCredential::of(&credential, caller.now)))
}

/// Changes an SMTP credential; what is left out stays as it is.
#[utoipa::path(
    patch, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}", operation_id = "updateSMTPCredential",
    tag = "SMTP credentials",
    request_body = UpdateCredential,
    responses((status = 200, body = SmtpCredential), (status = 409, description = "Another credential has the name.")),
    security(("BearerAuth" = ["smtp-credentials:write:all", "smtp-credentials:write:{domain}"]))
)]
async fn update(
    State(app): State<App>,
    caller: Caller,
    ids: Ids,
    input: Input<UpdateCredential>,
) -> Result<Json<SmtpCredential>> {
    let id: CredentialId = ids.get(ID)?;
    let mut tx = app.db.begin().await?;
    let before = life::writable(&mut tx, &caller, id).await?;
    let draft = input.value.draft(&before)?.checked(caller.now, Some(&before))?;
    caller.covers(WRITE, &draft.domains)?;
    let after = Credential::update(&mut tx, &caller.actor(), id, draft).await?;
    tx.commit().await?;
    Ok(Json(SmtpCredential::of(&after, caller.now)))
}

/// Deletes an SMTP credential for good.
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/smtp-credentials/{smtp_credential_id}", operation_id = "deleteSMTPCredential",
    tag = "SMTP credentials",
    responses((status = 200, body = SuccessResponse)),
    security(("BearerAuth" = ["smtp-credentials:delete:all", "smtp-credentials:delete:{domain}"]))
)]
async fn delete(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SuccessResponse>> {
    let id: CredentialId = ids.get(ID)?;
    caller.reach(DELETE)?;
    let mut tx = app.db.begin().await?;
    let credential = Credential::find_to_change(&mut tx, caller.organization(), id).await?;
    caller.covers(DELETE, &credential.domains)?;
    Credential::delete(&mut tx, &caller.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(SuccessResponse::new("SMTP credential deleted")))
}
