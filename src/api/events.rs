//! The audit log: who did what, when, from where. Gatepost's own.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::Caller;
use super::failure::Result;
use super::input::{Asked, Paging};
use super::list::List;
use super::words::words_of;
use super::{some, time};
use crate::app::App;
use crate::id::OrganizationId;
use crate::model::Event;
use crate::model::actor::ActorKind;
use crate::model::event::{Action, Filter};

const READ: &str = "events:read";

words_of! {
    /// What was done.
    EventAction(Action),
    /// Who did it: a member in the dashboard, a program through the API, whoever runs `gatepost` on the machine, or Gatepost by
    /// itself.
    EventActor(ActorKind),
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// What was done.
    #[param(inline, nullable = false)]
    action: Option<EventAction>,
    /// To what: the id of a credential, a domain, ….
    #[param(nullable = false)]
    subject_id: Option<Uuid>,
}

/// One line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    object: EventObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    account_id: Uuid,
    action: EventAction,
    actor_type: EventActor,
    /// The member's or the API key's.
    #[schema(required, format = Uuid)]
    actor_id: Option<String>,
    /// What people call them: an e-mail address, `API key Deployment`, `command line`.
    actor_name: String,
    /// From where; null where the actor came from no network.
    #[schema(required)]
    address: Option<String>,
    /// The id of what it was done to; there may be no such thing any more.
    #[schema(format = Uuid)]
    subject_id: String,
    /// Its name at the time.
    subject_name: String,
    /// A sentence.
    #[schema(required)]
    detail: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventObject {
    Event,
}

impl EventBody {
    fn of(event: Event, account: OrganizationId) -> Self {
        Self {
            object: EventObject::Event,
            id: event.id.uuid(),
            created_at: time(event.at),
            account_id: account.uuid(),
            action: EventAction(event.action),
            actor_type: EventActor(event.actor_kind),
            actor_id: some(event.actor),
            actor_name: event.actor_label,
            address: some(event.address),
            subject_id: event.subject,
            subject_name: event.subject_label,
            detail: some(event.detail),
        }
    }
}

/// Lists the audit log, newest first.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/events", operation_id = "getEvents", tag = "Events",
    params(Paging, Wanted),
    responses((status = 200, body = List<EventBody>)),
    security(("BearerAuth" = ["events:read"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<EventBody>>> {
    caller.may(READ)?;
    let (account, turn) = (caller.organization(), paging.turn()?);
    let subject = wanted.subject_id.map(|id| id.to_string());
    let filter = Filter { action: wanted.action.map(|EventAction(action)| action), subject };
    let page = Event::list(&mut *app.db.read().await?, account, &filter, &turn).await?;
    Ok(Json(List::new(page, paging.is_backward(), |event| EventBody::of(event, account))))
}
