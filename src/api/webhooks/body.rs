//! What stands in the bodies of answers, and the words of both.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::api::words::{one_of, words_of};
use crate::api::{some, time};
use crate::model::Webhook;
use crate::model::credential::Scope;
use crate::model::webhook::{EventType, IssuedWebhook};

words_of! {
    /// `global`: all domains of the account; `scoped`: the listed ones.
    WebhookScope(Scope),
}

/// An endpoint that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookBody {
    object: WebhookObject,
    id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    name: String,
    #[schema(format = "uri")]
    url: String,
    enabled: bool,
    on_reception: bool,
    on_delivered: bool,
    on_transient_error: bool,
    on_failed: bool,
    on_bounced: bool,
    on_suppressed: bool,
    /// Always false: Gatepost changes no message to see it opened.
    #[schema(schema_with = never)]
    on_opened: bool,
    /// Always false: Gatepost changes no link.
    #[schema(schema_with = never)]
    on_clicked: bool,
    /// Always false: Gatepost keeps no list of suppressed recipients.
    #[schema(schema_with = never)]
    on_suppression_created: bool,
    /// Always false: a domain's `status` tells it.
    #[schema(schema_with = never)]
    on_dns_error: bool,
    /// Gatepost's own: what it is told of SMTP credentials.
    events: Vec<CredentialEvent>,
    scope: WebhookScope,
    /// Of a scoped webhook.
    domains: Vec<String>,
    #[schema(minimum = 0)]
    success_count: i64,
    #[schema(minimum = 0)]
    error_count: i64,
    #[schema(minimum = 0)]
    errors_since_last_success: i64,
    #[schema(required, format = DateTime)]
    last_request_at: Option<String>,
    /// Gatepost's own: a sentence, where Gatepost switched it off by itself.
    #[schema(required)]
    disabled_because: Option<String>,
}

/// A webhook with the secret that signs, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedWebhook {
    #[serde(flatten)]
    webhook: WebhookBody,
    secret: String,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookObject {
    Webhook,
}

/// An event of an SMTP credential.
#[derive(Clone, Copy, Debug)]
pub struct CredentialEvent(pub EventType);

impl Serialize for CredentialEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for CredentialEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = EventType::deserialize(deserializer)?;
        if event.is_of_message() {
            let why = format!("{event} is chosen by {}, events are those of credentials", event.on());
            return Err(serde::de::Error::custom(why));
        }
        Ok(Self(event))
    }
}

impl PartialSchema for CredentialEvent {
    fn schema() -> RefOr<Schema> {
        let own = EventType::ALL.iter().filter(|event| !event.is_of_message());
        one_of(own.map(|event| event.as_str())).into()
    }
}

impl ToSchema for CredentialEvent {}

/// False: of what there is no event for.
pub fn never() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([false])).build()
}

/// False or null.
pub fn never_or_null() -> Object {
    let kinds = SchemaType::from_iter([Type::Boolean, Type::Null]);
    ObjectBuilder::new().schema_type(kinds).enum_values(Some([Some(false), None])).build()
}

impl WebhookBody {
    pub fn of(webhook: &Webhook) -> Self {
        let hears = |event| webhook.events.contains(&event);
        let own = webhook.events.iter().filter(|event| !event.is_of_message());
        Self {
            object: WebhookObject::Webhook,
            id: webhook.id.uuid(),
            created_at: time(webhook.created_at),
            updated_at: time(webhook.updated_at),
            name: webhook.name.clone(),
            url: webhook.url.clone(),
            enabled: webhook.enabled,
            on_reception: hears(EventType::MessageReception),
            on_delivered: hears(EventType::MessageDelivered),
            on_transient_error: hears(EventType::MessageTransientError),
            on_failed: hears(EventType::MessageFailed),
            on_bounced: hears(EventType::MessageBounced),
            on_suppressed: hears(EventType::MessageSuppressed),
            on_opened: false,
            on_clicked: false,
            on_suppression_created: false,
            on_dns_error: false,
            events: own.copied().map(CredentialEvent).collect(),
            scope: WebhookScope(webhook.scope),
            domains: webhook.domains.clone(),
            success_count: webhook.successes,
            error_count: webhook.failures,
            errors_since_last_success: webhook.failures_in_a_row,
            last_request_at: webhook.last_request_at.map(time),
            disabled_because: some(webhook.disabled_because.clone()),
        }
    }
}

impl CreatedWebhook {
    pub fn of(issued: &IssuedWebhook) -> Self {
        let webhook = WebhookBody::of(&issued.webhook);
        Self { webhook, secret: issued.secret.expose().to_owned() }
    }
}
