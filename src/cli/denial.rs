//! `gatepost denial …`: denied log-ins, with their true reason.

use clap::{Args, Subcommand};
use serde::Deserialize;
use uuid::Uuid;

use super::place::Place;

/// Where the API has them.
const DENIALS: &str = "denials";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List denied log-ins with their true reason, newest first
    List(Wanted),
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// The five characters that the reply carried: (ref …)
    #[arg(long)]
    reference: Option<String>,
    /// The id of a credential
    #[arg(long, value_name = "ID")]
    credential: Option<Uuid>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Denial {
    created_at: String,
    reference: String,
    reason: String,
    username: Option<String>,
    door: String,
    address: String,
    hello: Option<String>,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(wanted) => list(place, wanted).await,
    }
}

async fn list(place: &Place, wanted: Wanted) -> anyhow::Result<()> {
    let Wanted { reference, credential, limit } = wanted;
    let query = [("reference", reference), ("credential_id", credential.map(|id| id.to_string()))];
    let head = ["time", "reference", "reason", "username", "door", "from", "client"];
    let rows = place.list(&[DENIALS], &query)?.at_most(limit);
    place
        .tell_all(rows, &head, |answer| {
            let Denial { created_at, reference, reason, username, door, address, hello } = answer.read()?;
            let (username, hello) = (username.unwrap_or_default(), hello.unwrap_or_default());
            Ok(vec![created_at, reference, reason, username, door, address, hello])
        })
        .await
}
