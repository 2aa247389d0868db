//! `gatepost webhook …`: the endpoints that hear what happens.

use clap::Subcommand;

use super::{operator, output};
use crate::app::App;
use crate::model::Webhook;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the webhooks, without their secrets
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(app: App, command: Command) -> anyhow::Result<()> {
    let Command::List { json } = command;
    let actor = operator(&app).await?;
    let webhooks = Webhook::all(&mut *app.db.read().await?, actor.organization).await?;
    if json {
        webhooks.iter().try_for_each(|webhook| output::line(&describe(webhook).to_string()))?;
        return Ok(());
    }
    let rows: Vec<_> = webhooks.iter().map(row).collect();
    Ok(output::table(&["name", "url", "state", "scope", "failures in a row", "last request"], &rows)?)
}

fn describe(webhook: &Webhook) -> serde_json::Value {
    serde_json::json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "enabled": webhook.enabled,
        "disabled_because": webhook.disabled_because,
        "events": webhook.events.iter().map(|event| event.as_str()).collect::<Vec<_>>(),
        "scope": webhook.scope.as_str(),
        "domains": webhook.domains,
        "success_count": webhook.successes,
        "error_count": webhook.failures,
        "errors_since_last_success": webhook.failures_in_a_row,
        "last_request_at": webhook.last_request_at.map(|at| at.rfc3339()),
        "created_at": webhook.created_at.rfc3339(),
    })
}

fn row(webhook: &Webhook) -> Vec<String> {
    let state = if webhook.enabled { "enabled" } else { "disabled" };
    let scope = if webhook.domains.is_empty() { "global".to_owned() } else { webhook.domains.join(",") };
    vec![
        webhook.name.clone(),
        webhook.url.clone(),
        state.to_owned(),
        scope,
        webhook.failures_in_a_row.to_string(),
        webhook.last_request_at.map_or("never".to_owned(), |at| at.rfc3339()),
    ]
}
