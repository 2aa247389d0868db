//! The message log: what credentials sent, to whom, and what became of it. Gatepost's own.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sqlx::AnyConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::{Caller, Ids};
use super::failure::{Failure, Result};
use super::input::{Asked, Paging};
use super::list::List;
use super::optional_time;
use crate::app::App;
use crate::clock::Timestamp;
use crate::http::pieces;
use crate::id::{CredentialId, MessageId};
use crate::model::Message;
use crate::model::api_key::scope::Reach;
use crate::model::credential::Mode;
use crate::model::message::{Filter, Listing};
use body::{MessageBody, MessageDetails, MessageOutcome};

const READ: &str = "messages:read";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(source))
}

/// Which messages to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whether they went no further than the log.
    #[param(nullable = false)]
    sandbox: Option<bool>,
    /// What became of them; with `bounced`, `deferred` and `suppressed` also those of whose recipients this became of one.
    #[param(inline, nullable = false)]
    outcome: Option<MessageOutcome>,
    /// Who sent them.
    #[param(value_type = Option<uuid::Uuid>, nullable = false)]
    credential_id: Option<CredentialId>,
    /// Part of the sender, the From header, a recipient, the subject or the Message-ID, in any case.
    #[param(nullable = false)]
    q: Option<String>,
    /// Not before.
    #[serde(default, deserialize_with = "optional_time::deserialize")]
    #[param(value_type = Option<String>, format = DateTime, nullable = false)]
    since: Option<Timestamp>,
    /// Before.
    #[serde(default, deserialize_with = "optional_time::deserialize")]
    #[param(value_type = Option<String>, format = DateTime, nullable = false)]
    until: Option<Timestamp>,
}

impl Wanted {
    fn filter(self, reach: Reach) -> Filter {
        Filter {
            search: self.q.unwrap_or_default(),
            credential: self.credential_id,
            mode: self.sandbox.map(Mode::of_sandbox),
            outcome: self.outcome.map(|MessageOutcome(outcome)| outcome),
            within: reach.within(),
            from: self.since,
            until: self.until,
        }
    }
}

/// Lists the messages, newest first. A search, more than one filter, and a key for several domains look through 20,000 messages at
/// a time: such a page may hold fewer than `limit`, or none, and `has_more` says that there is more to look through.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/messages", operation_id = "getMessages", tag = "Messages",
    params(Paging, Wanted),
    responses((status = 200, body = List<MessageBody>)),
    security(("BearerAuth" = ["messages:read:all", "messages:read:{domain}"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<MessageBody>>> {
    let filter = wanted.filter(caller.reach(READ)?);
    let (account, listing) = (caller.organization(), Listing { filter, turn: paging.turn()? });
    let found = Message::list(&mut *app.db.read().await?, account, &listing).await?;
    Ok(Json(List::new(found.page, paging.is_backward(), |message| MessageBody::of(message, account))))
}

/// One message, with its recipients.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/messages/{message_id}", operation_id = "getMessage", tag = "Messages",
    responses((status = 200, body = MessageDetails)),
    security(("BearerAuth" = ["messages:read:all", "messages:read:{domain}"]))
)]
async fn get(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Json<MessageDetails>> {
    let (id, account) = (ids.get("message_id")?, caller.organization());
    let mut connection = app.db.read().await?;
    let message = readable(&mut connection, &caller, id).await?;
    let recipients = Message::recipients(&mut connection, account, id, message.recipients).await?;
    Ok(Json(MessageDetails::of(message, recipients, account)))
}

/// What a message holds, as it was taken: kept of sandbox messages, and for a while.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/messages/{message_id}/source", operation_id = "getMessageSource", tag = "Messages",
    responses((status = 200, body = String, content_type = "message/rfc822", description = "The whole message.")),
    security(("BearerAuth" = ["messages:read:all", "messages:read:{domain}"]))
)]
async fn source(State(app): State<App>, caller: Caller, ids: Ids) -> Result<Response> {
    let id = ids.get("message_id")?;
    readable(&mut *app.db.read().await?, &caller, id).await?;
    let body = pieces::source(&app, caller.organization(), id).await?;
    let not_kept = || Failure::new(StatusCode::NOT_FOUND, "what this message holds is not kept");
    let body = body.ok_or_else(not_kept)?;
    Ok(([(header::CONTENT_TYPE, "message/rfc822")], body).into_response())
}

/// A message that the caller may read.
async fn readable(connection: &mut AnyConnection, caller: &Caller, id: MessageId) -> Result<Message> {
    caller.reach(READ)?;
    let message = Message::find(connection, caller.organization(), id).await?;
    caller.covers(READ, [&message.sender_domain])?;
    Ok(message)
}
