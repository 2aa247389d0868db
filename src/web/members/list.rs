//! The table of members and invitations, and how a change is told in it.

use askama::Template;

use super::HOME;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::member::Role;
use crate::model::{Invitation, Member, Session};
use crate::web::answer::Answer;
use crate::web::htmx::piece;
use crate::web::page::{Frame, Here, html};
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "members/list.html", blocks = ["list"])]
struct ListPage {
    frame: Frame,
    /// Who asks.
    me: Member,
    members: Vec<Seen>,
    invitations: Vec<Invitation>,
    /// The id of the one that has just changed, or empty.
    changed: String,
}

/// A member, and when a session of theirs that is still open was last used.
struct Seen {
    member: Member,
    last_seen_at: Option<Timestamp>,
}

/// `GET /settings/members`
pub async fn list(who: SignedIn) -> Answer {
    html(&ListPage::read(&who, String::new()).await?)
}

/// A member or an invitation has changed, or is gone: the list changes in place.
pub async fn changed(who: &SignedIn, id: String, text: &str) -> Answer {
    who.told(text, HOME, pieces(who, id)).await
}

/// The list as it is now, where it is open.
pub async fn pieces(who: &SignedIn, changed: String) -> Result<String> {
    if !who.htmx.is_at(HOME) {
        return Ok(String::new());
    }
    piece("list", &ListPage::read(who, changed).await?.as_list())
}

impl ListPage {
    async fn read(who: &SignedIn, changed: String) -> Result<Self> {
        let mut connection = who.app.db.read().await?;
        let members = Member::all(&mut connection, who.organization()).await?;
        let mut seen = Session::last_seen(&mut connection, who.organization(), who.now).await?;
        let invitations = Invitation::open(&mut connection, who.organization(), who.now).await?;
        drop(connection);
        let with_use = |member: Member| Seen { last_seen_at: seen.remove(&member.id), member };
        let members = members.into_iter().map(with_use).collect();
        Ok(Self {
            frame: who.frame(Here::Members).await?,
            me: who.member.clone(),
            members,
            invitations,
            changed,
        })
    }

    fn is_changed(&self, id: &impl ToString) -> bool {
        self.changed == id.to_string()
    }

    fn is_owner(&self) -> bool {
        self.me.role == Role::Owner
    }

    fn is_me(&self, member: &Member) -> bool {
        self.me.id == member.id
    }
}
