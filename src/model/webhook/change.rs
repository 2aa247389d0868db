//! Create, edit, rotate the secret, disable, enable, delete.

use std::time::Duration;

use super::{AllowedNetworks, Delivery, Draft, EventType, IssuedWebhook, MAX_WEBHOOKS, Webhook};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::WebhookId;
use crate::model::actor::Actor;
use crate::model::credential::Scope;
use crate::model::domain::Domain;
use crate::model::event::{Action, Event};
use crate::model::words;
use crate::secret::WebhookSecret;

words! {
    /// How long the old secret goes on signing beside the new one.
    Overlap {
        Now = "now",
        OneDay = "24h",
    }
}

impl Overlap {
    pub const fn duration(self) -> Duration {
        match self {
            Self::Now => Duration::ZERO,
            Self::OneDay => Duration::from_secs(24 * 3_600),
        }
    }
}

impl Webhook {
    /// Creates an enabled webhook with a secret of its own.
    ///
    /// # Errors
    /// What [`Draft::checked`] refuses; `domains` that are not of the organization; `name` (taken) when there are too many already.
    pub async fn create(
        tx: &mut Tx,
        actor: &Actor,
        draft: Draft,
        networks: &AllowedNetworks,
    ) -> Result<IssuedWebhook> {
        let draft = draft.checked(actor, networks, None)?;
        check_domains(tx, actor, &draft).await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM webhooks WHERE organization = $1")
            .bind(actor.organization)
            .fetch_one(&mut **tx)
            .await?;
        if count >= MAX_WEBHOOKS {
            let why = format!("There are {MAX_WEBHOOKS} webhooks already: delete one first.");
            return Err(Error::taken("name", why));
        }
        let (id, secret) = (WebhookId::new(), WebhookSecret::generate());
        sqlx::query(
            "INSERT INTO webhooks (id, organization, name, sort_name, url, events, scope, domains, enabled, secret, \
             created_at, created_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $10)",
        )
        .bind(id)
        .bind(actor.organization)
        .bind(&draft.name)
        .bind(draft.name.to_lowercase())
        .bind(&draft.url)
        .bind(EventType::join(&draft.events))
        .bind(draft.scope)
        .bind(draft.domains.join(" "))
        .bind(secret.expose())
        .bind(actor.at)
        .bind(&actor.label)
        .execute(&mut **tx)
        .await?;
        let webhook = Self::find(tx, actor.organization, id).await?;
        Event::record(tx, actor, Action::WebhookCreated, webhook.subject(), &webhook.url).await?;
        Ok(IssuedWebhook { webhook, secret })
    }

    /// Changes everything that can be chosen. What waits for delivery goes to the new URL.
    pub async fn update(
        tx: &mut Tx,
        actor: &Actor,
        id: WebhookId,
        draft: Draft,
        networks: &AllowedNetworks,
    ) -> Result<()> {
        let before = Self::find_to_change(tx, actor.organization, id).await?;
        let draft = draft.checked(actor, networks, Some(&before))?;
        let changes = draft.changes(&before);
        if changes.is_empty() {
            return Ok(());
        }
        if draft.domains != before.domains {
            check_domains(tx, actor, &draft).await?;
        }
        sqlx::query(
            "UPDATE webhooks SET name = $3, sort_name = $4, url = $5, events = $6, scope = $7, domains = $8, \
             updated_at = $9 WHERE organization = $1 AND id = $2",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(&draft.name)
        .bind(draft.name.to_lowercase())
        .bind(&draft.url)
        .bind(EventType::join(&draft.events))
        .bind(draft.scope)
        .bind(draft.domains.join(" "))
        .bind(actor.at)
        .execute(&mut **tx)
        .await?;
        let after = Self::find(tx, actor.organization, id).await?;
        Event::record(tx, actor, Action::WebhookUpdated, after.subject(), &changes).await
    }

    /// Gives it a new secret. With an overlap the one before it signs too for that long; one from an earlier rotation stops.
    pub async fn rotate_secret(
        tx: &mut Tx,
        actor: &Actor,
        id: WebhookId,
        overlap: Duration,
    ) -> Result<IssuedWebhook> {
        let (secret, until) =
            (WebhookSecret::generate(), (!overlap.is_zero()).then(|| actor.at.plus(overlap)));
        sqlx::query(
            "UPDATE webhooks SET previous_secret = CASE WHEN $3 = 1 THEN secret END, previous_until = $4, secret = $5, \
             updated_at = $6 WHERE organization = $1 AND id = $2",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(i16::from(until.is_some()))
        .bind(until)
        .bind(secret.expose())
        .bind(actor.at)
        .execute(&mut **tx)
        .await?;
        let webhook = Self::find(tx, actor.organization, id).await?;
        let detail = until.map_or("the old secret stopped at once".to_owned(), |until| {
            format!("the old secret signs too until {until}")
        });
        Event::record(tx, actor, Action::WebhookRotated, webhook.subject(), &detail).await?;
        Ok(IssuedWebhook { webhook, secret })
    }

    /// Ends the overlap of the last rotation: the old secret signs no more. Without one nothing changes.
    pub async fn end_overlap(tx: &mut Tx, actor: &Actor, id: WebhookId) -> Result<()> {
        let ended = sqlx::query(
            "UPDATE webhooks SET previous_secret = NULL, previous_until = NULL, updated_at = $3 \
             WHERE organization = $1 AND id = $2 AND previous_until > $3",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?;
        let webhook = Self::find(tx, actor.organization, id).await?;
        if ended.rows_affected() > 0 {
            Event::record(tx, actor, Action::WebhookOverlapEnded, webhook.subject(), "").await?;
        }
        Ok(())
    }

    /// Forgets old secrets whose overlap is over.
    pub async fn forget_previous(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let sql =
            "UPDATE webhooks SET previous_secret = NULL, previous_until = NULL WHERE previous_until <= $1";
        Ok(sqlx::query(sql).bind(now).execute(&mut **tx).await?.rows_affected())
    }

    /// Switches it off: what happens from now on is not told to it; what waits for delivery goes on waiting.
    pub async fn disable(tx: &mut Tx, actor: &Actor, id: WebhookId) -> Result<()> {
        Self::switch(tx, actor, id, false, "").await
    }

    /// Switches it on again, with a clean record; what waits is delivered at once.
    pub async fn enable(tx: &mut Tx, actor: &Actor, id: WebhookId) -> Result<()> {
        Self::switch(tx, actor, id, true, "").await?;
        tx.bring_news();
        Ok(())
    }

    /// `why`: a sentence, where Gatepost switches it off by itself. What is so already stays so.
    pub(super) async fn switch(
        tx: &mut Tx,
        actor: &Actor,
        id: WebhookId,
        enabled: bool,
        why: &str,
    ) -> Result<()> {
        let changed = sqlx::query(
            "UPDATE webhooks SET enabled = $3, disabled_because = $4, updated_at = $5, \
             failures_in_a_row = CASE WHEN $3 = 1 THEN 0 ELSE failures_in_a_row END \
             WHERE organization = $1 AND id = $2 AND enabled <> $3",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(i16::from(enabled))
        .bind(why)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        let webhook = Self::find(tx, actor.organization, id).await?;
        if changed > 0 {
            if enabled {
                Delivery::hasten(tx, actor, id).await?;
            }
            let action = if enabled { Action::WebhookEnabled } else { Action::WebhookDisabled };
            Event::record(tx, actor, action, webhook.subject(), why).await?;
        }
        Ok(())
    }

    /// Deletes it for good. What waited for delivery goes nowhere; a job forgets it, and what is known of earlier deliveries.
    pub async fn delete(tx: &mut Tx, actor: &Actor, id: WebhookId) -> Result<Self> {
        let webhook = Self::find_to_change(tx, actor.organization, id).await?;
        for sql in [
            "DELETE FROM webhooks WHERE organization = $1 AND id = $2",
            "INSERT INTO webhooks_gone (organization, webhook) VALUES ($1, $2) ON CONFLICT (webhook) DO NOTHING",
        ] {
            sqlx::query(sql).bind(actor.organization).bind(id).execute(&mut **tx).await?;
        }
        Event::record(tx, actor, Action::WebhookDeleted, webhook.subject(), &webhook.url).await?;
        Ok(webhook)
    }
}

/// A scoped webhook keeps names, not rows: a domain that is removed sends nothing more, and may come back.
async fn check_domains(tx: &mut Tx, actor: &Actor, draft: &Draft) -> Result<()> {
    if draft.scope == Scope::Global {
        return Ok(());
    }
    let names: Vec<&str> = draft.domains.iter().map(String::as_str).collect();
    let ours = Domain::named(tx, actor.organization, &names).await?;
    match draft.domains.iter().find(|name| !ours.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::invalid("domains", format!("{name} is not a domain of this organization."))),
    }
}
