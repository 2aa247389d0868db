//! Create and edit: one form for both.

use askama::Template;
use axum::extract::Path;
use axum_extra::extract::Form;
use serde::Deserialize;

use super::secret::Issued;
use super::{HOME, address, step, told};
use crate::error::{Problems, Result};
use crate::id::WebhookId;
use crate::model::credential::Scope;
use crate::model::webhook::{AllowedNetworks, Draft, EventType};
use crate::model::{Domain, Webhook};
use crate::web::answer::Answer;
use crate::web::page::{Frame, Here};
use crate::web::seen;
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
    /// Of what the form was filled with; or empty.
    #[serde(default)]
    seen: String,
}

/// `GET /settings/webhooks/new`
pub async fn new(who: SignedIn) -> Answer {
    FormPage::ask(&who, None, Choices::default()).await
}

/// `POST /settings/webhooks`
pub async fn create(who: SignedIn, Form(form): Form<Choices>) -> Answer {
    match form.create(&who).await {
        Ok(issued) => issued.show(&who).await,
        Err(error) => FormPage::refuse(&who, None, form, error.problems()?).await,
    }
}

/// `GET /settings/webhooks/{id}/edit`
pub async fn edit(who: SignedIn, Path(id): Path<WebhookId>) -> Answer {
    let webhook = Webhook::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
    let form = Choices::of(&webhook);
    FormPage::ask(&who, Some(webhook), form).await
}

/// `POST /settings/webhooks/{id}/edit`
pub async fn update(who: SignedIn, Path(id): Path<WebhookId>, Form(form): Form<Choices>) -> Answer {
    match form.update(&who, id).await {
        Ok(()) => told::changed(&who, id, "Saved. It holds for the next event.").await,
        Err(error) => {
            let problems = error.problems()?;
            let webhook = Webhook::find(&mut *who.app.db.read().await?, who.organization(), id).await?;
            FormPage::refuse(&who, Some(webhook), form, problems).await
        }
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
            seen: seen::mark(webhook.updated_at),
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

    async fn create(&self, who: &SignedIn) -> Result<Issued> {
        let mut tx = who.app.db.begin().await?;
        let reach = AllowedNetworks::new(&who.app.config.webhook_allowed_networks);
        let issued = Webhook::create(&mut tx, &who.actor(), self.draft(), &reach).await?;
        tx.commit().await?;
        Ok(Issued::new(issued))
    }

    async fn update(&self, who: &SignedIn, id: WebhookId) -> Result<()> {
        let mut tx = who.app.db.begin().await?;
        let before = Webhook::find_to_change(&mut tx, who.organization(), id).await?;
        seen::must_be_the_newest(&self.seen, before.updated_at)?;
        let reach = AllowedNetworks::new(&who.app.config.webhook_allowed_networks);
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
        Self {
            name: String::new(),
            url: String::new(),
            events,
            scope,
            domains: Vec::new(),
            seen: String::new(),
        }
    }
}

impl FormPage {
    async fn read(who: &SignedIn, webhook: Option<Webhook>, form: Choices) -> Result<Self> {
        let domains = Domain::all(&mut *who.app.db.read().await?, who.organization()).await?;
        let (frame, problems) = (who.frame(Here::Webhooks).await?, Problems::default());
        Ok(Self { frame, in_dialog: who.htmx.partial, webhook, form, domains, problems })
    }

    async fn ask(who: &SignedIn, webhook: Option<Webhook>, form: Choices) -> Answer {
        let page = Self::read(who, webhook, form).await?;
        who.htmx.answer(&page, &page.as_dialog())
    }

    async fn refuse(who: &SignedIn, webhook: Option<Webhook>, form: Choices, problems: Problems) -> Answer {
        let page = Self { problems, ..Self::read(who, webhook, form).await? };
        who.htmx.refuse(&page, &page.as_dialog())
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
