//! Create and edit: one form for both.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::secret::Issued;
use super::{HOME, address, step, told};
use crate::clock::Timestamp;
use crate::error::{Error, Problems, Result};
use crate::id::CredentialId;
use crate::model::credential::{Draft, Mode, Scope};
use crate::model::{Credential, Domain};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::seen;
use crate::web::shown;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "credentials/form.html", blocks = ["dialog"])]
struct FormPage {
    frame: Frame,
    in_dialog: bool,
    /// The one that is edited; none is created.
    credential: Option<Credential>,
    form: Choices,
    domains: Vec<Domain>,
    problems: Problems,
}

/// What was typed and chosen, as it was.
#[derive(Clone, Debug, Deserialize)]
pub struct Choices {
    #[serde(default)]
    name: String,
    #[serde(default = "production")]
    mode: Mode,
    #[serde(default = "global")]
    scope: Scope,
    #[serde(default)]
    domains: Vec<String>,
    /// UTC, as `<input type="datetime-local">` sends it; or empty.
    #[serde(default)]
    expires_at: String,
    /// Of what the form was filled with; or empty.
    #[serde(default)]
    seen: String,
}

/// `GET /settings/smtp-credentials/new`
pub async fn new(who: SignedIn) -> Answer {
    FormPage::ask(&who, None, Choices::default()).await
}

/// `POST /settings/smtp-credentials`
pub async fn create(who: SignedIn, Form(form): Form<Choices>) -> Answer {
    match form.create(&who).await {
        Ok(issued) => issued.show(&who).await,
        Err(error) => FormPage::refuse(&who, None, form, error.problems()?).await,
    }
}

/// `GET /settings/smtp-credentials/{id}/edit`
pub async fn edit(who: SignedIn, Path(id): Path<CredentialId>) -> Answer {
    let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let form = Choices::of(&credential);
    FormPage::ask(&who, Some(credential), form).await
}

/// `POST /settings/smtp-credentials/{id}/edit`
pub async fn update(who: SignedIn, Path(id): Path<CredentialId>, Form(form): Form<Choices>) -> Answer {
    match form.update(&who, id).await {
        Ok(saved) => {
            let text = format!("{} is saved: it holds from the next log-in on.", saved.label());
            told::changed(&who, id, &text).await
        }
        Err(error) => {
            let problems = error.problems()?;
            let credential = Credential::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
            FormPage::refuse(&who, Some(credential), form, problems).await
        }
    }
}

impl Choices {
    fn of(credential: &Credential) -> Self {
        Self {
            name: credential.name.clone(),
            mode: credential.mode,
            scope: credential.scope,
            domains: credential.domains.clone(),
            expires_at: shown::datetime_local(credential.expires_at),
            seen: seen::mark(credential.updated_at),
        }
    }

    /// `before`: the expiry that the form was filled with; the form has minutes only, so what was left alone stays exact.
    fn draft(&self, before: Option<Timestamp>) -> Result<Draft> {
        let domains = match self.scope {
            Scope::Global => Vec::new(),
            Scope::Scoped => self.domains.clone(),
        };
        let expires_at = match self.expires_at.trim() {
            "" => None,
            same if same == shown::datetime_local(before) => before,
            typed => Some(parse_time(typed)?),
        };
        Ok(Draft { name: self.name.clone(), mode: self.mode, scope: self.scope, domains, expires_at })
    }

    async fn create(&self, who: &SignedIn) -> Result<Issued> {
        let draft = self.draft(None)?.checked(who.now, None)?;
        let fresh = who.app.hashing().fresh().await?;
        let mut tx = who.app.db.begin().await?;
        let issued = Credential::create(&mut tx, &who.actor(), draft, fresh).await?;
        tx.commit().await?;
        Ok(Issued::new(issued))
    }

    async fn update(&self, who: &SignedIn, id: CredentialId) -> Result<Credential> {
        let mut tx = who.app.db.begin().await?;
        let before = Credential::find_to_change(&mut tx, who.organization(), id).await?;
        seen::must_be_the_newest(&self.seen, before.updated_at)?;
        let saved = Credential::update(&mut tx, &who.actor(), id, self.draft(before.expires_at)?).await?;
        tx.commit().await?;
        Ok(saved)
    }

    fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|name| name == domain)
    }
}

impl Default for Choices {
    fn default() -> Self {
        let (mode, scope) = (production(), global());
        let (name, domains, expires_at, seen) = Default::default();
        Self { name, mode, scope, domains, expires_at, seen }
    }
}

impl FormPage {
    async fn read(who: &SignedIn, credential: Option<Credential>, form: Choices) -> Result<Self> {
        let domains = Domain::all(&mut *who.app.db.read().await?, who.organization()).await?;
        let (frame, problems) = (who.frame(Here::Credentials).await?, Problems::default());
        Ok(Self { frame, in_dialog: who.htmx.partial, credential, form, domains, problems })
    }

    async fn ask(who: &SignedIn, credential: Option<Credential>, form: Choices) -> Answer {
        let page = Self::read(who, credential, form).await?;
        who.htmx.answer(&page, &page.as_dialog())
    }

    async fn refuse(
        who: &SignedIn,
        credential: Option<Credential>,
        form: Choices,
        problems: Problems,
    ) -> Answer {
        let page = Self { problems, ..Self::read(who, credential, form).await? };
        who.htmx.refuse(&page, &page.as_dialog())
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        self.credential.as_ref().map_or(HOME.to_owned(), |credential| step(&credential.id, "edit"))
    }

    /// Where Cancel leads.
    fn back(&self) -> String {
        self.credential.as_ref().map_or(HOME.to_owned(), |credential| address(&credential.id))
    }
}

/// `2026-05-03T09:12`, or with seconds, in UTC.
fn parse_time(text: &str) -> Result<Timestamp> {
    let short = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let long = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let parsed = PrimitiveDateTime::parse(text, &short).or_else(|_| PrimitiveDateTime::parse(text, &long));
    let time = parsed
        .map_err(|_| Error::invalid("expires_at", "Enter a date and a time, such as 2027-01-31T09:00."))?;
    Ok(time.assume_utc().into())
}

const fn production() -> Mode {
    Mode::Production
}

const fn global() -> Scope {
    Scope::Global
}
