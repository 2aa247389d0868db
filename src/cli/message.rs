//! `gatepost message …`: the log of what was sent.

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::output::{self, Name, in_own_words};
use super::place::Place;
use crate::clock::Timestamp;
use crate::model::credential::Mode;
use crate::model::message::Outcome;

/// Where the API has them.
const MESSAGES: &str = "messages";

/// The API's names of what can be wrong, and the command line's.
const NAMES: &[Name] =
    &[("message_id", "<ID>"), ("q", "--search"), ("since", "--since"), ("until", "--until")];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List messages, newest first
    List(Wanted),
    /// Show a message's line, and what became of each recipient
    Show {
        /// As the list has it
        id: String,
    },
    /// Print a sandbox message as it was taken, header and body
    Source {
        /// As the list has it
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// Part of a sender, a From header, a recipient, a subject or a Message-ID
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// What became of them, or (bounced, deferred, suppressed) of one of their recipients
    #[arg(long)]
    outcome: Option<Outcome>,
    #[arg(long, value_name = "production|sandbox")]
    mode: Option<Mode>,
    /// Not before, such as 2026-05-03T09:12:44Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Before
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Message {
    id: String,
    created_at: String,
    credential_name: String,
    sandbox: bool,
    outcome: String,
    answer: Option<String>,
    sender: Option<String>,
    recipient_count: u32,
    first_recipient: String,
    header_from: String,
    subject: String,
    message_id_header: String,
    size: u64,
    address: String,
    #[serde(default)]
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    address: String,
    outcome: String,
    answer: Option<String>,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    in_own_words(act(place, command).await, NAMES)
}

async fn act(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(wanted) => list(place, wanted).await,
        Command::Show { id } => show(place, &id).await,
        Command::Source { id } => Ok(output::write(&place.get_bytes(&[MESSAGES, &id, "source"]).await?)?),
    }
}

async fn list(place: &Place, wanted: Wanted) -> anyhow::Result<()> {
    let Wanted { search, outcome, mode, since, until, limit } = wanted;
    let query = [
        ("q", search),
        ("outcome", outcome.map(|outcome| outcome.to_string())),
        ("sandbox", mode.map(|mode| (mode == Mode::Sandbox).to_string())),
        ("since", since.map(Timestamp::rfc3339)),
        ("until", until.map(Timestamp::rfc3339)),
    ];
    let head = ["time", "credential", "mode", "from", "to", "subject", "outcome", "id"];
    let rows = place.list(&[MESSAGES], &query)?.at_most(limit);
    place
        .tell_all(rows, &head, |answer| {
            let message: Message = answer.read()?;
            let (from, to, mode) = (message.from(), message.to(), message.mode());
            let Message { id, created_at, credential_name, subject, outcome, .. } = message;
            Ok(vec![created_at, credential_name, mode, from, to, subject, outcome, id])
        })
        .await
}

async fn show(place: &Place, id: &str) -> anyhow::Result<()> {
    let answer = place.get(&[MESSAGES, id]).await?;
    let message: Message = answer.read()?;
    let mut facts = vec![
        ("id", message.id.clone()),
        ("time", message.created_at.clone()),
        ("credential", message.credential_name.clone()),
        ("mode", message.mode()),
        ("return path", message.from()),
        ("from", message.header_from.clone()),
        ("subject", message.subject.clone()),
        ("message id", message.message_id_header.clone()),
        ("size", format!("{} bytes", message.size)),
        ("client", message.address.clone()),
        ("outcome", message.outcome.clone()),
    ];
    facts.extend(message.answer.clone().map(|answer| ("answer", answer)));
    facts.extend(message.recipients.iter().map(|recipient| {
        let answer = recipient.answer.as_deref().unwrap_or_default();
        ("to", format!("{}  {}  {answer}", recipient.address, recipient.outcome))
    }));
    place.tell(&answer, &output::facts(&facts))
}

impl Message {
    fn mode(&self) -> String {
        if self.sandbox { "sandbox" } else { "production" }.to_owned()
    }

    fn from(&self) -> String {
        self.sender.clone().unwrap_or_else(|| "<>".to_owned())
    }

    fn to(&self) -> String {
        match self.recipient_count {
            0 | 1 => self.first_recipient.clone(),
            many => format!("{} and {} more", self.first_recipient, many - 1),
        }
    }
}
