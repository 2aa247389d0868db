//! Create and edit: one form for both.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;

use super::choices::{Choices, Noun, nouns};
use super::list::changed;
use super::secret::Issued;
use super::{HOME, step};
use crate::error::{Problems, Result};
use crate::http::address::ClientAddress;
use crate::id::ApiKeyId;
use crate::model::credential::Scope;
use crate::model::{ApiKey, Domain};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::seen;
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "api_keys/form.html", blocks = ["dialog"])]
struct FormPage {
    frame: Frame,
    in_dialog: bool,
    /// The one that is edited; none is created.
    key: Option<ApiKey>,
    form: Choices,
    nouns: Vec<Noun>,
    domains: Vec<Domain>,
    /// From where the member asks.
    address: ClientAddress,
    problems: Problems,
}

/// `GET /settings/api-keys/new`
pub async fn new(who: SignedIn) -> Answer {
    FormPage::ask(&who, None, Choices::default()).await
}

/// `POST /settings/api-keys`
pub async fn create(who: SignedIn, Form(form): Form<Choices>) -> Answer {
    match form.create(&who).await {
        Ok(issued) => issued.show(&who).await,
        Err(error) => FormPage::refuse(&who, None, form, error.problems()?).await,
    }
}

/// `GET /settings/api-keys/{id}/edit`
pub async fn edit(who: SignedIn, Path(id): Path<ApiKeyId>) -> Answer {
    let key = ApiKey::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let form = Choices::of(&key);
    FormPage::ask(&who, Some(key), form).await
}

/// `POST /settings/api-keys/{id}/edit`
pub async fn update(who: SignedIn, Path(id): Path<ApiKeyId>, Form(form): Form<Choices>) -> Answer {
    match form.update(&who, id).await {
        Ok(()) => changed(&who, Some(id), "Saved. It holds for the next request.").await,
        Err(error) => {
            let problems = error.problems()?;
            let key = ApiKey::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
            FormPage::refuse(&who, Some(key), form, problems).await
        }
    }
}

impl Choices {
    async fn create(&self, who: &SignedIn) -> Result<Issued> {
        let draft = self.draft()?;
        let mut tx = who.app.db.begin().await?;
        let issued = ApiKey::create(&mut tx, &who.actor(), &draft).await?;
        tx.commit().await?;
        Ok(Issued(issued))
    }

    async fn update(&self, who: &SignedIn, id: ApiKeyId) -> Result<()> {
        let draft = self.draft()?;
        let mut tx = who.app.db.begin().await?;
        let before = ApiKey::find_to_change(&mut tx, who.organization(), id).await?;
        seen::must_be_the_newest(&self.seen, before.updated_at)?;
        ApiKey::update(&mut tx, &who.actor(), id, &draft).await?;
        tx.commit().await
    }
}

impl FormPage {
    async fn read(who: &SignedIn, key: Option<ApiKey>, form: Choices) -> Result<Self> {
        let domains = Domain::all(&mut *who.app.db.read().await?, who.organization()).await?;
        let (frame, problems) = (who.frame(Here::ApiKeys).await?, Problems::default());
        let (in_dialog, nouns, address) = (who.htmx.partial, nouns(), who.address);
        Ok(Self { frame, in_dialog, key, form, nouns, domains, address, problems })
    }

    async fn ask(who: &SignedIn, key: Option<ApiKey>, form: Choices) -> Answer {
        let page = Self::read(who, key, form).await?;
        who.htmx.answer(&page, &page.as_dialog())
    }

    async fn refuse(who: &SignedIn, key: Option<ApiKey>, form: Choices, problems: Problems) -> Answer {
        let page = Self { problems, ..Self::read(who, key, form).await? };
        who.htmx.refuse(&page, &page.as_dialog())
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        self.key.as_ref().map_or(HOME.to_owned(), |key| step(&key.id, "edit"))
    }
}
