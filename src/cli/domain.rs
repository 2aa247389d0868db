//! `gatepost domain …`: the organization's sending domains.

use clap::Subcommand;

use super::{operator, output};
use crate::app::App;
use crate::error::Error;
use crate::model::Domain;
use crate::model::domain::normalize;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a domain
    Add { domain: String },
    /// List the domains
    List,
    /// Remove a domain that no credential is scoped to
    Remove { domain: String },
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let actor = operator(&app).await?;
    match command {
        Command::Add { domain } => {
            let mut tx = app.db.begin().await?;
            let domain = Domain::add(&mut tx, &actor, &domain).await?;
            tx.commit().await?;
            output::line(&format!("Added {}.", domain.name))?;
        }
        Command::List => {
            let domains = Domain::all(&mut *app.db.read().await?, actor.organization).await?;
            let row = |domain: &Domain| {
                vec![domain.name.clone(), domain.credentials.to_string(), domain.created_at.to_string()]
            };
            output::table(&["domain", "credentials", "added"], &domains.iter().map(row).collect::<Vec<_>>())?;
        }
        Command::Remove { domain } => {
            let name = normalize(&domain)?;
            let mut tx = app.db.begin().await?;
            let all = Domain::all(&mut tx, actor.organization).await?;
            let found = all.iter().find(|domain| domain.name == name).ok_or(Error::NotFound("domain"))?;
            Domain::remove(&mut tx, &actor, found.id).await?;
            tx.commit().await?;
            output::line(&format!("Removed {name}."))?;
        }
    }
    Ok(())
}
