//! Settings > Security: one's own sessions, one's own password.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::answer::Answer;
use super::logins::words;
use super::page::{Frame, Here, html, refused};
use super::shown;
use super::signed_in::SignedIn;
use crate::error::{Error, Problems, Result};
use crate::gate::LogInRefusal;
use crate::id::SessionId;
use crate::model::Session;
use crate::model::member::{Role, check_new_password};
use crate::secret::Password;

pub const HOME: &str = "/settings/security";

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: Frame,
    role: Role,
    sessions: Vec<Session>,
    /// The session that asks.
    this: Option<SessionId>,
    problems: Problems,
}

#[derive(Deserialize)]
pub struct PasswordChange {
    current: Password,
    new: Password,
}

/// `GET /settings/security`
pub async fn show(who: SignedIn) -> Answer {
    html(&page(&who, Problems::default()).await?)
}

/// `POST /settings/security/password`
pub async fn change_password(who: SignedIn, Form(change): Form<PasswordChange>) -> Answer {
    match change.apply(&who).await {
        Ok(()) => who.told_at("The password is changed. All your other sessions have ended.", HOME).await,
        Err(error) => refused(&page(&who, error.problems()?).await?),
    }
}

/// `POST /settings/security/sessions/{id}/end`
pub async fn end_session(who: SignedIn, Path(id): Path<SessionId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    Session::end(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    who.told_at("The session has ended.", HOME).await
}

/// `POST /settings/security/sessions/end-others`
pub async fn end_other_sessions(who: SignedIn) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let ended = Session::end_all_but(&mut tx, &who.actor(), who.member.subject(), &who.session_key()).await?;
    tx.commit().await?;
    let ended = shown::count(&i64::try_from(ended).unwrap_or(i64::MAX), "session");
    who.told_at(&format!("{ended} ended."), HOME).await
}

impl SecurityPage {
    fn is_this(&self, id: &SessionId) -> bool {
        self.this.as_ref() == Some(id)
    }
}

impl PasswordChange {
    async fn apply(self, who: &SignedIn) -> Result<()> {
        let mut problems = Problems::default();
        check_new_password(&mut problems, "new", &self.new, &who.member.email);
        if self.new.expose() == self.current.expose() {
            problems.add("new", "That is the password that you have.");
        }
        problems.into_result()?;
        match who.app.gate.confirm(&who.member, &self.current, who.address.0).await {
            Ok(()) => {}
            Err(LogInRefusal::Denied) => {
                return Err(Error::invalid("current", "This is not your current password."));
            }
            Err(refusal) => return Err(Error::invalid("current", words(&refusal).1)),
        }
        let hash = who.app.hashing().hash(self.new).await?;
        let mut tx = who.app.db.begin().await?;
        let mut member = who.member.clone();
        member.set_password(&mut tx, &who.actor(), &hash, &who.session_key()).await?;
        tx.commit().await?;
        // A copy of the old cookie ends too.
        who.renew(&member).await
    }
}

async fn page(who: &SignedIn, problems: Problems) -> Result<SecurityPage> {
    let mut connection = who.app.db.read().await?;
    let sessions = Session::of_member(&mut connection, who.member.id, who.now).await?;
    let this = Session::id_of(&mut connection, &who.session_key()).await?;
    drop(connection);
    Ok(SecurityPage {
        frame: who.frame(Here::Security).await?,
        role: who.member.role,
        sessions,
        this,
        problems,
    })
}
