//! Webhooks, as AhaSend's API v2 has them, with the events of SMTP credentials on top.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

mod body;
mod change;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::SuccessResponse;
use super::caller::{Caller, Ids};
use super::failure::Result;
use super::input::{Asked, Input, Paging};
use super::list::List;
use super::once::{Holds, Idempotency, Once};
use crate::app::App;
use crate::db::Tx;
use crate::id::WebhookId;
use crate::model::Webhook;
use crate::model::webhook::{AllowedNetworks, Draft, EventType, IssuedWebhook};
use body::{CreatedWebhook, WebhookBody};
use change::{CreateWebhook, UpdateWebhook};

const READ: &str = "webhooks:read";
const WRITE: &str = "webhooks:write";
const DELETE: &str = "webhooks:delete";
const ID: &str = "webhook_id";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete))
}

/// Which webhooks to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    #[param(nullable = false)]
    enabled: Option<bool>,
    #[param(nullable = false)]
    on_reception: Option<bool>,
    #[param(nullable = false)]
    on_delivered: Option<bool>,
    #[param(nullable = false)]
    on_transient_error: Option<bool>,
    #[param(nullable = false)]
    on_failed: Option<bool>,
    #[param(nullable = false)]
    on_bounced: Option<bool>,
    #[param(nullable = false)]
    on_suppressed: Option<bool>,
    /// None is told of it.
    #[param(nullable = false)]
    on_opened: Option<bool>,
    /// None is told of it.
    #[param(nullable = false)]
    on_clicked: Option<bool>,
    /// None is told of it.
    #[param(nullable = false)]
    on_suppression_created: Option<bool>,
    /// None is told of it.
    #[param(nullable = false)]
    on_dns_error: Option<bool>,
}

impl Wanted {
    fn lets_through(&self, webhook: &Webhook) -> bool {
        let hears = |event| webhook.events.contains(&event);
        let facts = [
            (self.enabled, webhook.enabled),
            (self.on_reception, hears(EventType::MessageReception)),
            (self.on_delivered, hears(EventType::MessageDelivered)),
            (self.on_transient_error, hears(EventType::MessageTransientError)),
            (self.on_failed, hears(EventType::MessageFailed)),
            (self.on_bounced, hears(EventType::MessageBounced)),
            (self.on_suppressed, hears(EventType::MessageSuppressed)),
            (self.on_opened, false),
            (self.on_clicked, false),
            (self.on_suppression_created, false),
            (self.on_dns_error, false),
        ];
        facts.iter().all(|(wanted, fact)| wanted.is_none_or(|wanted| wanted == *fact))
    }
}

/// Lists the webhooks, newest first. A key for some domains sees those that are scoped to these domains alone.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/webhooks", operation_id = "getWebhooks", tag = "Webhooks",
    params(Paging, Wanted),
    responses((status = 200, body = List<WebhookBody>)),
    security(("BearerAuth" = ["webhooks:read:all", "webhooks:read:{domain}"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<WebhookBody>>> {
    let (reach, turn) = (caller.reach(READ)?, paging.turn()?);
    let mut webhooks = Webhook::all(&mut *app.db.read().await?, caller.organization()).await?;
    webhooks.retain(|webhook| reach.covers(&webhook.domains) && wanted.lets_through(webhook));
    let page = turn.pick(webhooks, |webhook| (webhook.created_at.as_micros(), webhook.id.to_string()))?;
    Ok(Json(List::new(page, paging.is_backward(), |webhook| WebhookBody::of(&webhook))))
}

/// Creates a webhook. The secret that signs its requests is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v2/accounts/{account_id}/webhooks", operation_id = "createWebhook", tag = "Webhooks",
    params(Idempotency), request_body = CreateWebhook,
    responses((status = 201, body = CreatedWebhook)),
    security(("BearerAuth" = ["webhooks:write:all", "webhooks:write:{domain}"]))
)]
async fn create(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    input: Input<CreateWebhook>,
) -> Result<Response> {
    caller.reach(WRITE)?;
    let prepare = async || {
        let (draft, enabled) = input.value.draft()?;
        caller.covers(WRITE, &draft.domains)?;
        Ok((draft, enabled))
    };
    let work = async |tx: &mut Tx, (draft, enabled): (Draft, bool)| {
        let actor = caller.actor();
        let issued = Webhook::create(tx, &actor, draft, &reachable(&app)).await?;
        if !enabled {
            Webhook::disable(tx, &actor, issued.webhook.id).await?;
        }
        let webhook = Webhook::find(tx, actor.organization, issued.webhook.id).await?;
        Ok(CreatedWebhook::of(&IssuedWebhook { webhook, ..issued }))
    };
    Once::new(&app, &caller, key, &input).run(Holds::Secret, prepare, work).await
}

/// One webhook.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/webhooks/{webhook_id}", operation_id = "getWebhook", tag = "Webhooks",
    responses((status = 200, body = WebhookBody)),
    security(("BearerAuth" = ["webhooks:read:all", "webhooks:read:{domain}"]))
)]
async fn get(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<WebhookBody>> {
    let id: WebhookId = ids.get(ID)?;
    caller.reach(READ)?;
    let webhook = Webhook::find(&mut *app.db.read().await?, caller.organization(), id).await?;
    caller.covers(READ, &webhook.domains)?;
    Ok(Json(WebhookBody::of(&webhook)))
}

/// Changes a webhook; what is left out stays as it is. Enabled again it begins with a clean record, and what waits is delivered.
#[utoipa::path(
    put, path = "/v2/accounts/{account_id}/webhooks/{webhook_id}", operation_id = "updateWebhook", tag = "Webhooks",
    request_body = UpdateWebhook,
    responses((status = 200, body = WebhookBody)),
    security(("BearerAuth" = ["webhooks:write:all", "webhooks:write:{domain}"]))
)]
async fn update(
    State(app): State<App>,
    caller: Caller,
    ids: Ids,
    input: Input<UpdateWebhook>,
) -> Result<Json<WebhookBody>> {
    let id: WebhookId = ids.get(ID)?;
    caller.reach(WRITE)?;
    let (mut tx, actor) = (app.db.begin().await?, caller.actor());
    let before = Webhook::find_to_change(&mut tx, caller.organization(), id).await?;
    caller.covers(WRITE, &before.domains)?;
    let draft = input.value.draft(&before)?;
    caller.covers(WRITE, &draft.domains)?;
    Webhook::update(&mut tx, &actor, id, draft, &reachable(&app)).await?;
    match input.value.enabled {
        Some(true) => Webhook::enable(&mut tx, &actor, id).await?,
        Some(false) => Webhook::disable(&mut tx, &actor, id).await?,
        None => {}
    }
    let after = Webhook::find(&mut tx, caller.organization(), id).await?;
    tx.commit().await?;
    Ok(Json(WebhookBody::of(&after)))
}

/// Deletes a webhook for good. What waited for delivery goes nowhere.
#[utoipa::path(
    delete, path = "/v2/accounts/{account_id}/webhooks/{webhook_id}", operation_id = "deleteWebhook", tag = "Webhooks",
    responses((status = 200, body = SuccessResponse)),
    security(("BearerAuth" = ["webhooks:delete:all", "webhooks:delete:{domain}"]))
)]
async fn delete(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<SuccessResponse>> {
    let id: WebhookId = ids.get(ID)?;
    caller.reach(DELETE)?;
    let mut tx = app.db.begin().await?;
    let webhook = Webhook::find_to_change(&mut tx, caller.organization(), id).await?;
    caller.covers(DELETE, &webhook.domains)?;
    Webhook::delete(&mut tx, &caller.actor(), id).await?;
    tx.commit().await?;
    Ok(Json(SuccessResponse::new("webhook deleted")))
}

/// Where webhooks may go.
fn reachable(app: &App) -> AllowedNetworks {
    AllowedNetworks::new(&app.config.webhook_allowed_networks)
}
