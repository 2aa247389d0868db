//! The domains, a new one, and the look-up of a record.

use askama::Template;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::HOME;
use crate::clock::Timestamp;
use crate::error::{Problems, Result};
use crate::id::DomainId;
use crate::model::Domain;
use crate::model::domain::displayed;
use crate::model::domain::verification::{Finding, State as Shown};
use crate::verification;
use crate::web::answer::Answer;
use crate::web::htmx::{Tell, piece};
use crate::web::page::{Frame, HTML, Here, html};
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "domains/list.html", blocks = ["list"])]
struct DomainsPage {
    frame: Frame,
    domains: Vec<Domain>,
    /// What was typed and refused.
    name: String,
    problems: Problems,
    /// The one that has just been added.
    changed: Option<DomainId>,
}

/// One line of the list, to go in place of the one that is there.
#[derive(Template)]
#[template(
    source = r#"{% import "domains/row.html" as rows %}{{ rows::row(domain, now, true) }}"#,
    ext = "html"
)]
struct Row<'a> {
    domain: &'a Domain,
    now: Timestamp,
}

#[derive(Deserialize)]
pub struct NewDomain {
    name: String,
}

impl DomainsPage {
    fn is_changed(&self, id: &DomainId) -> bool {
        self.changed.as_ref() == Some(id)
    }
}

/// `GET /settings/domains`
pub async fn list(who: SignedIn) -> Answer {
    html(&page(&who).await?)
}

/// `POST /settings/domains`
pub async fn create(who: SignedIn, Form(new): Form<NewDomain>) -> Answer {
    let mut tx = who.app.db.begin().await?;
    match Domain::add(&mut tx, &who.actor(), &new.name).await {
        Ok(domain) => {
            tx.commit().await?;
            let text = format!("{} is added. Set its record to verify it.", displayed(&domain.name));
            changed(&who, Some(domain.id), text).await
        }
        Err(error) => {
            drop(tx);
            let problems = error.problems()?;
            let page = DomainsPage { name: new.name, problems, ..page(&who).await? };
            who.htmx.refuse(&page, &page.as_list())
        }
    }
}

/// `POST /settings/domains/{id}/verify`
pub async fn verify(who: SignedIn, Path(id): Path<DomainId>) -> Answer {
    let (domain, finding) = verification::look_up(&who.app, &who.actor(), id).await?;
    let told = match finding {
        Finding::Present => Tell::Done(format!("{} is verified.", displayed(&domain.name))),
        Finding::Absent(why) | Finding::Unanswered(why) => Tell::Failed(why),
    };
    if who.htmx.partial {
        let row = piece(&format!("domain-{id}"), &Row { domain: &domain, now: who.now })?;
        return Ok((told, [HTML], row).into_response());
    }
    if let Tell::Done(text) = &told {
        who.notice(text).await?;
    }
    Ok(who.htmx.go(&format!("{HOME}#domain-{id}")))
}

async fn page(who: &SignedIn) -> Result<DomainsPage> {
    let domains = Domain::all(&mut *who.app.db.read().await?, who.organization()).await?;
    let frame = who.frame(Here::Domains).await?;
    Ok(DomainsPage { frame, domains, name: String::new(), problems: Problems::default(), changed: None })
}

/// The list has one more, or one less.
pub async fn changed(who: &SignedIn, changed: Option<DomainId>, text: String) -> Answer {
    let list = async {
        let page = DomainsPage { changed, ..page(who).await? };
        piece("domains", &page.as_list())
    };
    who.told(&text, HOME, list).await
}

/// A state as people say it.
pub fn said(state: &Shown) -> &'static str {
    match state {
        Shown::Pending => "Not verified",
        Shown::Verified => "Verified",
        Shown::Missing => "Record missing",
        Shown::Lost => "Not usable any more",
        Shown::Vouched => "Vouched for",
    }
}

/// What the copy buttons of a record are for.
pub fn record_of(name: &str) -> String {
    format!("the record of {name}")
}
