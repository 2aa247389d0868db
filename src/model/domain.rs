//! Sending domains of the organization, in A-labels, lower case, without a final dot.

mod usable;

use sqlx::AnyConnection;

use super::actor::Actor;
use super::event::{Action, Event, Subject};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result, is_duplicate, is_still_named};
use crate::id::{DomainId, OrganizationId};

pub use usable::Sending;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Domain {
    pub id: DomainId,
    pub name: String,
    pub created_at: Timestamp,
    /// How many scoped credentials name it.
    pub credentials: i64,
}

/// The most domains that one organization may have: the dashboard lists them all.
pub const MAX_DOMAINS: i64 = 1_000;

impl Domain {
    /// # Errors
    /// `name`: not a domain, there already, or one too many.
    pub async fn add(tx: &mut Tx, actor: &Actor, name: &str) -> Result<Self> {
        let name = normalize(name)?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM domains WHERE organization = $1")
            .bind(actor.organization)
            .fetch_one(&mut **tx)
            .await?;
        if count >= MAX_DOMAINS {
            return Err(Error::invalid(
                "name",
                format!("There are {MAX_DOMAINS} domains already: remove one first."),
            ));
        }
        let domain = Self { id: DomainId::new(), name, created_at: actor.at, credentials: 0 };
        sqlx::query("INSERT INTO domains (id, organization, name, created_at, created_by) VALUES ($1, $2, $3, $4, $5)")
            .bind(domain.id)
            .bind(actor.organization)
            .bind(&domain.name)
            .bind(domain.created_at)
            .bind(&actor.label)
            .execute(&mut **tx)
            .await
            .map_err(|error| match is_duplicate(&error) {
                true => Error::invalid("name", format!("{} is there already.", domain.name)),
                false => error.into(),
            })?;
        Event::record(tx, actor, Action::DomainAdded, Subject { id: domain.id, label: &domain.name }, "")
            .await?;
        Ok(domain)
    }

    /// # Errors
    /// [`Error::Conflict`] while a scoped credential names it: the credential would silently lose it.
    pub async fn remove(tx: &mut Tx, actor: &Actor, id: DomainId) -> Result<Self> {
        let domain = Self::find(tx, actor.organization, id).await?;
        if domain.credentials > 0 {
            return Err(in_use(&domain.name, domain.credentials));
        }
        let gone = sqlx::query("DELETE FROM domains WHERE organization = $1 AND id = $2")
            .bind(actor.organization)
            .bind(id)
            .execute(&mut **tx)
            .await
            .map_err(|error| if is_still_named(&error) { in_use(&domain.name, 1) } else { error.into() })?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("domain"));
        }
        Event::record(tx, actor, Action::DomainRemoved, Subject { id, label: &domain.name }, "").await?;
        Ok(domain)
    }

    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: DomainId,
    ) -> Result<Self> {
        let sql = "SELECT id, name, created_at, (SELECT COUNT(*) FROM credential_domains c WHERE c.domain = domains.id) \
                   AS credentials FROM domains WHERE organization = $1 AND id = $2";
        let found = sqlx::query_as(sql).bind(organization).bind(id).fetch_optional(connection).await?;
        found.ok_or(Error::NotFound("domain"))
    }

    /// All of them (at most [`MAX_DOMAINS`]), by name.
    pub async fn all(connection: &mut AnyConnection, organization: OrganizationId) -> Result<Vec<Self>> {
        let sql = "SELECT id, name, created_at, (SELECT COUNT(*) FROM credential_domains c WHERE c.domain = domains.id) \
                   AS credentials FROM domains WHERE organization = $1 ORDER BY name";
        Ok(sqlx::query_as(sql).bind(organization).fetch_all(connection).await?)
    }
}

fn in_use(name: &str, credentials: i64) -> Error {
    let who = if credentials == 1 {
        "1 credential is".to_owned()
    } else {
        format!("{credentials} credentials are")
    };
    Error::Conflict(format!("{who} scoped to {name}: edit or delete them first."))
}

/// A domain name as it is kept: trimmed, lower case, no final dot, A-labels (RFC 5890), at least two labels.
///
/// # Errors
/// `name`, saying which part is wrong.
pub fn normalize(text: &str) -> Result<String> {
    let refused = |why: String| Error::invalid("name", why);
    let text = text.trim().trim_end_matches('.');
    if text.is_empty() {
        return Err(refused("Enter a domain, such as example.com.".to_owned()));
    }
    let name = idna::domain_to_ascii_strict(text)
        .map_err(|_| refused(format!("“{text}” is not a domain name, such as example.com.")))?;
    if !name.contains('.') {
        return Err(refused(format!("“{text}” has no dot: enter the whole domain, such as {text}.com.")));
    }
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(refused(format!("“{text}” is an address, not a domain.")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn a_domain_is_kept_in_lower_case_a_labels() {
        for (given, kept) in [
            (" Example.COM. ", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("a.b.c", "a.b.c"),
        ] {
            assert_eq!(normalize(given).ok().as_deref(), Some(kept));
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        for given in [
            "",
            ".",
            "com",
            "a..b",
            "a b.com",
            "-a.com",
            "a_b.com",
            "192.0.2.1",
            "0x7f.1",
            "http://a.com",
            "a@b.com",
            &"a".repeat(300),
        ] {
            assert!(normalize(given).is_err(), "{given}");
        }
    }
}
