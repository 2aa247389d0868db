//! What requests say of a webhook.

use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{CredentialEvent, WebhookScope, never, never_or_null};
use crate::api::failure::{Failure, Result};
use crate::api::input::domains;
use crate::model::Webhook;
use crate::model::credential::Scope;
use crate::model::webhook::{Draft, EventType};

/// A webhook to be. It is told of what is chosen, and of nothing else.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Shop",
    "url": "https://shop.example/hooks/gatepost",
    "scope": "global",
    "on_bounced": true,
    "on_failed": true,
    "events": ["credential.auth_failed"]
}))]
pub struct CreateWebhook {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// `http` or `https`, on the Internet or in a network that the operator allows.
    #[schema(format = "uri", max_length = 2000)]
    url: String,
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    #[serde(default)]
    on_reception: bool,
    #[serde(default)]
    on_delivered: bool,
    #[serde(default)]
    on_transient_error: bool,
    #[serde(default)]
    on_failed: bool,
    #[serde(default)]
    on_bounced: bool,
    #[serde(default)]
    on_suppressed: bool,
    /// There is no such event: true is refused.
    #[serde(default)]
    #[schema(schema_with = never)]
    on_opened: bool,
    /// There is no such event: true is refused.
    #[serde(default)]
    #[schema(schema_with = never)]
    on_clicked: bool,
    /// There is no such event: true is refused.
    #[serde(default)]
    #[schema(schema_with = never)]
    on_suppression_created: bool,
    /// There is no such event: true is refused.
    #[serde(default)]
    #[schema(schema_with = never)]
    on_dns_error: bool,
    /// Gatepost's own: what it is told of SMTP credentials.
    #[serde(default)]
    events: Vec<CredentialEvent>,
    scope: WebhookScope,
    /// Of a scoped webhook: at least one. Of a global one: none.
    domains: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}

/// What is to be changed; what is left out, or null, stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub struct UpdateWebhook {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// `http` or `https`, on the Internet or in a network that the operator allows.
    #[schema(format = "uri", max_length = 2000)]
    url: Option<String>,
    pub enabled: Option<bool>,
    on_reception: Option<bool>,
    on_delivered: Option<bool>,
    on_transient_error: Option<bool>,
    on_failed: Option<bool>,
    on_bounced: Option<bool>,
    on_suppressed: Option<bool>,
    /// There is no such event: true is refused.
    #[schema(schema_with = never_or_null)]
    on_opened: Option<bool>,
    /// There is no such event: true is refused.
    #[schema(schema_with = never_or_null)]
    on_clicked: Option<bool>,
    /// There is no such event: true is refused.
    #[schema(schema_with = never_or_null)]
    on_suppression_created: Option<bool>,
    /// There is no such event: true is refused.
    #[schema(schema_with = never_or_null)]
    on_dns_error: Option<bool>,
    /// Gatepost's own: all that it is told of SMTP credentials from now on.
    events: Option<Vec<CredentialEvent>>,
    scope: Option<WebhookScope>,
    domains: Option<Vec<String>>,
}

impl CreateWebhook {
    /// What it asks for, and whether it is to be enabled.
    pub fn draft(&self) -> Result<(Draft, bool)> {
        let nothing = Draft {
            name: String::new(),
            url: String::new(),
            events: Vec::new(),
            scope: self.scope.0,
            domains: Vec::new(),
        };
        let all = UpdateWebhook {
            name: Some(self.name.clone()),
            url: Some(self.url.clone()),
            enabled: Some(self.enabled),
            on_reception: Some(self.on_reception),
            on_delivered: Some(self.on_delivered),
            on_transient_error: Some(self.on_transient_error),
            on_failed: Some(self.on_failed),
            on_bounced: Some(self.on_bounced),
            on_suppressed: Some(self.on_suppressed),
            on_opened: Some(self.on_opened),
            on_clicked: Some(self.on_clicked),
            on_suppression_created: Some(self.on_suppression_created),
            on_dns_error: Some(self.on_dns_error),
            events: Some(self.events.clone()),
            scope: Some(self.scope),
            domains: self.domains.clone(),
        };
        Ok((all.change(nothing)?, self.enabled))
    }
}

impl UpdateWebhook {
    pub fn draft(&self, before: &Webhook) -> Result<Draft> {
        self.change(Draft {
            name: before.name.clone(),
            url: before.url.clone(),
            events: before.events.clone(),
            scope: before.scope,
            domains: before.domains.clone(),
        })
    }

    /// # Errors
    /// The first field that asks for an event that there is not; `domains`.
    fn change(&self, mut draft: Draft) -> Result<Draft> {
        for (field, chosen) in [
            ("on_opened", self.on_opened),
            ("on_clicked", self.on_clicked),
            ("on_suppression_created", self.on_suppression_created),
            ("on_dns_error", self.on_dns_error),
        ] {
            if chosen == Some(true) {
                return Err(Failure::bad(format!("{field}: Gatepost has no such event; leave it false.")));
            }
        }
        draft.name = self.name.clone().unwrap_or(draft.name);
        draft.url = self.url.clone().unwrap_or(draft.url);
        draft.events.retain(|event| !self.sheds(*event));
        draft.events.extend(self.chosen());
        if let Some(WebhookScope(scope)) = self.scope {
            draft.scope = scope;
        }
        draft.domains = match &self.domains {
            Some(names) => domains(names)?,
            None if draft.scope == Scope::Global => Vec::new(),
            None => draft.domains,
        };
        Ok(draft)
    }

    fn of_messages(&self) -> [(EventType, Option<bool>); 6] {
        [
            (EventType::MessageReception, self.on_reception),
            (EventType::MessageDelivered, self.on_delivered),
            (EventType::MessageTransientError, self.on_transient_error),
            (EventType::MessageFailed, self.on_failed),
            (EventType::MessageBounced, self.on_bounced),
            (EventType::MessageSuppressed, self.on_suppressed),
        ]
    }

    /// Whether it decides anew about an event.
    fn sheds(&self, event: EventType) -> bool {
        match event.is_of_message() {
            true => self.of_messages().iter().any(|(one, chosen)| *one == event && chosen.is_some()),
            false => self.events.is_some(),
        }
    }

    fn chosen(&self) -> impl Iterator<Item = EventType> {
        let of_messages = self.of_messages().into_iter().filter(|(_, chosen)| *chosen == Some(true));
        let own = self.events.iter().flatten().map(|CredentialEvent(event)| *event);
        of_messages.map(|(event, _)| event).chain(own)
    }
}
