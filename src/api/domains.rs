//! Sending domains, as AhaSend's API v2 has them: each with the one record that shows whose it is.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use sqlx::AnyConnection;
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
use crate::error::Error;
use crate::model::Domain;
use crate::model::domain::normalize;
use crate::model::domain::verification::Finding;
use crate::verification;
use body::{CreateDomain, DomainBody, UpdateDomain};

const READ: &str = "domains:read";
const WRITE: &str = "domains:write";
const DELETE: &str = "domains:delete";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(check_dns))
}

/// Which domains to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whether mail may be sent from it now.
    #[param(nullable = false)]
    dns_valid: Option<bool>,
}

/// Which domain.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes what `name` takes out of the path")]
pub struct Named {
    /// Its name: A-labels, or U-labels percent-encoded; case and a final dot do not count.
    #[param(min_length = 1)]
    domain: String,
}

/// What whoever removes a domain knows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Confirmed {
    /// Gatepost's own: how many SMTP credentials, as far as you know, are scoped to it and may lose it.
    #[serde(default)]
    #[param(minimum = 0, maximum = 1000, default = 0)]
    credentials: i64,
}

/// The most that [`Confirmed`] can say.
const MOST_CREDENTIALS: i64 = 1_000;

/// Lists the domains, newest first.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/domains", operation_id = "getDomains", tag = "Domains",
    params(Paging, Wanted),
    responses((status = 200, body = List<DomainBody>)),
    security(("BearerAuth" = ["domains:read"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<DomainBody>>> {
    caller.may(READ)?;
    let (account, now, turn) = (caller.organization(), caller.now, paging.turn()?);
    let mut connection = app.db.read().await?;
    let page = Domain::page(&mut connection, (account, now), wanted.dns_valid, &turn).await?;
    Ok(Json(List::new(page, paging.is_backward(), |domain| DomainBody::of(&domain, account, now))))
}

/// Adds a domain. It is usable once its record, `dns_records[0]`, is found: Gatepost looks by itself, and at `check-dns`.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/domains", operation_id = "createDomain", tag = "Domains",
    params(Idempotency), request_body = CreateDomain,
    responses((status = 201, body = DomainBody)),
    security(("BearerAuth" = ["domains:write"]))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    input: Input<CreateDomain>,
) -> Result<Response> {
    caller.may(WRITE)?;
    let prepare = async || input.value.check();
    let work = async |tx: &mut Tx, ()| {
        let domain = Domain::add(tx, &caller.actor(), &input.value.domain).await.map_err(called_domain)?;
        Ok(DomainBody::of(&domain, caller.organization(), caller.now))
    };
    Once::new(&app, &caller, key, &input).run(Holds::NoSecret, prepare, work).await
}

/// One domain.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/domains/{domain}", operation_id = "getDomain", tag = "Domains",
    params(Named),
    responses((status = 200, body = DomainBody)),
    security(("BearerAuth" = ["domains:read"]))
)]
async fn get(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<DomainBody>> {
    caller.may(READ)?;
    let domain = find(&mut *app.db.read().await?, &caller, &name(&ids)?).await?;
    Ok(Json(DomainBody::of(&domain, caller.organization(), caller.now)))
}

/// Takes AhaSend's settings of a domain as long as they are empty, and changes nothing: Gatepost can honour none of them.
#[utoipa::path(
    put, path = "/v2/accounts/{account_id}/domains/{domain}", operation_id = "updateDomain", tag = "Domains",
    params(Named), request_body = UpdateDomain,
    responses((status = 200, body = DomainBody)),
    security(("BearerAuth" = ["domains:write"]))
)]
async fn update(
    State(app): State<App>,
    caller: Caller,
    ids: Ids,
    input: Input<UpdateDomain>,
) -> Result<Json<DomainBody>> {
    caller.may(WRITE)?;
    input.value.check()?;
    let domain = find(&mut *app.db.read().await?, &caller, &name(&ids)?).await?;
    Ok(Json(DomainBody::of(&domain, caller.organization(), caller.now)))
}

/// Removes a domain. One that SMTP credentials are scoped to is refused, unless the request says how many may lose it.
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/domains/{domain}", operation_id = "deleteDomain", tag = "Domains",
    params(Named, Confirmed),
    responses(
        (status = 200, body = SuccessResponse),
        (status = 400, description = "A value is wrong; the message names it. Or SMTP credentials are scoped to it, and the request does not say that it knows how many.")
    ),
    security(("BearerAuth" = ["domains:delete:all", "domains:delete:{domain}"]))
)]
async fn delete(
    State(app): State<App>,
    caller: Caller,
    ids: Ids,
    Asked(confirmed): Asked<Confirmed>,
) -> Result<Json<SuccessResponse>> {
    caller.reach(DELETE)?;
    let (name, told) = (name(&ids)?, confirmed.credentials);
    if !(0..=MOST_CREDENTIALS).contains(&told) {
        return Err(Failure::bad("credentials must be between 0 and 1000"));
    }
    caller.covers(DELETE, [&name])?;
    let mut tx = app.db.begin().await?;
    let domain = find(&mut tx, &caller, &name).await?;
    Domain::remove(&mut tx, &caller.actor(), domain.id, told).await.map_err(|error| match error {
        // AhaSend knows no 409 here.
        Error::Conflict(why) => Failure::bad(match domain.credentials {
            many if many > MOST_CREDENTIALS => why,
            many => format!("{why} With credentials={many} this request removes it."),
        }),
        error => error.into(),
    })?;
    tx.commit().await?;
    Ok(Json(SuccessResponse::new("domain deleted")))
}

/// Looks the record up, now. When the DNS does not answer nothing is known, and nothing changes.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/domains/{domain}/check-dns", operation_id = "checkDomainDNS", tag = "Domains",
    params(Named),
    responses((status = 200, body = DomainBody)),
    security(("BearerAuth" = ["domains:write"]))
)]
async fn check_dns(
    State(app): State<App>,
    caller: Result<Caller, Failure>,
    ids: Ids,
) -> Result<Json<DomainBody>> {
    let caller = caller.map_err(known_to_aha_send)?;
    caller.may(WRITE)?;
    let domain = find(&mut *app.db.read().await?, &caller, &name(&ids)?).await?;
    let (domain, finding) = verification::look_up(&app, &caller.actor(), domain.id).await?;
    match finding {
        Finding::Present | Finding::Absent(_) => {
            Ok(Json(DomainBody::of(&domain, caller.organization(), caller.now)))
        }
        Finding::Unanswered(why) => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, why)),
    }
}

/// Of this one operation AhaSend knows no 400: an account that can't be one is not found.
fn known_to_aha_send(failure: Failure) -> Failure {
    match failure.status {
        StatusCode::BAD_REQUEST => Failure { status: StatusCode::NOT_FOUND, ..failure },
        _ => failure,
    }
}

/// `{domain}` of the path as domains are kept. What is no domain's name is no domain of the account.
fn name(ids: &Ids) -> Result<String> {
    let typed: String = ids.get("domain")?;
    Ok(normalize(&typed).map_err(|_| Error::NotFound("domain"))?)
}

async fn find(connection: &mut AnyConnection, caller: &Caller, name: &str) -> Result<Domain> {
    Ok(Domain::by_name(connection, caller.organization(), name).await?)
}

/// What the model calls `name` is `domain` here.
fn called_domain(error: Error) -> Error {
    match error {
        Error::Invalid(mut problems) => {
            problems.0.iter_mut().filter(|one| one.field == "name").for_each(|one| one.field = "domain");
            Error::Invalid(problems)
        }
        error => error,
    }
}
