//! What `gatepost webhook edit` may change.

use clap::Args;
use serde_json::{Value, json};

use super::choose;
use crate::model::webhook::EventType;

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Changes {
    #[arg(long)]
    name: Option<String>,
    /// Where its requests go: https://…
    #[arg(long)]
    url: Option<String>,
    /// What it is to hear of, and nothing else; several may be given
    #[arg(long = "event", value_name = "EVENT")]
    events: Vec<EventType>,
    /// Domain whose messages and credentials it is to hear of, and no others; several may be given
    #[arg(long = "domain", value_name = "DOMAIN", conflicts_with = "global")]
    domains: Vec<String>,
    /// For all domains
    #[arg(long)]
    global: bool,
}

impl Changes {
    pub fn body(self) -> Value {
        let mut body = json!({});
        if let Some(name) = self.name {
            body["name"] = name.into();
        }
        if let Some(url) = self.url {
            body["url"] = url.into();
        }
        if !self.events.is_empty() {
            choose(&mut body, &self.events);
        }
        if !self.domains.is_empty() {
            body["scope"] = "scoped".into();
            body["domains"] = self.domains.into();
        }
        if self.global {
            body["scope"] = "global".into();
        }
        body
    }
}
