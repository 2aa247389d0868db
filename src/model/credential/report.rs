//! What is written down of a credential, and told to webhooks: what was done to it, and what happened with it. Never a password or
//! a hash.

use serde_json::{Map, Value};

use super::{Credential, Mode};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::OrganizationId;
use crate::model::actor::Actor;
use crate::model::event::{Action, Event};
use crate::model::login::{LoginCount, LoginKey};
use crate::model::webhook::{EventType, News, Report, Told};

impl Credential {
    /// Writes a change into the audit log, and tells webhooks, if there is an event of the same word. `more`: for them.
    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
        (detail, mut more): (&str, Map<String, Value>),
    ) -> Result<()> {
        Event::record(tx, actor, action, self.subject(), detail).await?;
        let Ok(event) = action.as_str().parse() else { return Ok(()) };
        more.insert("by".to_owned(), actor.label.as_str().into());
        self.report(tx, (actor.organization, actor.at), event, more).await
    }

    /// Tells that `event` happened at `at`; `more` is what is known of it beside the credential.
    pub(in crate::model) async fn report(
        &self,
        tx: &mut Tx,
        (organization, at): (OrganizationId, Timestamp),
        event: EventType,
        more: Map<String, Value>,
    ) -> Result<()> {
        let report = Report { organization, at, message: None };
        report
            .tell(tx, async |_| {
                let mut data = self.data(at);
                data.extend(more);
                Ok(Told { domains: self.domains.clone(), news: vec![News { event, data: data.into() }] })
            })
            .await
    }

    /// Tells of the first log-in that it was ever used for.
    pub(in crate::model) async fn report_first_use(
        tx: &mut Tx,
        key: &LoginKey,
        count: &LoginCount,
    ) -> Result<()> {
        let credential = Self::find(tx, key.organization, key.credential).await?;
        let told = object([
            ("address", key.address.to_string().into()),
            ("door", key.door.as_str().into()),
            ("hello", count.hello.as_str().into()),
        ]);
        let event = EventType::CredentialFirstUsed;
        credential.report(tx, (key.organization, count.last_at), event, told).await
    }

    fn data(&self, at: Timestamp) -> Map<String, Value> {
        object([
            ("id", self.id.to_string().into()),
            ("name", self.name.as_str().into()),
            ("username", self.username.as_str().into()),
            ("status", self.state(at).as_str().into()),
            ("mode", self.mode.as_str().into()),
            ("sandbox", (self.mode == Mode::Sandbox).into()),
            ("scope", self.scope.as_str().into()),
            ("domains", self.domains.clone().into()),
        ])
    }
}

/// A JSON object of these fields.
pub(in crate::model) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
