//! The owner's form to set the monthly allowance.

use askama::Template;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::HOME;
use super::allowance::Allowance;
use super::show::UsagePage;
use crate::error::{Error, Problems, Result};
use crate::model::Credits;
use crate::web::answer::Answer;
use crate::web::htmx::piece;
use crate::web::page::refused;
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(
    source = r#"{% import "usage/allowance.html" as parts %}{{ parts::allowance(allowance, problems) }}"#,
    ext = "html"
)]
struct Panel<'a> {
    allowance: &'a Allowance,
    problems: &'a Problems,
}

#[derive(Deserialize)]
pub struct NewAllowance {
    #[serde(default)]
    allowance: String,
}

/// `POST /usage/allowance`
pub async fn set_allowance(
    who: SignedIn,
    Form(NewAllowance { allowance: typed }): Form<NewAllowance>,
) -> Answer {
    match set(&who, &typed).await {
        Ok(credits) => told(&who, credits).await,
        Err(error) => refuse(&who, typed, error.problems()?).await,
    }
}

async fn set(who: &SignedIn, typed: &str) -> Result<Option<i64>> {
    let refused = || Error::invalid("allowance", "Enter a whole number, or nothing for any number.");
    let credits = match typed.trim() {
        "" => None,
        number => Some(number.parse().map_err(|_| refused())?),
    };
    let mut tx = who.app.db.begin().await?;
    Credits::set_allowance(&mut tx, &who.actor(), credits).await?;
    tx.commit().await?;
    Ok(credits)
}

async fn told(who: &SignedIn, credits: Option<i64>) -> Answer {
    let text = match credits {
        Some(credits) => format!("The monthly allowance is {} credits.", shown::number(&credits)),
        None => "There is no monthly allowance.".to_owned(),
    };
    who.told(&text, HOME, panel(who)).await
}

async fn panel(who: &SignedIn) -> Result<String> {
    let allowance = Allowance::read(&mut *who.app.db.read().await?, who).await?;
    piece("allowance", &Panel { allowance: &allowance, problems: &Problems::default() })
}

async fn refuse(who: &SignedIn, typed: String, problems: Problems) -> Answer {
    let read = Allowance::read(&mut *who.app.db.read().await?, who).await?;
    let allowance = Allowance { typed, ..read };
    if who.htmx.partial {
        return refused(&Panel { allowance: &allowance, problems: &problems });
    }
    let mut page = UsagePage::home(who).await?;
    (page.allowance, page.problems) = (Some(allowance), problems);
    refused(&page)
}
