//! The audit log: who did what, when, from where.

use sqlx::AnyConnection;

use super::actor::{Actor, ActorKind};
use super::page::{Keyset, Order, Page, Turn, Value};
use super::words;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{EventId, OrganizationId};

words! {
    Action {
        CredentialCreated = "credential.created",
        CredentialUpdated = "credential.updated",
        CredentialRotated = "credential.rotated",
        CredentialGraceEnded = "credential.grace_ended",
        CredentialRevoked = "credential.revoked",
        CredentialEnabled = "credential.enabled",
        CredentialExpired = "credential.expired",
        CredentialDeleted = "credential.deleted",
        DomainAdded = "domain.added",
        DomainVerified = "domain.verified",
        DomainVouchedFor = "domain.vouched_for",
        DomainRecordMissing = "domain.record_missing",
        DomainLost = "domain.lost",
        DomainRemoved = "domain.removed",
        AllowanceChanged = "organization.allowance_changed",
        ApiKeyCreated = "api_key.created",
        ApiKeyUpdated = "api_key.updated",
        ApiKeyDeleted = "api_key.deleted",
        MemberInvited = "member.invited",
        MemberUninvited = "member.uninvited",
        MemberCreated = "member.created",
        MemberRoleChanged = "member.role_changed",
        MemberRemoved = "member.removed",
        MemberLoggedIn = "member.logged_in",
        MemberLoggedOut = "member.logged_out",
        MemberPasswordChanged = "member.password_changed",
        MemberSessionEnded = "member.session_ended",
        WebhookCreated = "webhook.created",
        WebhookUpdated = "webhook.updated",
        WebhookRotated = "webhook.rotated",
        WebhookOverlapEnded = "webhook.overlap_ended",
        WebhookEnabled = "webhook.enabled",
        WebhookDisabled = "webhook.disabled",
        WebhookDeleted = "webhook.deleted",
        WebhookTested = "webhook.tested",
        WebhookRedelivered = "webhook.redelivered",
    }
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub actor_kind: ActorKind,
    /// The member's or the API key's; empty for the others.
    pub actor: String,
    pub actor_label: String,
    /// Empty where the actor came from no network.
    pub address: String,
    pub action: Action,
    /// The id of what it was done to.
    pub subject: String,
    /// Its name at the time.
    pub subject_label: String,
    /// A sentence, or empty.
    pub detail: String,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub action: Option<Action>,
    /// The id of what it was done to.
    pub subject: Option<String>,
}

impl Filter {
    /// The first of them reads its own index; the other one is an expression, so that no database takes its index instead.
    fn equalities(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let action = if self.subject.is_some() { "action || ''" } else { "action" };
        let subject = self.subject.clone().map(|id| ("subject", Value::Text(id)));
        let action = self.action.map(|word| (action, Value::Text(word.to_string())));
        subject.into_iter().chain(action)
    }
}

/// What something was done to: its id, and its name for people.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a, Id> {
    pub id: Id,
    pub label: &'a str,
}

/// What differs, as a sentence for the audit log; empty where nothing does. Each fact: what it is, before, after.
pub(super) fn changes<const N: usize>(facts: [(&str, String, String); N]) -> String {
    let changed = facts.iter().filter(|(_, old, new)| old != new);
    changed.map(|(what, old, new)| format!("{what}: {old} → {new}")).collect::<Vec<_>>().join("; ")
}

const COLUMNS: &str =
    "id, at, actor_kind, actor, actor_label, address, action, subject, subject_label, detail";

impl Event {
    /// Writes it into the transaction of what it reports. Events stand in the order of their changes, whenever the requests for
    /// them came in: each is later than those that were there, so that who follows the log misses none. (On PostgreSQL two
    /// transactions at once may still end in the other order.)
    pub async fn record<Id: std::fmt::Display>(
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
        subject: Subject<'_, Id>,
        detail: &str,
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO events (id, organization, at, actor_kind, actor, actor_label, address, action, subject, \
             subject_label, detail) VALUES ($1, $2, COALESCE((SELECT MAX(at) + 1 FROM events WHERE organization = $2 \
             AND at >= $3), $3), $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(EventId::new())
        .bind(actor.organization)
        .bind(actor.at)
        .bind(actor.kind)
        .bind(&actor.id)
        .bind(&actor.label)
        .bind(actor.address.map(|address| address.to_string()).unwrap_or_default())
        .bind(action)
        .bind(subject.id.to_string())
        .bind(subject.label)
        .bind(detail)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The organization's events, newest first.
    pub async fn page(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        Self::list(connection, organization, &Filter::default(), turn).await
    }

    /// Those that a filter lets through, newest first. Not kept as prepared: PostgreSQL would plan for average values, and read the
    /// whole log to find that nothing of a kind is in it.
    pub async fn list(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        filter: &Filter,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(Order::newest_first("at"), turn)?;
        let (mut conditions, mut values) = (String::new(), Vec::new());
        for (column, value) in filter.equalities() {
            values.push(value);
            conditions.push_str(&format!(" AND {column} = ${}", values.len() + 1));
        }
        let tail = keyset.tail(values.len() + 2);
        let sql = format!("SELECT {COLUMNS} FROM events WHERE organization = $1{conditions}{tail}");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(organization);
        let query = values.into_iter().fold(query, |query, value| value.bind(query));
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(keyset.page(rows, |event: &Self| (event.at.as_micros().to_string(), event.id.to_string())))
    }
}
