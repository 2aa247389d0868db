//! `gatepost event …`: the audit log.

use clap::{Args, Subcommand};
use serde::Deserialize;
use uuid::Uuid;

use super::place::Place;
use crate::model::event::Action;

/// Where the API has them.
const EVENTS: &str = "events";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what was done, by whom and from where, newest first
    List(Wanted),
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// What was done, such as credential.rotated
    #[arg(long)]
    action: Option<Action>,
    /// The id of what it was done to: a credential, a domain, a webhook …
    #[arg(long, value_name = "ID")]
    subject: Option<Uuid>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Event {
    created_at: String,
    action: String,
    actor_name: String,
    address: Option<String>,
    subject_id: String,
    subject_name: String,
    detail: Option<String>,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(wanted) => list(place, wanted).await,
    }
}

async fn list(place: &Place, wanted: Wanted) -> anyhow::Result<()> {
    let Wanted { action, subject, limit } = wanted;
    let query = [
        ("action", action.map(|action| action.to_string())),
        ("subject_id", subject.map(|id| id.to_string())),
    ];
    let head = ["time", "by", "from", "action", "subject", "subject id", "detail"];
    let rows = place.list(&[EVENTS], &query)?.at_most(limit);
    place
        .tell_all(rows, &head, |answer| {
            let Event { created_at, action, actor_name, address, subject_id, subject_name, detail } =
                answer.read()?;
            let (from, detail) = (address.unwrap_or_default(), detail.unwrap_or_default());
            Ok(vec![created_at, actor_name, from, action, subject_name, subject_id, detail])
        })
        .await
}
