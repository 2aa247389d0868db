//! `gatepost credential …`: for scripts. Secrets are printed once, on standard output alone.

use clap::{Args, Subcommand};

use super::{operator, output};
use crate::app::App;
use crate::model::credential::{Draft, Filter, Grace, IssuedCredential, Listing, Mode, Scope, Sort};
use crate::model::domain::normalize;
use crate::model::page::Turn;
use crate::model::{Actor, Credential};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a credential and print its username and password, once
    Create {
        /// Label, unique in the organization; put the domain into it
        #[arg(long, default_value = "")]
        name: String,
        /// production: mail goes to its recipients; sandbox: everything but delivery
        #[arg(long, default_value = "production", value_name = "production|sandbox")]
        mode: Mode,
        /// Domain that it is for; several may be given. Without one it is for all domains
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
        #[command(flatten)]
        format: Format,
    },
    /// List credentials
    List {
        /// Part of a name or username
        #[arg(long, default_value = "")]
        search: String,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Give a credential a new password and print it, once
    Rotate {
        username: String,
        /// How long the old password goes on working
        #[arg(long, default_value = "now", value_name = "now|1h|24h|7d")]
        grace: Grace,
        #[command(flatten)]
        format: Format,
    },
    /// Switch a credential off without deleting it
    Revoke { username: String },
    /// Switch a revoked credential on again, with the same password
    Enable { username: String },
    /// Delete a credential for good
    Delete { username: String },
}

/// How username and password are printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// As SMTP_USERNAME= and SMTP_PASSWORD= lines
    #[arg(long, conflicts_with = "json")]
    env: bool,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let actor = operator(&app).await?;
    match command {
        Command::Create { name, mode, domains, format } => {
            let domains = domains.iter().map(|name| normalize(name)).collect::<Result<Vec<_>, _>>()?;
            let scope = if domains.is_empty() { Scope::Global } else { Scope::Scoped };
            create(&app, &actor, Draft { name, mode, scope, domains, expires_at: None }, format).await
        }
        Command::List { search, json } => list(&app, &actor, search, json).await,
        Command::Rotate { username, grace, format } => rotate(&app, &actor, &username, grace, format).await,
        Command::Revoke { username } => switch(&app, &actor, &username, Switch::Revoke).await,
        Command::Enable { username } => switch(&app, &actor, &username, Switch::Enable).await,
        Command::Delete { username } => switch(&app, &actor, &username, Switch::Delete).await,
    }
}

async fn create(app: &App, actor: &Actor, draft: Draft, format: Format) -> anyhow::Result<()> {
    let fresh = app.hashing().fresh().await?;
    let mut tx = app.db.begin().await?;
    let issued = Credential::create(&mut tx, actor, draft, fresh).await?;
    tx.commit().await?;
    print(&issued, format)
}

async fn rotate(
    app: &App,
    actor: &Actor,
    username: &str,
    grace: Grace,
    format: Format,
) -> anyhow::Result<()> {
    let mut connection = app.db.read().await?;
    let credential = Credential::by_username(&mut connection, actor.organization, username).await?;
    let current = Credential::current_hash(&mut connection, actor.organization, credential.id).await?;
    drop(connection);
    let fresh = app.hashing().fresh_beside(current).await?;
    let mut tx = app.db.begin().await?;
    let issued = Credential::rotate(&mut tx, actor, credential.id, grace.duration(), fresh).await?;
    tx.commit().await?;
    print(&issued, format)
}

enum Switch {
    Revoke,
    Enable,
    Delete,
}

async fn switch(app: &App, actor: &Actor, username: &str, switch: Switch) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let id = Credential::by_username(&mut tx, actor.organization, username).await?.id;
    let done = match switch {
        Switch::Revoke => (Credential::revoke(&mut tx, actor, id).await?, "revoked"),
        Switch::Enable => (Credential::enable(&mut tx, actor, id).await?, "enabled"),
        Switch::Delete => (Credential::delete(&mut tx, actor, id).await?, "deleted"),
    };
    tx.commit().await?;
    Ok(output::line(&format!("{} {}.", done.0.username, done.1))?)
}

fn print(issued: &IssuedCredential, format: Format) -> anyhow::Result<()> {
    let (username, password) = (&issued.credential.username, issued.password.expose());
    let text = match format {
        Format { env: true, .. } => format!("SMTP_USERNAME={username}\nSMTP_PASSWORD={password}"),
        Format { json: true, .. } => {
            let mut object = describe(&issued.credential);
            object["password"] = password.into();
            object.to_string()
        }
        _ => format!("username  {username}\npassword  {password}"),
    };
    Ok(output::line(&text)?)
}

fn describe(credential: &Credential) -> serde_json::Value {
    serde_json::json!({
        "id": credential.id,
        "name": credential.name,
        "username": credential.username,
        "status": credential.status.as_str(),
        "mode": credential.mode.as_str(),
        "scope": credential.scope.as_str(),
        "domains": credential.domains,
        "created_at": credential.created_at.rfc3339(),
        "expires_at": credential.expires_at.map(|at| at.rfc3339()),
        "last_used_at": credential.last_used.as_ref().map(|used| used.at.rfc3339()),
    })
}

/// All that match, a page at a time.
async fn list(app: &App, actor: &Actor, search: String, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let turn = Turn::new(after.as_deref(), None, 500)?;
        let filter = Filter { search: search.clone(), ..Filter::default() };
        let listing = Listing { filter, sort: Sort::Name, descending: false, turn };
        let mut connection = app.db.read().await?;
        let page = Credential::list(&mut connection, actor.organization, &listing, actor.at).await?;
        if json {
            page.rows.iter().try_for_each(|credential| output::line(&describe(credential).to_string()))?;
        } else {
            rows.extend(page.rows.iter().map(|credential| row(credential, actor)));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if json {
        Ok(())
    } else {
        Ok(output::table(&["name", "username", "status", "mode", "scope", "last used", "created"], &rows)?)
    }
}

fn row(credential: &Credential, actor: &Actor) -> Vec<String> {
    let scope = match credential.scope {
        Scope::Global => "global".to_owned(),
        Scope::Scoped => credential.domains.join(","),
    };
    vec![
        credential.name.clone(),
        credential.username.clone(),
        credential.state(actor.at).to_string(),
        credential.mode.to_string(),
        scope,
        credential.last_used.as_ref().map_or("never".to_owned(), |used| used.at.rfc3339()),
        credential.created_at.rfc3339(),
    ]
}
