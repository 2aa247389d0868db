//! Log in, log out.

use askama::Template;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;
use tower_sessions::Session;

use super::answer::{Answer, Failure};
use super::page::html;
use super::session_store::Who;
use super::signed_in::SignedIn;
use crate::app::App;
use crate::clock::Timestamp;
use crate::gate::LogInRefusal;
use crate::http::address::ClientAddress;
use crate::model::Member;
use crate::secret::Password;

/// Kept of a User-Agent, in bytes.
const MAX_AGENT: usize = 300;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    host: &'a str,
    /// Whether there is no member yet.
    nobody: bool,
    /// Whether browsers keep no session here: neither TLS nor this machine itself.
    in_clear: bool,
    refusal: Option<&'static str>,
    email: &'a str,
    next: &'a str,
}

#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub struct LogIn {
    #[serde(default)]
    email: String,
    #[serde(default = "no_password")]
    password: Password,
    #[serde(default)]
    next: String,
}

/// A browser that logs in.
pub struct Browser {
    pub address: ClientAddress,
    pub agent: String,
    pub session: Session,
}

/// `GET /login`
pub async fn form(State(app): State<App>, Query(Next { next }): Query<Next>) -> Answer {
    let nobody = !Member::exists(&mut *app.db.read().await?).await?;
    let in_clear = is_in_clear(&app);
    html(&LoginPage { host: &app.config.smtp_host, nobody, in_clear, refusal: None, email: "", next: &next })
}

/// `POST /login`
pub async fn create(State(app): State<App>, browser: Browser, Form(login): Form<LogIn>) -> Answer {
    match app.gate.log_in(&login.email, &login.password, browser.address.0).await {
        Ok(member) => {
            browser.log_in(&app, &member).await?;
            Ok(Redirect::to(local(&login.next)).into_response())
        }
        Err(refusal) => {
            let (status, words) = words(&refusal);
            let LogIn { email, next, .. } = &login;
            let (host, in_clear) = (&app.config.smtp_host, is_in_clear(&app));
            let page = LoginPage { host, nobody: false, in_clear, refusal: Some(words), email, next };
            Ok((status, html(&page)?).into_response())
        }
    }
}

/// `POST /logout`
pub async fn delete(who: SignedIn) -> Result<Redirect, Failure> {
    let mut tx = who.app.db.begin().await?;
    who.member.note_log_out(&mut tx, &who.actor()).await?;
    tx.commit().await?;
    who.end().await?;
    Ok(Redirect::to("/login"))
}

impl Browser {
    /// Begins the member's session and notes it.
    pub async fn log_in(self, app: &App, member: &Member) -> crate::error::Result<()> {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        member.note_log_in(&mut tx, &member.actor(Some(self.address.0), now)).await?;
        tx.commit().await?;
        SignedIn::begin(&self.session, self.who(member, now)).await
    }

    fn who(&self, member: &Member, now: Timestamp) -> Who {
        let (address, agent) = (self.address.0.to_string(), self.agent.clone());
        let password_set_at = member.password_set_at.as_micros();
        Who { member: member.id, password_set_at, address, agent, seen: now.as_micros() }
    }
}

impl FromRequestParts<App> for Browser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Ok(address) = ClientAddress::from_request_parts(parts, app).await;
        Ok(Self { address, agent: agent(&parts.headers), session })
    }
}

fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    agent.get(..MAX_AGENT).unwrap_or(agent).to_owned()
}

/// What a refused log-in says, to members and to others.
pub fn words(refusal: &LogInRefusal) -> (StatusCode, &'static str) {
    match refusal {
        LogInRefusal::Denied => {
            (StatusCode::UNPROCESSABLE_ENTITY, "This e-mail address and password don’t go together.")
        }
        LogInRefusal::Throttled => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts that failed. Wait a minute, then try again.")
        }
        LogInRefusal::Trouble(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Gatepost can’t check passwords right now. Try again in a moment.",
        ),
    }
}

fn is_in_clear(app: &App) -> bool {
    !app.public_url.is_https() && !app.public_url.is_plain_localhost()
}

/// Where to go after log-in: an address of this dashboard, nowhere else.
fn local(next: &str) -> &str {
    let misread = |c: char| c == '\\' || c.is_control();
    let is_local = next.starts_with('/') && !next.starts_with("//") && !next.contains(misread);
    if is_local { next } else { "/" }
}

fn no_password() -> Password {
    Password::new("")
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn log_in_leads_to_no_other_site() {
        assert_eq!(local("/activity?kind=denied"), "/activity?kind=denied");
        for elsewhere in ["", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }
}
