//! Create and edit: one form for both.

use askama::Template;
use axum::extract::{Path, State};
use axum_extra::extract::Form;
use serde::Deserialize;

use super::secret::Issued;
use super::{HOME, address, step, told};
use crate::app::App;
use crate::error::{Error, Problems, Result};
use crate::id::WebhookId;
use crate::model::credential::Scope;
use crate::model::webhook::{AllowedNetworks, Draft, EventType};
use crate::model::{Domain, Webhook};
use crate::web::failure::Answer;
use crate::web::htmx::Htmx;
use crate::web::page::{Frame, Here};
use crate::web::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "webhooks/form.html", blocks = ["dialog"])]
struct FormPage {
    frame: Frame,
    in_dialog: bool,
    /// The one that is edited; none is created.
    webhook: Option<Webhook>,
    form: Choices,
    domains: Vec<Domain>,
    problems: Problems,
}

/// What was typed and chosen, as it was.
#[derive(Clone, Debug, Deserialize)]
pub struct Choices {
    #[serde(default)]
    name: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    events: Vec<EventType>,
    #[serde(default = "global")]
    scope: Scope,
    #[serde(default)]
    domains: Vec<String>,
}

/// `GET /settings/webhooks/new`
pub async fn new(State(app): State<App>, who: SignedIn, htmx: Htmx) -> Answer {
    FormPage::read(&app, &who, &htmx, None, Choices::default()).await?.ask(&htmx)
}

/// `POST /settings/webhooks`
pub async fn create(State(app): State<App>, who: SignedIn, htmx: Htmx, Form(form): Form<Choices>) -> Answer {
    match form.create(&app, &who).await {
        Ok(issued) => issued.show(&app, &who, &htmx).await,
        Err(Error::Invalid(problems)) => {
            FormPage::read(&app, &who, &htmx, None, form).await?.refuse(&htmx, problems)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /settings/webhooks/{id}/edit`
pub async fn edit(State(app): State<App>, who: SignedIn, htmx: Htmx, Path(id): Path<WebhookId>) -> Answer {
    let webhook = Webhook::find(&mut *app.db.read().await?, who.organization(), id).await?;
    let form = Choices::of(&webhook);
    FormPage::read(&app, &who, &htmx, Some(webhook), form).await?.ask(&htmx)
}

/// `POST /settings/webhooks/{id}/edit`
pub async fn update(
    State(app): State<App>,
    (who, htmx): (SignedIn, Htmx),
    Path(id): Path<WebhookId>,
    Form(form): Form<Choices>,
) -> Answer {
    match form.update(&app, &who, id).await {
        Ok(()) => told::changed(&app, &who, &htmx, id, "Saved. It holds for the next event.").await,
        Err(Error::Invalid(problems)) => {
            let webhook = Webhook::find(&mut *app.db.read().await?, who.organization(), id).await?;
            FormPage::read(&app, &who, &htmx, Some(webhook), form).await?.refuse(&htmx, problems)
        }
        Err(error) => Err(error.into()),
    }
}

impl Choices {
    fn of(webhook: &Webhook) -> Self {
        Self {
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            events: webhook.events.clone(),
            scope: webhook.scope,
            domains: webhook.domains.clone(),
        }
    }

    fn draft(&self) -> Draft {
        let domains = match self.scope {
            Scope::Global => Vec::new(),
            Scope::Scoped => self.domains.clone(),
        };
        let (name, url, events) = (self.name.clone(), self.url.clone(), self.events.clone());
        Draft { name, url, events, scope: self.scope, domains }
    }

    async fn create(&self, app: &App, who: &SignedIn) -> Result<Issued> {
        let mut tx = app.db.begin().await?;
        let reach = AllowedNetworks::new(&app.config.webhook_allowed_networks);
        let issued = Webhook::create(&mut tx, &who.actor(), self.draft(), &reach).await?;
        tx.commit().await?;
        Ok(Issued::new(issued))
    }

    async fn update(&self, app: &App, who: &SignedIn, id: WebhookId) -> Result<()> {
        let mut tx = app.db.begin().await?;
        let reach = AllowedNetworks::new(&app.config.webhook_allowed_networks);
        Webhook::update(&mut tx, &who.actor(), id, self.draft(), &reach).await?;
        tx.commit().await
    }

    fn hears(&self, event: &EventType) -> bool {
        self.events.contains(event)
    }

    fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|name| name == domain)
    }
}

/// A new webhook hears everything, until its owner says what it needs.
impl Default for Choices {
    fn default() -> Self {
        let (events, scope) = (EventType::ALL.to_vec(), global());
        Self { name: String::new(), url: String::new(), events, scope, domains: Vec::new() }
    }
}

impl FormPage {
    async fn read(
        app: &App,
        who: &SignedIn,
        htmx: &Htmx,
        webhook: Option<Webhook>,
        form: Choices,
    ) -> Result<Self> {
        let domains = Domain::all(&mut *app.db.read().await?, who.organization()).await?;
        let (frame, problems) = (who.frame(Here::Webhooks).await?, Problems::default());
        Ok(Self { frame, in_dialog: htmx.partial, webhook, form, domains, problems })
    }

    fn ask(&self, htmx: &Htmx) -> Answer {
        htmx.answer(self, &self.as_dialog())
    }

    fn refuse(self, htmx: &Htmx, problems: Problems) -> Answer {
        let page = Self { problems, ..self };
        htmx.refuse(&page, &page.as_dialog())
    }

    /// The events of messages, or those of credentials.
    fn events(&self, of_message: &bool) -> impl Iterator<Item = &'static EventType> {
        EventType::ALL.iter().filter(move |event| event.is_of_message() == *of_message)
    }

    /// Domains that are chosen and not there any more.
    fn gone(&self) -> Vec<&String> {
        let is_there = |name: &&String| self.domains.iter().any(|domain| domain.name == **name);
        self.form.domains.iter().filter(|name| !is_there(name)).collect()
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        self.webhook.as_ref().map_or(HOME.to_owned(), |webhook| step(&webhook.id, "edit"))
    }

    /// Where Cancel leads.
    fn back(&self) -> String {
        self.webhook.as_ref().map_or(HOME.to_owned(), |webhook| address(&webhook.id))
    }
}

const fn global() -> Scope {
    Scope::Global
}
