//! `gatepost webhook …`: the endpoints that hear what happens. A signing secret is printed once, on standard output alone.

mod changes;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::output::{self, Form, Name, in_own_words, or_never};
use super::place::{Answer, Place};
use crate::model::webhook::EventType;
use changes::Changes;

/// Where the API has them.
const WEBHOOKS: &str = "webhooks";

/// The API's names of what can be wrong, and the command line's.
const NAMES: &[Name] =
    &[("webhook_id", "<ID>"), ("name", "--name"), ("events", "--event"), ("domains", "--domain")];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a webhook and print the secret that signs its requests, once
    Create {
        /// Where its requests go: https://…
        url: String,
        /// Label; put the application into it
        #[arg(long)]
        name: String,
        /// What it hears of, such as message.bounced or credential.rotated; several may be given. Without one: of everything
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<EventType>,
        /// Domain whose messages and credentials it hears of; several may be given. Without one: those of all
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
        #[command(flatten)]
        form: Form,
    },
    /// List the webhooks, without their secrets
    List,
    /// Show all there is to know of a webhook, but for its secret
    Show {
        /// As the list has it
        id: String,
    },
    /// Change what is given; the rest stays as it is
    Edit {
        /// As the list has it
        id: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Switch a webhook on again: what waits is sent, and its failures in a row are forgotten
    Enable {
        /// As the list has it
        id: String,
    },
    /// Switch a webhook off without deleting it: what happens meanwhile it never hears of
    Disable {
        /// As the list has it
        id: String,
    },
    /// Delete a webhook
    Delete {
        /// As the list has it
        id: String,
    },
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Webhook {
    id: String,
    name: String,
    url: String,
    enabled: bool,
    scope: String,
    domains: Vec<String>,
    /// Those of credentials.
    events: Vec<String>,
    success_count: u64,
    error_count: u64,
    errors_since_last_success: u32,
    last_request_at: Option<String>,
    disabled_because: Option<String>,
    created_at: String,
    /// Among it a field for each event of a message.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// … right after its creation.
#[derive(Deserialize)]
struct Issued {
    id: String,
    secret: String,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    let url = if matches!(command, Command::Create { .. }) { "<URL>" } else { "--url" };
    in_own_words(act(place, command).await, &[NAMES, &[("url", url)]].concat())
}

async fn act(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { url, name, events, domains, form } => {
            let mut body = json!({ "name": name, "url": url, "enabled": true });
            body["scope"] = if domains.is_empty() { "global" } else { "scoped" }.into();
            body["domains"] = domains.into();
            choose(&mut body, if events.is_empty() { EventType::ALL } else { &events });
            reveal(place, &place.post(&[WEBHOOKS], &body).await?, form)
        }
        Command::List => list(place).await,
        Command::Show { id } => show(place, &place.get(&[WEBHOOKS, &id]).await?),
        Command::Edit { id, changes } => change(place, &id, &changes.body(), "changed").await,
        Command::Enable { id } => change(place, &id, &json!({ "enabled": true }), "enabled").await,
        Command::Disable { id } => change(place, &id, &json!({ "enabled": false }), "disabled").await,
        Command::Delete { id } => {
            let answer = place.get(&[WEBHOOKS, &id]).await?;
            place.delete(&[WEBHOOKS, &id], &[]).await?;
            say(place, &answer, "deleted")
        }
    }
}

async fn change(place: &Place, id: &str, body: &Value, done: &str) -> anyhow::Result<()> {
    say(place, &place.put(&[WEBHOOKS, id], body).await?, done)
}

/// `https://… deleted.`
fn say(place: &Place, answer: &Answer, done: &str) -> anyhow::Result<()> {
    place.tell(answer, &format!("{} {done}.", answer.read::<Webhook>()?.url))
}

/// These events and no others. The API has a field for each event of a message, and a list of those of credentials.
fn choose(body: &mut Value, events: &[EventType]) {
    let of_messages = EventType::ALL.iter().filter(|event| event.is_of_message());
    of_messages.for_each(|event| body[event.on()] = events.contains(event).into());
    let of_credentials = events.iter().filter(|event| !event.is_of_message());
    body["events"] = of_credentials.map(|event| event.as_str()).collect();
}

fn reveal(place: &Place, answer: &Answer, form: Form) -> anyhow::Result<()> {
    let Issued { id, secret } = answer.read()?;
    let text = match form {
        Form { env: true } => format!("WEBHOOK_SECRET={secret}"),
        Form { env: false } => output::facts(&[("id", id), ("secret", secret)]),
    };
    place.tell(answer, &text)
}

async fn list(place: &Place) -> anyhow::Result<()> {
    let head = ["name", "url", "state", "scope", "failures in a row", "last request", "id"];
    place
        .tell_all(place.list(&[WEBHOOKS], &[])?, &head, |answer| {
            let webhook: Webhook = answer.read()?;
            let state = webhook.state().to_owned();
            let scope = output::domains(&webhook.scope, &webhook.domains);
            let (failures, last) = (webhook.errors_since_last_success.to_string(), webhook.last_request_at);
            Ok(vec![webhook.name, webhook.url, state, scope, failures, or_never(last), webhook.id])
        })
        .await
}

fn show(place: &Place, answer: &Answer) -> anyhow::Result<()> {
    let webhook: Webhook = answer.read()?;
    let mut facts = vec![
        ("id", webhook.id.clone()),
        ("name", webhook.name.clone()),
        ("url", webhook.url.clone()),
        ("state", webhook.state().to_owned()),
        ("scope", output::domains(&webhook.scope, &webhook.domains)),
        ("hears of", webhook.hears_of()),
        ("requests", format!("{} succeeded, {} failed", webhook.success_count, webhook.error_count)),
        ("failures in a row", webhook.errors_since_last_success.to_string()),
        ("last request", or_never(webhook.last_request_at)),
        ("created", webhook.created_at),
    ];
    facts.extend(webhook.disabled_because.map(|why| ("disabled because", why)));
    place.tell(answer, &output::facts(&facts))
}

impl Webhook {
    const fn state(&self) -> &'static str {
        if self.enabled { "enabled" } else { "disabled" }
    }

    fn hears_of(&self) -> String {
        let is_chosen = |event: &&EventType| self.rest.get(&event.on()) == Some(&Value::Bool(true));
        let of_messages = EventType::ALL.iter().filter(|event| event.is_of_message()).filter(is_chosen);
        let of_messages = of_messages.map(|event| event.as_str());
        let chosen: Vec<&str> = of_messages.chain(self.events.iter().map(String::as_str)).collect();
        if chosen.len() == EventType::ALL.len() { "everything".to_owned() } else { chosen.join(", ") }
    }
}
