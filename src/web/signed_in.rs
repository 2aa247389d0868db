//! Who asks: the member of the session, or a way to the log-in page.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use tower_sessions::Session;

use super::answer::Failure;
use super::htmx::{self, Htmx};
use super::page::{Frame, Here};
use super::session_store::{WHO, Who, key_hash};
use super::urlencoded;
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::http::address::ClientAddress;
use crate::id::OrganizationId;
use crate::model::{Actor, Member, Organization};

/// A session is written at most this often for having been used; more often where it ends sooner. What a page asks by itself is
/// no use: one that was left open ends too.
const TOUCH: Duration = Duration::from_secs(3_600);
/// What the next full page says at its top.
const NOTICE: &str = "notice";

/// A request of a member who is logged in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub app: App,
    /// Whether a page is asked for, or a piece of one.
    pub htmx: Htmx,
    pub member: Member,
    pub organization: Organization,
    pub address: ClientAddress,
    /// When the request came in: everything in it happens at this time.
    pub now: Timestamp,
    session: Session,
}

/// Nobody is logged in.
pub struct NotSignedIn {
    next: String,
    partial: bool,
}

impl SignedIn {
    pub fn actor(&self) -> Actor {
        self.member.actor(Some(self.address.0), self.now)
    }

    pub fn organization(&self) -> OrganizationId {
        self.organization.id
    }

    /// What the session is kept under.
    pub fn session_key(&self) -> String {
        self.session.id().as_ref().map(key_hash).unwrap_or_default()
    }

    /// What stands around the page; tells once what [`SignedIn::notice`] left.
    pub async fn frame(&self, here: Here) -> Result<Frame> {
        // Removing what is not there would write the session all the same.
        let notice: Option<String> = self.session.get(NOTICE).await.map_err(session_failed)?;
        if notice.is_some() {
            self.session.remove_value(NOTICE).await.map_err(session_failed)?;
        }
        let (organization, email) = (self.organization.name.clone(), self.member.email.clone());
        Ok(Frame { here, organization, email, notice, now: self.now })
    }

    /// Leaves a sentence for the next full page.
    pub async fn notice(&self, text: &str) -> Result<()> {
        self.session.insert(NOTICE, text).await.map_err(session_failed)
    }

    /// Begins a session for a member who has just proved who they are, under a new key.
    pub async fn begin(session: &Session, who: Who) -> Result<()> {
        session.cycle_id().await.map_err(session_failed)?;
        session.insert(WHO, who).await.map_err(session_failed)
    }

    /// The same session under a new key, for a member with a new password.
    pub async fn renew(&self, member: &Member) -> Result<()> {
        if let Some(who) = self.session.get::<Who>(WHO).await.map_err(session_failed)? {
            let who = Who { password_set_at: member.password_set_at.as_micros(), ..who };
            self.session.insert(WHO, who).await.map_err(session_failed)?;
        }
        self.session.cycle_id().await.map_err(session_failed)
    }

    /// Ends the session.
    pub async fn end(self) -> Result<()> {
        self.session.flush().await.map_err(session_failed)
    }

    async fn find(parts: &mut Parts, app: &App) -> Result<Option<Self>, Failure> {
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Ok(None) };
        let Some(mut who) = session.get::<Who>(WHO).await.map_err(session_failed)? else { return Ok(None) };
        let mut connection = app.db.read().await?;
        let member = Member::by_id(&mut connection, who.member).await?;
        let begun = |member: &Member| member.password_set_at.as_micros() == who.password_set_at;
        let Some(member) = member.filter(begun) else { return Ok(None) };
        let organization = Organization::find(&mut connection, member.organization).await?;
        drop(connection);
        let Ok(address) = ClientAddress::from_request_parts(parts, app).await;
        let (htmx, now) = (Htmx::of(&parts.headers), app.clock.now());
        let is_due = now.since(Timestamp::from_micros(who.seen)) >= TOUCH.min(app.config.session_timeout / 8);
        if is_due && !htmx.by_itself {
            who.seen = now.as_micros();
            who.address = address.0.to_string();
            session.insert(WHO, who).await.map_err(session_failed)?;
        }
        Ok(Some(Self { app: app.clone(), htmx, member, organization, address, now, session }))
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match Self::find(parts, app).await {
            Ok(Some(who)) => Ok(who),
            Ok(None) => Err(NotSignedIn::of(parts).into_response()),
            Err(failure) => Err(failure.into_response()),
        }
    }
}

impl NotSignedIn {
    fn of(parts: &Parts) -> Self {
        let htmx = Htmx::of(&parts.headers);
        let page =
            if parts.method.is_safe() && !htmx.partial { Some(&parts.uri) } else { htmx.current.as_ref() };
        let next = page.and_then(Uri::path_and_query).map(ToString::to_string).unwrap_or_default();
        Self { next, partial: htmx.partial }
    }
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        let login = match self.next.as_str() {
            "" | "/" => "/login".to_owned(),
            next => format!("/login?{}", urlencoded::query(&[("next", next)])),
        };
        match self.partial {
            true => (StatusCode::UNAUTHORIZED, [(htmx::REDIRECT, login)]).into_response(),
            false => Redirect::to(&login).into_response(),
        }
    }
}

/// The session store's errors tell no more than their text.
pub fn session_failed(cause: tower_sessions::session::Error) -> Error {
    Error::unavailable(format!("sessions: {cause}"))
}
