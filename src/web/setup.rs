//! The first owner, by the link that Gatepost printed when it started.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::answer::Answer;
use super::logins::Browser;
use super::page::{html, refused};
use crate::app::App;
use crate::error::{Problems, Result};
use crate::model::member::{NewMember, check_new_password, normalize_email};
use crate::model::name::is_deceptive;
use crate::model::{Actor, Member, Organization, SetupLink};
use crate::secret::Password;

const MAX_ORGANIZATION: usize = 100;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'a> {
    token: &'a str,
    organization: &'a str,
    email: &'a str,
    problems: &'a Problems,
}

/// A link that works once.
#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
pub struct Owner {
    token: String,
    organization: String,
    email: String,
    password: Password,
}

/// `GET /setup?token=…`
pub async fn form(State(app): State<App>, Query(Link { token }): Query<Link>) -> Answer {
    SetupLink::organization(&mut *app.db.read().await?, &token).await?;
    let problems = Problems::default();
    html(&SetupPage { token: &token, organization: "", email: "", problems: &problems })
}

/// `POST /setup`
pub async fn create(State(app): State<App>, browser: Browser, Form(owner): Form<Owner>) -> Answer {
    match owner.create(&app, &browser).await {
        Ok(member) => {
            browser.log_in(&app, &member).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(error) => {
            let Owner { token, organization, email, .. } = &owner;
            refused(&SetupPage { token, organization, email, problems: &error.problems()? })
        }
    }
}

impl Owner {
    fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        let name = self.organization.trim();
        if name.is_empty() || name.chars().count() > MAX_ORGANIZATION || is_deceptive(name) {
            problems.add("organization", format!("Enter a name of at most {MAX_ORGANIZATION} characters."));
        }
        if let Err(error) = normalize_email(&self.email) {
            problems.0.extend(error.problems()?.0);
        }
        check_new_password(&mut problems, "password", &self.password, &self.email);
        problems.into_result()
    }

    async fn create(&self, app: &App, browser: &Browser) -> Result<Member> {
        let organization = SetupLink::organization(&mut *app.db.read().await?, &self.token).await?;
        self.check()?;
        let password_hash = app.hashing().hash(self.password.clone()).await?;
        let new = NewMember { email: self.email.clone(), name: String::new(), password_hash };
        let mut tx = app.db.begin().await?;
        Organization::rename(&mut tx, organization.id, self.organization.trim()).await?;
        let (address, now) = (Some(browser.address.0), app.clock.now());
        let actor = Actor::newcomer(organization.id, &self.email, address, now);
        let member = SetupLink::redeem(&mut tx, &actor, &self.token, new).await?;
        tx.commit().await?;
        Ok(member)
    }
}
