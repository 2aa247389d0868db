//! Create and edit: one form for both.

use askama::Template;
use axum::extract::{Path, State};
use axum_extra::extract::Form;

use super::choices::{Choices, Noun, nouns};
use super::list::changed;
use super::secret::Issued;
use super::{HOME, step};
use crate::app::App;
use crate::error::{Error, Problems, Result};
use crate::http::address::ClientAddress;
use crate::id::ApiKeyId;
use crate::model::api_key::MAX_LABEL_CHARACTERS;
use crate::model::credential::Scope;
use crate::model::{ApiKey, Domain};
use crate::web::failure::Answer;
use crate::web::htmx::Htmx;
use crate::web::page::{Frame, Here};
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
pub async fn new(State(app): State<App>, who: SignedIn, htmx: Htmx) -> Answer {
    FormPage::read(&app, &who, &htmx, None, Choices::default()).await?.ask(&htmx)
}

/// `POST /settings/api-keys`
pub async fn create(State(app): State<App>, who: SignedIn, htmx: Htmx, Form(form): Form<Choices>) -> Answer {
    match form.create(&app, &who).await {
        Ok(issued) => issued.show(&app, &who, &htmx).await,
        Err(Error::Invalid(problems)) => {
            FormPage::read(&app, &who, &htmx, None, form).await?.refuse(&htmx, problems)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/api-keys/{id}/edit`
pub async fn edit(State(app): State<App>, who: SignedIn, htmx: Htmx, Path(id): Path<ApiKeyId>) -> Answer {
    let key = ApiKey::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let form = Choices::of(&key);
    FormPage::read(&app, &who, &htmx, Some(key), form).await?.ask(&htmx)
}

/// `POST /settings/api-keys/{id}/edit`
pub async fn update(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<ApiKeyId>,
    Form(form): Form<Choices>,
) -> Answer {
    match form.update(&app, &who, id).await {
        Ok(()) => changed(&app, &who, &htmx, Some(id), "Saved. It holds for the next request.").await,
        Err(Error::Invalid(problems)) => {
            let key = ApiKey::find(&mut *app.db.read().await?, who.organization(), id).await?;
            FormPage::read(&app, &who, &htmx, Some(key), form).await?.refuse(&htmx, problems)
        }
        Err(error) => Err(error.into()),
    }
}

impl Choices {
    async fn create(&self, app: &App, who: &SignedIn) -> Result<Issued> {
        let draft = self.draft()?;
        let mut tx = app.db.begin().await?;
        let issued = ApiKey::create(&mut tx, &who.actor(), &draft).await?;
        tx.commit().await?;
        Ok(Issued(issued))
    }

    async fn update(&self, app: &App, who: &SignedIn, id: ApiKeyId) -> Result<()> {
        let draft = self.draft()?;
        let mut tx = app.db.begin().await?;
        ApiKey::update(&mut tx, &who.actor(), id, &draft).await?;
        tx.commit().await
    }
}

impl FormPage {
    async fn read(
        app: &App,
        who: &SignedIn,
        htmx: &Htmx,
        key: Option<ApiKey>,
        form: Choices,
    ) -> Result<Self> {
        let domains = Domain::all(&mut *app.db.read().await?, who.organization()).await?;
        let (frame, problems) = (who.frame(Here::ApiKeys).await?, Problems::default());
        let (in_dialog, nouns, address) = (htmx.partial, nouns(), who.address);
        Ok(Self { frame, in_dialog, key, form, nouns, domains, address, problems })
    }

    fn ask(&self, htmx: &Htmx) -> Answer {
        htmx.answer(self, &self.as_dialog())
    }

    fn refuse(self, htmx: &Htmx, problems: Problems) -> Answer {
        let page = Self { problems, ..self };
        htmx.refuse(&page, &page.as_dialog())
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        self.key.as_ref().map_or(HOME.to_owned(), |key| step(&key.id, "edit"))
    }
}
