//! Settings > Domains: a plain list, to add to and to remove from.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::failure::Failure;
use super::htmx::{Htmx, Tell};
use super::page::{Frame, Here, html, refused, render};
use super::shown;
use super::signed_in::SignedIn;
use crate::app::App;
use crate::error::{Error, Problems, Result};
use crate::id::DomainId;
use crate::model::Domain;

const HOME: &str = "/settings/domains";

#[derive(Template)]
#[template(path = "domains.html", blocks = ["list"])]
struct DomainsPage {
    frame: Frame,
    domains: Vec<Domain>,
    /// What was typed and refused.
    name: String,
    problems: Problems,
    /// The one that has just been added.
    changed: Option<DomainId>,
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
pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Response, Failure> {
    Ok(html(&page(&app, &who).await?)?)
}

/// `POST /settings/domains`
pub async fn create(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Form(new): Form<NewDomain>,
) -> Result<Response, Failure> {
    let mut tx = app.db.begin().await?;
    match Domain::add(&mut tx, &who.actor(), &new.name).await {
        Ok(domain) => {
            tx.commit().await?;
            let text = format!("{} is added. Scoped credentials can choose it.", domain.name);
            Ok(answer(&app, &who, &htmx, Some(domain.id), text).await?)
        }
        Err(Error::Invalid(problems)) => {
            drop(tx);
            let page = DomainsPage { name: new.name, problems, ..page(&app, &who).await? };
            Ok(if htmx.partial { refused(&page.as_list())? } else { refused(&page)? })
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/domains/{id}/delete`
pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    htmx: Htmx,
    Path(id): Path<DomainId>,
) -> Result<Response, Failure> {
    let mut tx = app.db.begin().await?;
    let domain = Domain::remove(&mut tx, &who.actor(), id, 0).await?;
    tx.commit().await?;
    Ok(answer(&app, &who, &htmx, None, format!("{} is removed.", domain.name)).await?)
}

async fn page(app: &App, who: &SignedIn) -> Result<DomainsPage> {
    let domains = Domain::all(&mut *app.db.read().await?, who.organization()).await?;
    let frame = who.frame(Here::Domains).await?;
    Ok(DomainsPage { frame, domains, name: String::new(), problems: Problems::default(), changed: None })
}

async fn answer(
    app: &App,
    who: &SignedIn,
    htmx: &Htmx,
    changed: Option<DomainId>,
    text: String,
) -> Result<Response> {
    if !htmx.partial {
        who.notice(&text).await?;
        return Ok(Redirect::to(HOME).into_response());
    }
    let page = DomainsPage { changed, ..page(app, who).await? };
    Ok((Tell::Done(text), [super::page::HTML], render(&page.as_list())?).into_response())
}
