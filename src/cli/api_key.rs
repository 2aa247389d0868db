//! `gatepost api-key …`: keys for programs that use the API. A key is printed once, on standard output alone.

use clap::{Args, Subcommand};

use super::{operator, output};
use crate::app::App;
use crate::model::api_key::{Draft, IssuedApiKey};
use crate::model::page::Turn;
use crate::model::{Actor, ApiKey};
use crate::network::Network;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key and print it, once
    Create {
        /// Which program it is for
        #[arg(long)]
        label: String,
        /// What it may do: `smtp-credentials:read:all`, `smtp-credentials:read:{shop.example}`, `*` …; several may be given
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// Network or address from which it works; several may be given. Without one it works from anywhere
        #[arg(long = "allow", value_name = "NETWORK")]
        networks: Vec<String>,
        #[command(flatten)]
        format: Format,
    },
    /// List the keys, without what opens anything
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Delete a key: it is refused from the next request on
    Delete {
        /// Its public key (gp-pk-…), or its id
        #[arg(value_name = "PUBLIC_KEY_OR_ID")]
        key: String,
    },
}

/// How a new key is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Format {
    /// As GATEPOST_API_KEY= and GATEPOST_ACCOUNT_ID= lines
    #[arg(long, conflicts_with = "json")]
    env: bool,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let actor = operator(&app).await?;
    match command {
        Command::Create { label, scopes, networks, format } => {
            create(&app, &actor, &Draft { label, scopes, networks }, format).await
        }
        Command::List { json } => list(&app, &actor, json).await,
        Command::Delete { key } => delete(&app, &actor, &key).await,
    }
}

async fn create(app: &App, actor: &Actor, draft: &Draft, format: Format) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let IssuedApiKey { key, secret } = ApiKey::create(&mut tx, actor, draft).await?;
    tx.commit().await?;
    let text = match format {
        Format { env: true, .. } => {
            format!("GATEPOST_API_KEY={}\nGATEPOST_ACCOUNT_ID={}", secret.expose(), key.organization)
        }
        Format { json: true, .. } => {
            let mut object = describe(&key);
            object["secret_key"] = secret.expose().into();
            object.to_string()
        }
        _ => secret.expose().to_owned(),
    };
    Ok(output::line(&text)?)
}

async fn delete(app: &App, actor: &Actor, name: &str) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    let id = ApiKey::by_name(&mut tx, actor.organization, name).await?.id;
    let key = ApiKey::delete(&mut tx, actor, id).await?;
    tx.commit().await?;
    Ok(output::line(&format!("{} ({}) deleted.", key.label, key.public_key))?)
}

/// All of them, a page at a time.
async fn list(app: &App, actor: &Actor, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let turn = Turn::new(after.as_deref(), None, 500)?;
        let page = ApiKey::page(&mut *app.db.read().await?, actor.organization, &turn).await?;
        if json {
            page.rows.iter().try_for_each(|key| output::line(&describe(key).to_string()))?;
        } else {
            rows.extend(page.rows.iter().map(row));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if json {
        return Ok(());
    }
    Ok(output::table(&["label", "public key", "scopes", "allowed from", "last used", "created"], &rows)?)
}

fn describe(key: &ApiKey) -> serde_json::Value {
    serde_json::json!({
        "id": key.id,
        "account_id": key.organization,
        "label": key.label,
        "public_key": key.public_key,
        "scopes": scopes(key),
        "ip_allow_list": networks(key),
        "created_at": key.created_at.rfc3339(),
        "updated_at": key.updated_at.rfc3339(),
        "last_used_at": key.last_used_at.map(|at| at.rfc3339()),
    })
}

fn row(key: &ApiKey) -> Vec<String> {
    let or =
        |words: Vec<String>, none: &str| if words.is_empty() { none.to_owned() } else { words.join(",") };
    vec![
        key.label.clone(),
        key.public_key.clone(),
        or(scopes(key), "none"),
        or(networks(key), "anywhere"),
        key.last_used_at.map_or("never".to_owned(), |at| at.rfc3339()),
        key.created_at.rfc3339(),
    ]
}

fn scopes(key: &ApiKey) -> Vec<String> {
    key.scopes.iter().map(|held| held.scope.to_string()).collect()
}

fn networks(key: &ApiKey) -> Vec<String> {
    key.networks.iter().map(Network::to_string).collect()
}
