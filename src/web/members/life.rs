//! Role, removal.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::list::changed;
use crate::id::MemberId;
use crate::model::member::Role;
use crate::model::{Member, Session};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "members/remove.html", blocks = ["dialog"])]
struct RemovePage {
    frame: Frame,
    in_dialog: bool,
    member: Member,
    /// How many sessions of theirs are open.
    open: i64,
    /// The one used last.
    newest: Option<Session>,
}

#[derive(Deserialize)]
pub struct NewRole {
    role: Role,
}

/// `POST /settings/members/{id}/role`
pub async fn set_role(who: SignedIn, Path(id): Path<MemberId>, Form(new): Form<NewRole>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let member = Member::set_role(&mut tx, &who.actor(), id, new.role).await?;
    tx.commit().await?;
    let text = format!("{} is {} now.", member.email, member.role.with_article());
    changed(&who, id.to_string(), &text).await
}

/// `GET /settings/members/{id}/remove`
pub async fn ask_remove(who: SignedIn, Path(id): Path<MemberId>) -> Answer {
    let mut connection = who.app.db.read().await?;
    let member = Member::find(&mut connection, who.organization(), id).await?;
    let sessions = Session::of_member(&mut connection, id, who.now).await?;
    drop(connection);
    let (frame, in_dialog) = (who.frame(Here::Members).await?, who.htmx.partial);
    let open = i64::try_from(sessions.len()).unwrap_or(i64::MAX);
    let page = RemovePage { frame, in_dialog, member, open, newest: sessions.into_iter().next() };
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/members/{id}/remove`
pub async fn remove(who: SignedIn, Path(id): Path<MemberId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let member = Member::remove(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    changed(&who, String::new(), &format!("{} is removed. All their sessions have ended.", member.email))
        .await
}
