//! `gatepost api-key …`: keys for programs that use the API. A key is printed once, on standard output alone.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use super::output::{Form, Name, in_own_words, or_never};
use super::place::{Answer, Place};

/// Where the API has them.
const API_KEYS: &str = "api-keys";

/// The API's names of what can be wrong, and the command line's.
const NAMES: &[Name] = &[("label", "--label"), ("scopes", "--scope"), ("ip_allow_list", "--allow")];

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
        form: Form,
    },
    /// List the keys, without what opens anything
    List,
    /// Change what is given; the rest stays as it is
    Edit {
        /// Its public key (gp-pk-…), or its id
        #[arg(value_name = "PUBLIC_KEY_OR_ID")]
        key: String,
        #[command(flatten)]
        changes: Changes,
    },
    /// Delete a key: it is refused from the next request on
    Delete {
        /// Its public key (gp-pk-…), or its id
        #[arg(value_name = "PUBLIC_KEY_OR_ID")]
        key: String,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Changes {
    /// Which program it is for
    #[arg(long)]
    label: Option<String>,
    /// What it is to do, and nothing else; several may be given
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Network or address from which it is to work, and from no others; several may be given
    #[arg(long = "allow", value_name = "NETWORK", conflicts_with = "anywhere")]
    networks: Vec<String>,
    /// Let it work from anywhere
    #[arg(long)]
    anywhere: bool,
}

/// What people are shown of it.
#[derive(Deserialize)]
struct Key {
    id: String,
    label: String,
    public_key: String,
    scopes: Vec<Scope>,
    ip_allow_list: Vec<String>,
    created_at: String,
    last_used_at: Option<String>,
}

#[derive(Deserialize)]
struct Scope {
    scope: String,
}

/// … right after its creation.
#[derive(Deserialize)]
struct Issued {
    secret_key: String,
}

pub async fn run(place: &Place, command: Command) -> anyhow::Result<()> {
    in_own_words(act(place, command).await, NAMES)
}

async fn act(place: &Place, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { label, scopes, networks, form } => {
            let body = json!({ "label": label, "scopes": scopes, "ip_allow_list": networks });
            reveal(place, &place.post(&[API_KEYS], &body).await?, form)
        }
        Command::List => list(place).await,
        Command::Edit { key, changes } => {
            let id = find(place, &key).await?.1.id;
            say(place, &place.put(&[API_KEYS, &id], &changes.body()).await?, "changed")
        }
        Command::Delete { key } => {
            let (answer, key) = find(place, &key).await?;
            place.delete(&[API_KEYS, &key.id], &[]).await?;
            say(place, &answer, "deleted")
        }
    }
}

fn reveal(place: &Place, answer: &Answer, form: Form) -> anyhow::Result<()> {
    let Issued { secret_key } = answer.read()?;
    let text = match form {
        Form { env: true } => format!("GATEPOST_API_KEY={secret_key}\nGATEPOST_SERVER={}", place.server()),
        Form { env: false } => secret_key,
    };
    place.tell(answer, &text)
}

async fn list(place: &Place) -> anyhow::Result<()> {
    let head = ["label", "public key", "scopes", "allowed from", "last used", "created"];
    place
        .tell_all(place.list(&[API_KEYS], &[])?, &head, |answer| {
            let Key { label, public_key, scopes, ip_allow_list, created_at, last_used_at, .. } =
                answer.read()?;
            let scopes = scopes.into_iter().map(|held| held.scope).collect();
            let (scopes, from) = (or(scopes, "none"), or(ip_allow_list, "anywhere"));
            Ok(vec![label, public_key, scopes, from, or_never(last_used_at), created_at])
        })
        .await
}

fn or(words: Vec<String>, none: &str) -> String {
    if words.is_empty() { none.to_owned() } else { words.join(",") }
}

/// By its public key, or its id.
async fn find(place: &Place, wanted: &str) -> anyhow::Result<(Answer, Key)> {
    let is_meant = |key: &Key| key.public_key == wanted || key.id == wanted;
    place.find((&[API_KEYS], &[]), "API key", is_meant).await
}

/// `Deployment (gp-pk-…) deleted.`
fn say(place: &Place, answer: &Answer, done: &str) -> anyhow::Result<()> {
    let Key { label, public_key, .. } = answer.read()?;
    place.tell(answer, &format!("{label} ({public_key}) {done}."))
}

impl Changes {
    fn body(self) -> Value {
        let mut body = json!({});
        if let Some(label) = self.label {
            body["label"] = label.into();
        }
        if !self.scopes.is_empty() {
            body["scopes"] = self.scopes.into();
        }
        if self.anywhere || !self.networks.is_empty() {
            body["ip_allow_list"] = self.networks.into();
        }
        body
    }
}
