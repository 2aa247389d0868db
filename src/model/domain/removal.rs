//! What goes with a domain that is removed: its place in the scope of the credentials that name it, and the scopes for it of API
//! keys.

use sqlx::AnyConnection;

use super::Domain;
use crate::db::Tx;
use crate::error::{Error, Result, is_still_named};
use crate::id::{CredentialId, DomainId, OrganizationId};
use crate::model::actor::Actor;
use crate::model::api_key::ApiKey;
use crate::model::credential::{Credential, LABEL};
use crate::model::event::Action;

/// More credentials than this are not changed at once.
const MAX_CREDENTIALS: i64 = 1_000;

/// A scoped credential that names a domain.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Naming {
    pub id: CredentialId,
    /// Its name, or its username where it has none.
    pub label: String,
    /// How many domains it names in all. With its only one it can send from none.
    pub domains: i64,
}

impl Domain {
    /// The first `limit` of the scoped credentials that name it, those first that name no other.
    pub async fn named_by(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: DomainId,
        limit: i64,
    ) -> Result<Vec<Naming>> {
        let sql = format!(
            "SELECT c.id, {LABEL} AS label, \
             (SELECT COUNT(*) FROM credential_domains o WHERE o.credential = c.id) AS domains \
             FROM credential_domains s JOIN credentials c ON c.id = s.credential \
             WHERE s.organization = $1 AND s.domain = $2 ORDER BY domains, c.sort_name, c.id LIMIT $3"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id).bind(limit);
        Ok(query.fetch_all(connection).await?)
    }

    /// Removes it, also out of the scope of the credentials that name it, and the scopes for it of API keys. `told`: how many
    /// credentials these are, as far as whoever acts knows.
    ///
    /// # Errors
    /// [`Error::Conflict`] when more name it than that: they would silently lose it.
    pub async fn remove(tx: &mut Tx, actor: &Actor, id: DomainId, told: i64) -> Result<Self> {
        let domain = Self::find(tx, actor.organization, id).await?;
        if domain.credentials > MAX_CREDENTIALS {
            let why = "credentials are scoped to it: take it out of some of them first.";
            return Err(Error::Conflict(format!("More than {MAX_CREDENTIALS} {why}")));
        }
        if domain.credentials > told {
            return Err(in_use(&domain.name, domain.credentials));
        }
        let naming = Self::named_by(tx, actor.organization, id, MAX_CREDENTIALS).await?;
        for credential in &naming {
            Credential::leave_domain(tx, actor, credential.id, &domain).await?;
        }
        ApiKey::leave_domain(tx, actor, &domain).await?;
        let gone = sqlx::query("DELETE FROM domains WHERE organization = $1 AND id = $2")
            .bind(actor.organization)
            .bind(id)
            .execute(&mut **tx)
            .await
            .map_err(|error| if is_still_named(&error) { in_use(&domain.name, 1) } else { error.into() })?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("domain"));
        }
        domain.record(tx, actor, Action::DomainRemoved, "").await?;
        Ok(domain)
    }
}

fn in_use(name: &str, credentials: i64) -> Error {
    let who = if credentials == 1 {
        "1 credential is".to_owned()
    } else {
        format!("{credentials} credentials are")
    };
    Error::Conflict(format!(
        "{who} scoped to {}: look at what they lose, then confirm it.",
        super::displayed(name)
    ))
}
