//! Sending domains of the organization, in A-labels, lower case, without a final dot.

mod removal;
mod usable;
pub mod verification;

use std::collections::HashMap;

use sqlx::AnyConnection;

use super::actor::Actor;
use super::event::Action;
use super::page::{Keyset, Order, Page, Turn};
use crate::clock::Timestamp;
use crate::db::{Tx, places};
use crate::error::{Error, Result, is_duplicate};
use crate::id::{DomainId, OrganizationId};

pub use removal::Naming;
pub use usable::Sending;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Domain {
    pub id: DomainId,
    pub name: String,
    pub created_at: Timestamp,
    /// The newest change or look-up.
    pub updated_at: Timestamp,
    /// Since when it is; none: it never was.
    pub verified_at: Option<Timestamp>,
    /// 1: an operator vouches for it.
    forced: i16,
    /// The newest look-up.
    pub checked_at: Option<Timestamp>,
    /// None: it is not looked up by itself.
    pub next_check_at: Option<Timestamp>,
    /// Since when the record of a verified domain is gone.
    pub lost_at: Option<Timestamp>,
    /// The end of the grace that began then.
    pub usable_until: Option<Timestamp>,
    /// What the newest look-up found instead of the record, a sentence; or empty.
    pub problem: String,
    /// How many scoped credentials name it.
    pub credentials: i64,
    /// How many API keys have scopes for it.
    pub api_keys: i64,
}

const SELECT: &str = "SELECT id, name, created_at, updated_at, verified_at, forced, checked_at, next_check_at, lost_at, \
     usable_until, problem, (SELECT COUNT(*) FROM credential_domains c WHERE c.domain = domains.id) AS credentials, \
     (SELECT COUNT(DISTINCT s.api_key) FROM api_key_scopes s WHERE s.domain = domains.id) AS api_keys FROM domains";

/// What [`Domain::is_usable_at`] says at the time `$2`.
const IS_USABLE: &str = "verified_at IS NOT NULL AND (usable_until IS NULL OR usable_until > $2)";

/// The most domains that one organization may have: the dashboard lists them all.
pub const MAX_DOMAINS: i64 = 1_000;

/// Names that one statement looks for at most.
const NAMES_AT_ONCE: usize = 500;

/// RFC 1035 section 2.3.4, as text without the final dot.
const MAX_NAME_BYTES: usize = 253;

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
        let id = DomainId::new();
        sqlx::query(
            "INSERT INTO domains (id, organization, name, created_at, updated_at, created_by, next_check_at) \
             VALUES ($1, $2, $3, $4, $4, $5, $6)",
        )
        .bind(id)
        .bind(actor.organization)
        .bind(&name)
        .bind(actor.at)
        .bind(&actor.label)
        .bind(verification::first_check(actor.at))
        .execute(&mut **tx)
        .await
        .map_err(|error| match is_duplicate(&error) {
            true => Error::taken("name", format!("{} is there already.", displayed(&name))),
            false => error.into(),
        })?;
        let domain = Self::find(tx, actor.organization, id).await?;
        domain.record(tx, actor, Action::DomainAdded, "").await?;
        Ok(domain)
    }

    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: DomainId,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE organization = $1 AND id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("domain"))
    }

    /// `name`: as a person types it.
    pub async fn by_name(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE organization = $1 AND name = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(normalize(name)?);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("domain"))
    }

    /// The ids of those of the organization's domains that are among `names`, which are as they are kept.
    pub async fn named(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        names: &[&str],
    ) -> Result<HashMap<String, DomainId>> {
        let mut found = HashMap::new();
        // PostgreSQL takes no NUL, not even to look for it.
        let names: Vec<&str> = names.iter().copied().filter(|name| !name.contains('\0')).collect();
        for names in names.chunks(NAMES_AT_ONCE) {
            let sql = format!(
                "SELECT name, id FROM domains WHERE organization = $1 AND name IN ({})",
                places(2, names.len())
            );
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
            let query = names.iter().fold(query, |query, name| query.bind(*name));
            found.extend(query.fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    /// Newest first; `usable`: only those that mail may be sent from, or only the others.
    pub async fn page(
        connection: &mut AnyConnection,
        (organization, now): (OrganizationId, Timestamp),
        usable: Option<bool>,
        turn: &Turn,
    ) -> Result<Page<Self>> {
        let keyset = Keyset::new(Order::newest_first("created_at"), turn)?;
        let (condition, first) = match usable {
            None => (String::new(), 2),
            Some(true) => (format!(" AND {IS_USABLE}"), 3),
            Some(false) => (format!(" AND NOT ({IS_USABLE})"), 3),
        };
        let sql = format!("{SELECT} WHERE organization = $1{condition}{}", keyset.tail(first));
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
        let query = if usable.is_some() { query.bind(now) } else { query };
        let rows = keyset.bind(query).fetch_all(connection).await?;
        let place = |domain: &Self| (domain.created_at.as_micros().to_string(), domain.id.to_string());
        Ok(keyset.page(rows, place))
    }

    /// All of them (at most [`MAX_DOMAINS`]), in the order of how they read.
    pub async fn all(connection: &mut AnyConnection, organization: OrganizationId) -> Result<Vec<Self>> {
        let sql = format!("{SELECT} WHERE organization = $1");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization);
        let mut all: Vec<Self> = query.fetch_all(connection).await?;
        all.sort_by_cached_key(|domain| unicode(&domain.name).unwrap_or_else(|| domain.name.clone()));
        Ok(all)
    }
}

/// A domain in text for people: with what it reads like, where that differs: `bücher.example (xn--bcher-kva.example)`. Both,
/// because letters of other scripts can look alike.
pub fn displayed(name: &str) -> String {
    match unicode(name) {
        Some(readable) => format!("{readable} ({name})"),
        None => name.to_owned(),
    }
}

/// A domain in U-labels (RFC 5890), where it has any.
pub fn unicode(name: &str) -> Option<String> {
    let (readable, outcome) = idna::domain_to_unicode(name);
    Some(readable).filter(|readable| outcome.is_ok() && readable != name)
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
        return Err(refused(format!("“{text}” has no dot: enter the whole domain, such as example.com.")));
    }
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(refused(format!("“{text}” is an address, not a domain.")));
    }
    if name.len() + verification::RECORD_LABEL.len() + 1 > MAX_NAME_BYTES {
        return Err(refused(format!("“{text}” is too long for a record below it.")));
    }
    Ok(name)
}

/// The name as it is kept of a domain that is written as one already, in A-labels or in U-labels (RFC 5890 section 2.3.2.1), but
/// for ASCII upper case and one final dot. Mail goes on as it is written, and what first has to be mapped others may map to
/// something else.
pub fn as_written(text: &str) -> Option<String> {
    let name = normalize(text).ok()?;
    let written = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    (written == name || unicode(&name).is_some_and(|readable| written == readable)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{as_written, normalize};

    #[test]
    fn a_domain_that_first_has_to_be_mapped_is_none_as_written() {
        for (written, kept) in [
            ("Shop.Example", "shop.example"),
            ("shop.example.", "shop.example"),
            ("bücher.EXAMPLE", "xn--bcher-kva.example"),
            ("XN--bcher-kva.example", "xn--bcher-kva.example"),
            ("straße.example", "xn--strae-oqa.example"),
        ] {
            assert_eq!(as_written(written).as_deref(), Some(kept), "{written}");
        }
        for mapped in [
            "shop.example\u{3000}",
            "\u{a0}shop.example",
            "shop.example\u{200b}",
            "shop\u{3002}example",
            "shop\u{ff0e}example",
            "sh\u{ad}op.example",
            "\u{ff53}hop.example",
            "shop.exampl\u{1d49}",
            "\u{212a}iosk.example",
            "B\u{dc}cher.example",
            "bu\u{308}cher.example",
            " shop.example",
            "shop.example..",
        ] {
            assert!(normalize(mapped).is_ok(), "{mapped:?}");
            assert_eq!(as_written(mapped), None, "{mapped:?}");
        }
    }

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
