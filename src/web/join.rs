//! How whoever was invited becomes a member.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::answer::Answer;
use super::logins::Browser;
use super::page::{html, refused};
use super::setup::Link;
use crate::app::App;
use crate::error::{Problems, Result};
use crate::model::member::check_new_password;
use crate::model::{Invitation, Member, Organization};
use crate::secret::Password;

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage<'a> {
    token: &'a str,
    organization: &'a str,
    invitation: &'a Invitation,
    problems: &'a Problems,
}

#[derive(Deserialize)]
pub struct Joining {
    token: String,
    password: Password,
}

/// `GET /join?token=…`
pub async fn form(State(app): State<App>, Query(Link { token }): Query<Link>) -> Answer {
    let (invitation, organization) = find(&app, &token).await?;
    let (organization, problems) = (&organization.name, &Problems::default());
    html(&JoinPage { token: &token, organization, invitation: &invitation, problems })
}

/// `POST /join`
pub async fn create(State(app): State<App>, browser: Browser, Form(joining): Form<Joining>) -> Answer {
    let (invitation, organization) = find(&app, &joining.token).await?;
    match joining.join(&app, &browser, invitation.clone()).await {
        Ok(member) => {
            browser.log_in(&app, &member).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(error) => {
            let (token, organization, problems) = (&joining.token, &organization.name, &error.problems()?);
            refused(&JoinPage { token, organization, invitation: &invitation, problems })
        }
    }
}

async fn find(app: &App, token: &str) -> Result<(Invitation, Organization)> {
    let mut connection = app.db.read().await?;
    let invitation = Invitation::by_token(&mut connection, token, app.clock.now()).await?;
    let organization = Organization::find(&mut connection, invitation.organization).await?;
    Ok((invitation, organization))
}

impl Joining {
    async fn join(&self, app: &App, browser: &Browser, invitation: Invitation) -> Result<Member> {
        let mut problems = Problems::default();
        check_new_password(&mut problems, "password", &self.password, &invitation.email);
        problems.into_result()?;
        let password_hash = app.hashing().hash(self.password.clone()).await?;
        let (address, now) = (Some(browser.address.0), app.clock.now());
        let mut tx = app.db.begin().await?;
        let member = invitation.accept(&mut tx, address, password_hash, now).await?;
        tx.commit().await?;
        Ok(member)
    }
}
