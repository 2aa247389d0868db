//! API keys, as AhaSend's API v2 has them. What a key does to keys is bounded by what it may do itself: see [`ApiKey`].

mod body;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
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
use crate::id::ApiKeyId;
use crate::model::ApiKey;
use body::{CreateKey, CreatedKey, Key, UpdateKey};

const READ: &str = "api-keys:read";
const WRITE: &str = "api-keys:write";
const DELETE: &str = "api-keys:delete";
const ID: &str = "key_id";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete))
}

/// Lists the API keys, newest first.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/api-keys", operation_id = "getAPIKeys", tag = "API keys",
    params(Paging),
    responses((status = 200, body = List<Key>)),
    security(("BearerAuth" = ["api-keys:read"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Json<List<Key>>> {
    caller.may(READ)?;
    let page = ApiKey::page(&mut *app.db.read().await?, caller.organization(), &paging.turn()?).await?;
    Ok(Json(List::new(page, paging.is_backward(), |key| Key::of(&key))))
}

/// Creates an API key. The key itself is in this answer and nowhere else.
///
/// A key gives only scopes that it has itself. One that works from anywhere makes keys for any addresses, also for such as it is
/// not at; one that is bound to some makes keys for none beyond them.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/api-keys", operation_id = "createAPIKey", tag = "API keys",
    params(Idempotency),
    request_body = CreateKey,
    responses((status = 201, body = CreatedKey)),
    security(("BearerAuth" = ["api-keys:write"]))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    input: Input<CreateKey>,
) -> Result<Response> {
    caller.may(WRITE)?;
    let prepare = async || Ok(input.value.draft());
    let work = async |tx: &mut Tx, draft| {
        let issued = ApiKey::create(tx, &caller.actor(), &draft).await?;
        Ok(CreatedKey::of(&issued))
    };
    Once::new(&app, &caller, key, &input).run(Holds::Secret, prepare, work).await
}

/// One API key.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/api-keys/{key_id}", operation_id = "getAPIKey", tag = "API keys",
    responses((status = 200, body = Key)),
    security(("BearerAuth" = ["api-keys:read"]))
)]
async fn get(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<Key>> {
    let id: ApiKeyId = ids.get(ID)?;
    caller.may(READ)?;
    let key = ApiKey::find(&mut *app.db.read().await?, caller.organization(), id).await?;
    Ok(Json(Key::of(&key)))
}

/// Changes an API key; what is left out, or null, stays as it is. At least one field must differ from what is there.
///
/// A key changes only keys whose scopes it has itself, adds only such scopes, and where it is bound to addresses sets none beyond
/// them. Of its own list alone it is held to keep the address that it works from, so that it does not lock itself out.
#[utoipa::path(
    put, path = "/v2/accounts/{account_id}/api-keys/{key_id}", operation_id = "updateAPIKey", tag = "API keys",
    request_body = UpdateKey,
    responses((status = 200, body = Key)),
    security(("BearerAuth" = ["api-keys:write"]))
)]
async fn update(
    State(app): State<App>,
    caller: Caller,
    ids: Ids,
    input: Input<UpdateKey>,
) -> Result<Json<Key>> {
    let id: ApiKeyId = ids.get(ID)?;
    caller.may(WRITE)?;
    let mut tx = app.db.begin().await?;
    let before = ApiKey::find_to_change(&mut tx, caller.organization(), id).await?;
    let changed = ApiKey::update(&mut tx, &caller.actor(), id, &input.value.draft(&before)).await?;
    let after = changed.ok_or_else(|| {
        Failure::bad("nothing would change: give label, scopes or ip_allow_list another value")
    })?;
    tx.commit().await?;
    Ok(Json(Key::of(&after)))
}

/// Deletes an API key. It is refused from the next request on, also where it deletes itself.
///
/// A key deletes only keys whose scopes it has itself.
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/api-keys/{key_id}", operation_id = "deleteAPIKey", tag = "API keys",
    responses((status = 200, body = SuccessResponse)),
    security(("BearerAuth" = ["api-keys:delete"]))
)]
async fn delete(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SuccessResponse>> {
    let id: ApiKeyId = ids.get(ID)?;
    caller.may(DELETE)?;
    let mut tx = app.db.begin().await?;
    ApiKey::delete(&mut tx, &caller.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(SuccessResponse::new("API key deleted")))
}
