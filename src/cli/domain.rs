//! `gatepost domain …`: the organization's sending domains.

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::operator;
use super::output::{self, Name, in_own_words};
use super::place::{Answer, Place};
use crate::model::Domain;
use crate::model::domain::displayed;

/// Where the API has them.
const DOMAINS: &str = "domains";

/// The API's names of what can be wrong, and the command line's.
const NAMES: &[Name] = &[("domain", "<DOMAIN>"), ("name", "<DOMAIN>")];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a domain
    Add { domain: String },
    /// List the domains and their state, newest first
    List,
    /// Show a domain, and the record that it needs
    Show { domain: String },
    /// Look the record of a domain up, now
    Verify {
        domain: String,
        /// Vouch for the domain yourself: it is usable from now on, and its record is not looked up. On the server's machine only
        #[arg(long)]
        force: bool,
    },
    /// Remove a domain
    Remove {
        domain: String,
        /// Also while credentials are scoped to it: it is taken out of their scope
        #[arg(long)]
        force: bool,
    },
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Shown {
    domain: String,
    status: String,
    dns_records: Vec<Record>,
    dns_problem: Option<String>,
    credentials: u32,
    created_at: String,
}

#[derive(Deserialize)]
struct Record {
    r#type: String,
    host: String,
    content: String,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    in_own_words(act(place, command).await, NAMES)
}

async fn act(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { domain } => add(place, &domain).await,
        Command::List => list(place).await,
        Command::Show { domain } => show(place, &domain).await,
        Command::Verify { domain, force: false } => verify(place, &domain).await,
        Command::Verify { domain, force: true } => vouch(place, &domain).await,
        Command::Remove { domain, force } => remove(place, &domain, force).await,
    }
}

async fn add(place: &Place, name: &str) -> anyhow::Result<()> {
    let answer = place.post(&[DOMAINS], &json!({ "domain": name })).await?;
    let domain: Shown = answer.read()?;
    let (name, records) = (displayed(&domain.domain), domain.records());
    place.tell(&answer, &format!("Added {name}. Set this record, then verify it:\n{records}"))
}

async fn list(place: &Place) -> anyhow::Result<()> {
    let rows = place.list(&[DOMAINS], &[])?;
    place
        .tell_all(rows, &["domain", "state", "credentials", "added"], |answer| {
            let Shown { domain, status, credentials, created_at, .. } = answer.read()?;
            Ok(vec![displayed(&domain), status, credentials.to_string(), created_at])
        })
        .await
}

async fn show(place: &Place, name: &str) -> anyhow::Result<()> {
    let (answer, domain) = find(place, name).await?;
    let mut facts = vec![
        ("domain", displayed(&domain.domain)),
        ("state", domain.status.clone()),
        ("credentials", domain.credentials.to_string()),
        ("record", domain.records()),
        ("added", domain.created_at),
    ];
    facts.extend(domain.dns_problem.map(|problem| ("problem", problem)));
    place.tell(&answer, &output::facts(&facts))
}

async fn verify(place: &Place, name: &str) -> anyhow::Result<()> {
    let name = find(place, name).await?.1.domain;
    let looked_up = place.post(&[DOMAINS, &name, "check-dns"], &json!({})).await;
    let answer = looked_up.with_context(|| format!("{} was not verified", displayed(&name)))?;
    let Shown { status, dns_problem, .. } = answer.read()?;
    let (name, why) =
        (displayed(&name), dns_problem.unwrap_or_else(|| "its record was not found".to_owned()));
    match status.as_str() {
        "verified" => place.tell(&answer, &format!("{name} is verified.")),
        // As an operator says, who knows more than the DNS.
        "vouched" => place.tell(&answer, &format!("{name} stays usable because it was vouched for: {why}.")),
        _ => bail!("{name} was not verified: {why}"),
    }
}

/// The operator's word, which no key can give.
async fn vouch(place: &Place, name: &str) -> anyhow::Result<()> {
    let app = place.here("vouching for a domain")?;
    let actor = operator(app).await?;
    let mut tx = app.db.begin().await?;
    let id = Domain::by_name(&mut tx, actor.organization, name).await?.id;
    Domain::vouch(&mut tx, &actor, id).await?;
    tx.commit().await?;
    let (answer, domain) = find(place, name).await?;
    place.tell(&answer, &format!("{} is usable: you vouch for it.", displayed(&domain.domain)))
}

async fn remove(place: &Place, name: &str, force: bool) -> anyhow::Result<()> {
    let (answer, Shown { domain, credentials, .. }) = find(place, name).await?;
    let name = displayed(&domain);
    if credentials > 0 && !force {
        let who = match credentials {
            1 => "1 credential is".to_owned(),
            many => format!("{many} credentials are"),
        };
        bail!("{who} scoped to {name}: --force removes it, and takes it out of their scope");
    }
    place.delete(&[DOMAINS, &domain], &[("credentials", credentials.to_string())]).await?;
    place.tell(&answer, &format!("Removed {name}."))
}

async fn find(place: &Place, name: &str) -> anyhow::Result<(Answer, Shown)> {
    let answer = place.get(&[DOMAINS, name]).await?;
    let domain = answer.read()?;
    Ok((answer, domain))
}

impl Shown {
    /// As they stand in a zone file.
    fn records(&self) -> String {
        let line = |Record { r#type, host, content }: &Record| format!("{host}. IN {} \"{content}\"", r#type);
        self.dns_records.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
