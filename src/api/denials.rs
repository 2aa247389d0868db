//! Denied log-ins, with the true reason that the client never hears. Gatepost's own.

#![expect(unused_qualifications, reason = "what utoipa makes of parameters")]

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::Caller;
use super::failure::{Failure, Result};
use super::input::{Asked, Paging};
use super::list::List;
use super::words::words_of;
use super::{some, time};
use crate::app::App;
use crate::id::{CredentialId, OrganizationId};
use crate::model::Denial;
use crate::model::denial::{DenialFilter, Door, Reason};

/// As the audit log: the dashboard shows both on one page.
const READ: &str = "events:read";

words_of! {
    /// Why the gate refused.
    DenialReason(Reason),
    /// Where the log-in came in.
    DenialDoor(Door),
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which denials to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// The five characters that the reply carried.
    #[param(nullable = false, pattern = "^[0-9A-Za-z]{5}$")]
    reference: Option<String>,
    /// Of one credential.
    #[param(value_type = Option<Uuid>, nullable = false)]
    credential_id: Option<CredentialId>,
}

impl Wanted {
    fn filter(self) -> Result<DenialFilter> {
        let is_reference = |text: &String| text.len() == 5 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !self.reference.as_ref().is_none_or(is_reference) {
            return Err(Failure::bad("reference: five letters or digits, as the reply carried them"));
        }
        Ok(DenialFilter { reference: self.reference, credential: self.credential_id })
    }
}

/// One denied log-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Denial)]
pub struct DenialBody {
    object: DenialObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    account_id: Uuid,
    /// What the reply carried.
    reference: String,
    reason: DenialReason,
    /// As it was sent, with secrets masked; at the dashboard a member's e-mail address, or null.
    #[schema(required)]
    username: Option<String>,
    /// The credential of that username, if there was one.
    #[schema(required, format = Uuid)]
    credential_id: Option<String>,
    door: DenialDoor,
    /// The client's IP address.
    address: String,
    /// The client's EHLO name.
    #[schema(required)]
    hello: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DenialObject {
    Denial,
}

impl DenialBody {
    fn of(denial: Denial, account: OrganizationId) -> Self {
        Self {
            object: DenialObject::Denial,
            id: denial.id.uuid(),
            created_at: time(denial.at),
            account_id: account.uuid(),
            reference: denial.reference,
            reason: DenialReason(denial.reason),
            username: some(denial.username),
            credential_id: denial.credential.map(|id| id.to_string()),
            door: DenialDoor(denial.door),
            address: denial.address,
            hello: some(denial.hello),
        }
    }
}

/// Lists denied log-ins, newest first.
#[utoipa::path(
    get, path = "/v2/accounts/{account_id}/denials", operation_id = "getDenials", tag = "Events",
    params(Paging, Wanted),
    responses((status = 200, body = List<DenialBody>)),
    security(("BearerAuth" = ["events:read"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    (Asked(paging), Asked(wanted)): (Asked<Paging>, Asked<Wanted>),
) -> Result<Json<List<DenialBody>>> {
    caller.may(READ)?;
    let (account, turn, filter) = (caller.organization(), paging.turn()?, wanted.filter()?);
    let page = Denial::page(&mut *app.db.read().await?, account, &filter, &turn).await?;
    Ok(Json(List::new(page, paging.is_backward(), |denial| DenialBody::of(denial, account))))
}
