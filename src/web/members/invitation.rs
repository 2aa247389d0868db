//! Invite, and take an invitation back.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::list::{changed, pieces};
use crate::error::{Problems, Result};
use crate::id::InvitationId;
use crate::model::Invitation;
use crate::model::invitation::IssuedInvitation;
use crate::model::member::Role;
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "members/invite.html", blocks = ["dialog"])]
struct InvitePage {
    frame: Frame,
    in_dialog: bool,
    form: Invitee,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "members/link.html", blocks = ["dialog"])]
struct LinkPage {
    frame: Frame,
    invitation: Invitation,
    link: String,
}

/// Whom to invite, as it was typed.
#[derive(Deserialize)]
pub struct Invitee {
    email: String,
    role: Role,
}

/// `GET /settings/members/new`
pub async fn new(who: SignedIn) -> Answer {
    let page = InvitePage::with(&who, Invitee { email: String::new(), role: Role::Member }).await?;
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/members`
pub async fn create(who: SignedIn, Form(form): Form<Invitee>) -> Answer {
    match form.invite(&who).await {
        Ok(issued) => {
            let (link, invitation) = (issued.link(who.app.public_url.as_str()), issued.invitation);
            let changed = invitation.id.to_string();
            let page = LinkPage { frame: who.frame(Here::Members).await?, invitation, link };
            who.shown_once(&page, &page.as_dialog(), pieces(&who, changed)).await
        }
        Err(error) => {
            let page = InvitePage { problems: error.problems()?, ..InvitePage::with(&who, form).await? };
            who.htmx.refuse(&page, &page.as_dialog())
        }
    }
}

/// `POST /settings/members/invitations/{id}/cancel`
pub async fn cancel(who: SignedIn, Path(id): Path<InvitationId>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    let invitation = Invitation::cancel(&mut tx, &who.actor(), id).await?;
    tx.commit().await?;
    let text = format!("The invitation of {} is taken back: its link works no more.", invitation.email);
    changed(&who, String::new(), &text).await
}

impl Invitee {
    async fn invite(&self, who: &SignedIn) -> Result<IssuedInvitation> {
        let mut tx = who.app.db.begin().await?;
        let issued = Invitation::create(&mut tx, &who.actor(), &self.email, self.role).await?;
        tx.commit().await?;
        Ok(issued)
    }
}

impl InvitePage {
    async fn with(who: &SignedIn, form: Invitee) -> Result<Self> {
        let (frame, in_dialog) = (who.frame(Here::Members).await?, who.htmx.partial);
        Ok(Self { frame, in_dialog, form, problems: Problems::default() })
    }
}
