//! `gatepost domain …`: the organization's sending domains.

use anyhow::bail;
use clap::Subcommand;

use super::{operator, output};
use crate::app::App;
use crate::model::domain::displayed;
use crate::model::domain::verification::Finding;
use crate::model::{Actor, Domain};
use crate::verification;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a domain
    Add { domain: String },
    /// List the domains and their state
    List,
    /// Look the record of a domain up, now
    Verify {
        domain: String,
        /// Vouch for the domain yourself: it is usable from now on, and its record is not looked up
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

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let actor = operator(&app).await?;
    match command {
        Command::Add { domain } => add(&app, &actor, &domain).await,
        Command::List => list(&app, &actor).await,
        Command::Verify { domain, force: false } => verify(&app, &actor, &domain).await,
        Command::Verify { domain, force: true } => vouch(&app, &actor, &domain).await,
        Command::Remove { domain, force } => remove(&app, &actor, &domain, force).await,
    }
}

async fn add(app: &App, actor: &Actor, name: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let domain = Domain::add(&mut tx, actor, name).await?;
    tx.commit().await?;
    let (record, value) = (domain.record_name(), domain.record_value());
    Ok(output::line(&format!(
        "Added {}. Set this record, then verify it:\n{record}. IN TXT \"{value}\"",
        displayed(&domain.name)
    ))?)
}

async fn list(app: &App, actor: &Actor) -> anyhow::Result<()> {
    let domains = Domain::all(&mut *app.db.read().await?, actor.organization).await?;
    let row = |domain: &Domain| {
        vec![
            displayed(&domain.name),
            domain.state(actor.at).to_string(),
            domain.credentials.to_string(),
            domain.created_at.to_string(),
        ]
    };
    let rows: Vec<_> = domains.iter().map(row).collect();
    Ok(output::table(&["domain", "state", "credentials", "added"], &rows)?)
}

async fn verify(app: &App, actor: &Actor, name: &str) -> anyhow::Result<()> {
    let domain = Domain::by_name(&mut *app.db.read().await?, actor.organization, name).await?;
    let (domain, finding) = verification::look_up(app, actor, domain.id).await?;
    match finding {
        Finding::Present => Ok(output::line(&format!("{} is verified.", displayed(&domain.name)))?),
        Finding::Absent(why) | Finding::Unanswered(why) => {
            bail!("{} was not verified: {why}", displayed(&domain.name))
        }
    }
}

async fn vouch(app: &App, actor: &Actor, name: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let id = Domain::by_name(&mut tx, actor.organization, name).await?.id;
    let domain = Domain::vouch(&mut tx, actor, id).await?;
    tx.commit().await?;
    Ok(output::line(&format!("{} is usable: you vouch for it.", displayed(&domain.name)))?)
}

async fn remove(app: &App, actor: &Actor, name: &str, force: bool) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let domain = Domain::by_name(&mut tx, actor.organization, name).await?;
    if domain.credentials > 0 && !force {
        let who = match domain.credentials {
            1 => "1 credential is".to_owned(),
            many => format!("{many} credentials are"),
        };
        let name = displayed(&domain.name);
        bail!("{who} scoped to {name}: --force removes it, and takes it out of their scope");
    }
    Domain::remove(&mut tx, actor, domain.id, domain.credentials).await?;
    tx.commit().await?;
    Ok(output::line(&format!("Removed {}.", displayed(&domain.name)))?)
}
