//! Create, edit, revoke, re-enable, expire, delete.

use serde_json::Map;

use super::report::object;
use super::{Credential, Draft, FreshPassword, IssuedCredential, Scope, Status};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result, is_duplicate, is_still_named};
use crate::id::{CredentialId, OrganizationId, PasswordId};
use crate::model::actor::Actor;
use crate::model::domain::Domain;
use crate::model::event::Action;
use crate::secret::generate_username;

impl Credential {
    /// Creates an active credential.
    ///
    /// # Errors
    /// `name` when another has it; what [`Draft::checked`] refuses; `domains` that are not of the organization.
    pub async fn create(
        tx: &mut Tx,
        actor: &Actor,
        draft: Draft,
        fresh: FreshPassword,
    ) -> Result<IssuedCredential> {
        let draft = draft.checked(actor.at, None)?;
        let id = CredentialId::new();
        sqlx::query(
            "INSERT INTO credentials (id, organization, name, sort_name, username, status, mode, scope, password_id, \
             password_hash, created_at, created_by, updated_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $13)",
        )
        .bind(id)
        .bind(actor.organization)
        .bind(&draft.name)
        .bind(draft.sort_name())
        .bind(generate_username())
        .bind(Status::Active)
        .bind(draft.mode)
        .bind(draft.scope)
        .bind(PasswordId::new())
        .bind(fresh.hash)
        .bind(actor.at)
        .bind(&actor.label)
        .bind(draft.expires_at)
        .execute(&mut **tx)
        .await
        .map_err(|error| name_taken(error, &draft.name))?;
        set_domains(tx, actor.organization, id, &draft).await?;
        let credential = Self::find(tx, actor.organization, id).await?;
        let detail = credential.told_by_username();
        credential.note(tx, actor, Action::CredentialCreated, (&detail, Map::new())).await?;
        Ok(IssuedCredential { credential, password: fresh.password })
    }

    /// Changes everything that can be chosen.
    pub async fn update(tx: &mut Tx, actor: &Actor, id: CredentialId, draft: Draft) -> Result<Self> {
        let before = Self::find_to_change(tx, actor.organization, id).await?;
        let draft = draft.checked(actor.at, Some(&before))?;
        let changes = draft.changes(&before);
        if changes.is_empty() {
            return Ok(before);
        }
        sqlx::query(
            "UPDATE credentials SET name = $3, sort_name = $4, mode = $5, scope = $6, expires_at = $7, updated_at = $8, \
             expiry_noted = CASE WHEN expires_at = $7 THEN expiry_noted ELSE 0 END WHERE organization = $1 AND id = $2",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(&draft.name)
        .bind(draft.sort_name())
        .bind(draft.mode)
        .bind(draft.scope)
        .bind(draft.expires_at)
        .bind(actor.at)
        .execute(&mut **tx)
        .await
        .map_err(|error| name_taken(error, &draft.name))?;
        set_domains(tx, actor.organization, id, &draft).await?;
        let after = Self::find(tx, actor.organization, id).await?;
        after.note_update(tx, actor, &changes).await?;
        Ok(after)
    }

    async fn note_update(&self, tx: &mut Tx, actor: &Actor, changes: &str) -> Result<()> {
        self.note(tx, actor, Action::CredentialUpdated, (changes, object([("changes", changes.into())])))
            .await
    }

    /// Switches it off. Revoking what is revoked changes nothing.
    pub async fn revoke(tx: &mut Tx, actor: &Actor, id: CredentialId) -> Result<Self> {
        Self::set_status(tx, actor, id, Status::Revoked, Action::CredentialRevoked).await
    }

    /// Switches it on again, with the same password. Enabling what is active changes nothing.
    pub async fn enable(tx: &mut Tx, actor: &Actor, id: CredentialId) -> Result<Self> {
        Self::set_status(tx, actor, id, Status::Active, Action::CredentialEnabled).await
    }

    async fn set_status(
        tx: &mut Tx,
        actor: &Actor,
        id: CredentialId,
        status: Status,
        action: Action,
    ) -> Result<Self> {
        let changed = sqlx::query(
            "UPDATE credentials SET status = $3, updated_at = $4 WHERE organization = $1 AND id = $2 AND status <> $3",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(status)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        let credential = Self::find(tx, actor.organization, id).await?;
        if changed > 0 {
            credential.note(tx, actor, action, ("", Map::new())).await?;
        }
        Ok(credential)
    }

    /// Deletes it for good.
    pub async fn delete(tx: &mut Tx, actor: &Actor, id: CredentialId) -> Result<Self> {
        let credential = Self::find_to_change(tx, actor.organization, id).await?;
        sqlx::query("DELETE FROM credentials WHERE organization = $1 AND id = $2")
            .bind(actor.organization)
            .bind(id)
            .execute(&mut **tx)
            .await?;
        let detail = credential.told_by_username();
        credential.note(tx, actor, Action::CredentialDeleted, (&detail, Map::new())).await?;
        Ok(credential)
    }

    /// Takes a domain out of the scope of a credential that names it. With its last one it can send from none.
    pub async fn leave_domain(tx: &mut Tx, actor: &Actor, id: CredentialId, domain: &Domain) -> Result<Self> {
        let before = Self::find_to_change(tx, actor.organization, id).await?;
        let sql =
            "DELETE FROM credential_domains WHERE organization = $1 AND credential = $2 AND domain = $3";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(domain.id).execute(&mut **tx).await?;
        let sql = "UPDATE credentials SET updated_at = $3 WHERE organization = $1 AND id = $2";
        sqlx::query(sql).bind(actor.organization).bind(id).bind(actor.at).execute(&mut **tx).await?;
        let after = Self::find(tx, actor.organization, id).await?;
        let left = if after.domains.is_empty() { "no domain".to_owned() } else { after.domains.join(" ") };
        let detail = format!("scope: {} → {left}", before.domains.join(" "));
        after.note_update(tx, actor, &detail).await?;
        Ok(after)
    }

    /// Whether `typed` is what a person must type before this is deleted: its name, or its username where it has none.
    ///
    /// # Errors
    /// `confirmation`, saying what to type.
    pub fn check_confirmation(&self, typed: &str) -> Result<()> {
        // A page shows many spaces as one.
        if typed.split_whitespace().eq(self.label().split_whitespace()) {
            return Ok(());
        }
        Err(Error::invalid("confirmation", format!("Type {} to confirm.", self.label())))
    }

    /// What ties its name to its username in the audit log, also when it is gone.
    fn told_by_username(&self) -> String {
        format!("username {}", self.username)
    }

    /// Notes in the audit log a bounded number of credentials that have expired; returns how many.
    pub async fn note_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
        let expired: Vec<(OrganizationId, CredentialId)> = sqlx::query_as(
            "UPDATE credentials SET expiry_noted = 1 WHERE expiry_noted = 0 AND expires_at <= $1 AND id IN \
             (SELECT id FROM credentials WHERE expires_at <= $1 AND expiry_noted = 0 ORDER BY expires_at LIMIT 100) \
             RETURNING organization, id",
        )
        .bind(now)
        .fetch_all(&mut **tx)
        .await?;
        for (organization, id) in &expired {
            let credential = Self::find(tx, *organization, *id).await?;
            let actor = Actor::system(*organization, now);
            let expired = object([("expires_at", credential.expires_at.map(Timestamp::rfc3339).into())]);
            credential.note(tx, &actor, Action::CredentialExpired, ("", expired)).await?;
        }
        Ok(expired.len().try_into().unwrap_or(u64::MAX))
    }
}

/// Writes which domains a scoped credential is for.
async fn set_domains(
    tx: &mut Tx,
    organization: OrganizationId,
    id: CredentialId,
    draft: &Draft,
) -> Result<()> {
    sqlx::query("DELETE FROM credential_domains WHERE organization = $1 AND credential = $2")
        .bind(organization)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    if draft.scope == Scope::Global {
        return Ok(());
    }
    let names: Vec<&str> = draft.domains.iter().map(String::as_str).collect();
    let ours = Domain::named(tx, organization, &names).await?;
    for name in &draft.domains {
        let not_ours = || {
            let why = format!("{name} is not a domain of this organization: add it under Domains first.");
            Error::invalid("domains", why)
        };
        let domain = ours.get(name).ok_or_else(not_ours)?;
        let sql = "INSERT INTO credential_domains (organization, credential, domain) VALUES ($1, $2, $3)";
        let query = sqlx::query(sql).bind(organization).bind(id).bind(*domain);
        query.execute(&mut **tx).await.map_err(|error| match is_still_named(&error) {
            // It was removed in this moment (PostgreSQL).
            true => not_ours(),
            false => error.into(),
        })?;
    }
    Ok(())
}

fn name_taken(error: sqlx::Error, name: &str) -> Error {
    if is_duplicate(&error) {
        Error::taken("name", format!("There is a credential named “{name}” already."))
    } else {
        error.into()
    }
}
