//! `gatepost credential …`: SMTP usernames and passwords. Passwords are printed once, on standard output alone.

mod grace;

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::output::{self, Form, Name, in_own_words, or_never};
use super::place::{Answer, Place};
use crate::clock::Timestamp;
use crate::id::CredentialId;
use crate::model::credential::{Mode, State};

/// Where the API has them.
const CREDENTIALS: &str = "smtp-credentials";

/// The API's names of what can be wrong, and the command line's.
const NAMES: &[Name] = &[
    ("name", "--name"),
    ("sandbox", "--mode"),
    ("domains", "--domain"),
    ("expires_at", "--expires"),
    ("grace_seconds", "--grace"),
    ("unused_for_days", "--unused-for"),
    ("q", "--search"),
];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a credential and print its username and password, once
    Create {
        /// Label, unique where it is given; put the domain into it
        #[arg(long, default_value = "")]
        name: String,
        /// production: mail goes to its recipients; sandbox: everything but delivery
        #[arg(long, default_value = "production", value_name = "production|sandbox")]
        mode: Mode,
        /// Domain that it is for; several may be given. Without one it is for all domains
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
        /// When it stops working, such as 2026-05-03T09:12:44Z
        #[arg(long, value_name = "TIME")]
        expires: Option<Timestamp>,
        #[command(flatten)]
        form: Form,
    },
    /// List credentials, newest first
    List(Wanted),
    /// Show all there is to know of a credential, but for its password
    Show { username: String },
    /// Change what is given; the rest stays as it is
    Edit {
        username: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Give a credential a new password and print it, once
    Rotate {
        username: String,
        /// How long the old password goes on working: from now to 7d, such as 90m, 3h or 2d
        #[arg(long, default_value = "now", value_name = "TIME", value_parser = grace::parse)]
        grace: Duration,
        #[command(flatten)]
        form: Form,
    },
    /// Let the old password stop before the grace of a rotation is over
    EndGrace { username: String },
    /// Switch a credential off without deleting it
    Revoke { username: String },
    /// Switch a revoked credential on again, with the same password
    Enable { username: String },
    /// Delete a credential for good
    Delete { username: String },
}

#[derive(Debug, Args)]
pub struct Wanted {
    /// Part of a name or username
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[arg(long, value_name = "active|revoked|expired")]
    status: Option<State>,
    #[arg(long, value_name = "production|sandbox")]
    mode: Option<Mode>,
    /// Neither used nor created in so many days
    #[arg(long, value_name = "DAYS")]
    unused_for: Option<u64>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Changes {
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_name = "production|sandbox")]
    mode: Option<Mode>,
    /// Domain that it is to be for, and no others; several may be given
    #[arg(long = "domain", value_name = "DOMAIN", conflicts_with = "global")]
    domains: Vec<String>,
    /// For all domains
    #[arg(long)]
    global: bool,
    /// When it stops working, such as 2026-05-03T09:12:44Z
    #[arg(long, value_name = "TIME|never", value_parser = expiry)]
    expires: Option<Expiry>,
}

/// None: never.
type Expiry = Option<Timestamp>;

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" { Ok(None) } else { text.parse().map(Some) }
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Credential {
    id: String,
    name: String,
    username: String,
    status: String,
    mode: String,
    scope: String,
    domains: Vec<String>,
    created_at: String,
    last_used_at: Option<String>,
    last_used_address: Option<String>,
    rotated_at: Option<String>,
    grace_until: Option<String>,
    expires_at: Option<String>,
}

/// … right after its creation or rotation.
#[derive(Deserialize)]
struct Issued {
    username: String,
    password: String,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    in_own_words(act(place, command).await, NAMES)
}

async fn act(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { name, mode, domains, expires, form } => {
            let scope = if domains.is_empty() { "global" } else { "scoped" };
            let body = json!({
                "name": name, "sandbox": mode == Mode::Sandbox, "scope": scope, "domains": domains,
                "expires_at": expires.map(Timestamp::rfc3339),
            });
            reveal(place, &place.post(&[CREDENTIALS], &body).await?, form)
        }
        Command::List(wanted) => list(place, wanted).await,
        Command::Show { username } => show(place, &find(place, &username).await?),
        Command::Edit { username, changes } => {
            let id = id_of(place, &username).await?;
            say(place, &place.patch(&[CREDENTIALS, &id], &changes.body()).await?, "changed")
        }
        Command::Rotate { username, grace, form } => {
            let body = json!({ "grace_seconds": grace.as_secs() });
            reveal(place, &step(place, &username, "rotate", &body).await?, form)
        }
        Command::EndGrace { username } => {
            let answer = step(place, &username, "end-grace", &json!({})).await?;
            say(place, &answer, "has one password")
        }
        Command::Revoke { username } => {
            say(place, &step(place, &username, "revoke", &json!({})).await?, "revoked")
        }
        Command::Enable { username } => {
            let answer = step(place, &username, "enable", &json!({})).await?;
            let is_expired = answer.read::<Credential>()?.status == "expired";
            say(
                place,
                &answer,
                if is_expired { "enabled, but expired: give it a later expiry" } else { "enabled" },
            )
        }
        Command::Delete { username } => {
            let credential = find(place, &username).await?;
            place.delete(&[CREDENTIALS, &credential.read::<Credential>()?.id], &[]).await?;
            say(place, &credential, "deleted")
        }
    }
}

async fn list(place: &Place, wanted: Wanted) -> anyhow::Result<()> {
    let Wanted { search, status, mode, unused_for } = wanted;
    let query = [
        ("q", search),
        ("status", status.map(|status| status.to_string())),
        ("sandbox", mode.map(|mode| (mode == Mode::Sandbox).to_string())),
        ("unused_for_days", unused_for.map(|days| days.to_string())),
    ];
    let head = ["name", "username", "status", "mode", "scope", "last used", "created"];
    place
        .tell_all(place.list(&[CREDENTIALS], &query)?, &head, |answer| {
            let credential: Credential = answer.read()?;
            let scope = output::domains(&credential.scope, &credential.domains);
            let Credential { name, username, status, mode, last_used_at, created_at, .. } = credential;
            Ok(vec![name, username, status, mode, scope, or_never(last_used_at), created_at])
        })
        .await
}

fn show(place: &Place, answer: &Answer) -> anyhow::Result<()> {
    let credential: Credential = answer.read()?;
    let last_used = match credential.last_used_at.zip(credential.last_used_address) {
        Some((at, address)) => format!("{at} from {address}"),
        None => or_never(None),
    };
    let mut facts = vec![
        ("username", credential.username.clone()),
        ("name", credential.name.clone()),
        ("status", credential.status.clone()),
        ("mode", credential.mode.clone()),
        ("scope", output::domains(&credential.scope, &credential.domains)),
        ("last used", last_used),
        ("expires", or_never(credential.expires_at)),
        ("rotated", or_never(credential.rotated_at)),
        ("created", credential.created_at),
    ];
    let old_password = match credential.status.as_str() {
        "active" => "old password works until",
        _ => "old password would work until",
    };
    facts.extend(credential.grace_until.map(|until| (old_password, until)));
    place.tell(answer, &output::facts(&facts))
}

/// `smtp_… revoked.`
fn say(place: &Place, answer: &Answer, done: &str) -> anyhow::Result<()> {
    place.tell(answer, &format!("{} {done}.", answer.read::<Credential>()?.username))
}

/// Prints a new password.
fn reveal(place: &Place, answer: &Answer, form: Form) -> anyhow::Result<()> {
    let Issued { username, password } = answer.read()?;
    place.tell(
        answer,
        &match form {
            Form { env: true } => format!("SMTP_USERNAME={username}\nSMTP_PASSWORD={password}"),
            Form { env: false } => output::facts(&[("username", username), ("password", password)]),
        },
    )
}

/// By its username, or its id.
async fn find(place: &Place, wanted: &str) -> anyhow::Result<Answer> {
    if wanted.parse::<CredentialId>().is_ok() {
        return place.get(&[CREDENTIALS, wanted]).await;
    }
    let query = [("q", Some(wanted.to_owned()))];
    let is_meant = |credential: &Credential| credential.username == wanted;
    Ok(place.find((&[CREDENTIALS], &query), "credential", is_meant).await?.0)
}

async fn id_of(place: &Place, wanted: &str) -> anyhow::Result<String> {
    Ok(find(place, wanted).await?.read::<Credential>()?.id)
}

/// A step in its life.
async fn step(place: &Place, wanted: &str, step: &str, body: &Value) -> anyhow::Result<Answer> {
    place.post(&[CREDENTIALS, &id_of(place, wanted).await?, step], body).await
}

impl Changes {
    fn body(self) -> Value {
        let mut body = Map::new();
        if let Some(name) = self.name {
            body.insert("name".to_owned(), name.into());
        }
        if let Some(mode) = self.mode {
            body.insert("sandbox".to_owned(), (mode == Mode::Sandbox).into());
        }
        if !self.domains.is_empty() {
            body.insert("scope".to_owned(), "scoped".into());
            body.insert("domains".to_owned(), self.domains.into());
        }
        if self.global {
            body.insert("scope".to_owned(), "global".into());
        }
        if let Some(expires) = self.expires {
            body.insert("expires_at".to_owned(), expires.map(Timestamp::rfc3339).into());
        }
        body.into()
    }
}
