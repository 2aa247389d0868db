//! Removal, which says first what becomes of the credentials that name the domain.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::list::changed;
use crate::error::{Error, Result};
use crate::id::DomainId;
use crate::model::Domain;
use crate::model::domain::verification::State as Shown;
use crate::model::domain::{Naming, displayed};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::signed_in::SignedIn;
use crate::web::{credentials, shown};

/// How many credentials are told by name.
const NAMED: i64 = 10;

#[derive(Template)]
#[template(path = "domains/delete.html", blocks = ["dialog"])]
struct RemovePage {
    frame: Frame,
    in_dialog: bool,
    domain: Domain,
    /// The first that name it.
    naming: Vec<Naming>,
    /// Why it was not removed.
    refusal: Option<String>,
}

#[derive(Deserialize)]
pub struct Confirmation {
    /// How many credentials the member was told of.
    #[serde(default)]
    credentials: i64,
}

/// `GET /settings/domains/{id}/delete`
pub async fn ask_delete(who: SignedIn, Path(id): Path<DomainId>) -> Answer {
    let page = RemovePage::read(&who, id).await?;
    who.htmx.answer(&page, &page.as_dialog())
}

/// `POST /settings/domains/{id}/delete`
pub async fn delete(
    who: SignedIn,
    Path(id): Path<DomainId>,
    Form(Confirmation { credentials }): Form<Confirmation>,
) -> Answer {
    let mut tx = who.app.db.begin().await?;
    match Domain::remove(&mut tx, &who.actor(), id, credentials).await {
        Ok(domain) => {
            tx.commit().await?;
            let text = format!("{} is removed.", displayed(&domain.name));
            changed(&who, None, text).await
        }
        Err(Error::Conflict(why)) => {
            drop(tx);
            let page = RemovePage { refusal: Some(why), ..RemovePage::read(&who, id).await? };
            who.htmx.refuse(&page, &page.as_dialog())
        }
        Err(error) => Err(error.into()),
    }
}

impl RemovePage {
    async fn read(who: &SignedIn, id: DomainId) -> Result<Self> {
        let mut connection = who.app.db.read().await?;
        let domain = Domain::find(&mut connection, who.organization(), id).await?;
        let naming = Domain::named_by(&mut connection, who.organization(), id, NAMED).await?;
        drop(connection);
        let (frame, in_dialog) = (who.frame(Here::Domains).await?, who.htmx.partial);
        Ok(Self { frame, in_dialog, domain, naming, refusal: None })
    }

    /// How many more name it than are told by name.
    fn more(&self) -> i64 {
        self.domain.credentials - i64::try_from(self.naming.len()).unwrap_or(0)
    }
}
