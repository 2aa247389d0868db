//! People who log in to the dashboard.

mod role;

use std::collections::HashSet;
use std::time::Duration;

use sqlx::AnyConnection;

use super::actor::{Actor, ActorKind};
use super::event::{Action, Event, Subject};
use super::name;
use super::session::Session;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Problems, Result, is_duplicate};
use crate::id::{MemberId, OrganizationId};
use crate::secret::{MAX_PASSWORD_BYTES, Password, PasswordHash};

pub use role::Role;

/// The fewest characters of a member's password (NIST SP 800-63B asks for 8; 12 without a second factor).
pub const MIN_PASSWORD_CHARACTERS: usize = 12;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Member {
    pub id: MemberId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub organization: OrganizationId,
    pub created_at: Timestamp,
    /// A session that began with an earlier password is over.
    pub password_set_at: Timestamp,
}

/// A member with what proves that it is them. Never shown.
#[derive(Debug, sqlx::FromRow)]
pub struct MemberSecret {
    #[sqlx(flatten)]
    pub member: Member,
    pub password_hash: PasswordHash,
}

impl MemberSecret {
    /// Stores the same password under stronger parameters, unless it was changed meanwhile.
    pub async fn renew_hash(&self, tx: &mut Tx, hash: &PasswordHash) -> Result<()> {
        let sql = "UPDATE members SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
        let query = sqlx::query(sql).bind(self.member.id).bind(&self.password_hash);
        query.bind(hash).execute(&mut **tx).await?;
        Ok(())
    }
}

/// Who is to become a member; the password is hashed already.
#[derive(Debug)]
pub struct NewMember {
    pub email: String,
    pub name: String,
    pub password_hash: PasswordHash,
}

/// Fewer different characters than any few words have.
const MIN_DIFFERENT_CHARACTERS: usize = 5;

const SELECT: &str = "SELECT m.id, m.email, m.name, m.created_at, m.password_set_at, s.role, s.organization, m.password_hash \
                      FROM members m JOIN memberships s ON s.member = m.id";

impl Member {
    /// # Errors
    /// `email` when someone has it already.
    pub async fn create(tx: &mut Tx, actor: &Actor, new: NewMember, role: Role) -> Result<Self> {
        let email = normalize_email(&new.email)?;
        if let Some(why) = name::refusal(&new.name) {
            return Err(Error::invalid("name", why));
        }
        let member = Self {
            id: MemberId::new(),
            email,
            name: new.name.trim().to_owned(),
            role,
            organization: actor.organization,
            created_at: actor.at,
            password_set_at: actor.at,
        };
        sqlx::query(
            "INSERT INTO members (id, email, name, password_hash, created_at, password_set_at) \
             VALUES ($1, $2, $3, $4, $5, $5)",
        )
        .bind(member.id)
        .bind(&member.email)
        .bind(&member.name)
        .bind(new.password_hash)
        .bind(member.created_at)
        .execute(&mut **tx)
        .await
        .map_err(|error| match is_duplicate(&error) {
            true => Error::invalid("email", "A member with this e-mail address is there already."),
            false => error.into(),
        })?;
        sqlx::query(
            "INSERT INTO memberships (organization, member, role, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(member.organization)
        .bind(member.id)
        .bind(member.role)
        .bind(member.created_at)
        .execute(&mut **tx)
        .await?;
        Event::record(tx, actor, Action::MemberCreated, member.subject(), "").await?;
        Ok(member)
    }

    pub async fn exists(connection: &mut AnyConnection) -> Result<bool> {
        let any: Option<i64> = sqlx::query_scalar("SELECT CAST(1 AS BIGINT) FROM members LIMIT 1")
            .fetch_optional(connection)
            .await?;
        Ok(any.is_some())
    }

    /// For sessions: whoever this is, in whatever organization.
    pub async fn by_id(connection: &mut AnyConnection, id: MemberId) -> Result<Option<Self>> {
        let sql = format!("{SELECT} WHERE m.id = $1");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?)
    }

    /// For log-in: the member with this address, in whatever case it was typed.
    pub async fn by_email(connection: &mut AnyConnection, email: &str) -> Result<Option<MemberSecret>> {
        let sql = format!("{SELECT} WHERE m.email = $1");
        let email = email.trim().to_lowercase();
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(email).fetch_optional(connection).await?)
    }

    /// # Errors
    /// [`Error::NotFound`] when they are no member of this organization.
    pub async fn find(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        id: MemberId,
    ) -> Result<Self> {
        let sql = format!("{SELECT} WHERE s.organization = $1 AND m.id = $2");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).bind(id);
        query.fetch_optional(connection).await?.ok_or(Error::NotFound("member"))
    }

    /// All of them, by address.
    pub async fn all(connection: &mut AnyConnection, organization: OrganizationId) -> Result<Vec<Self>> {
        let sql = format!("{SELECT} WHERE s.organization = $1 ORDER BY m.email");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(organization).fetch_all(connection).await?)
    }

    /// Sets a new password and ends all sessions but the one under `kept` (a key's hash, or empty for none); returns how many.
    /// Those that begin in this moment with the old one are over too.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was set by another since `self` was read, or they are a member no more.
    pub async fn set_password(
        &mut self,
        tx: &mut Tx,
        actor: &Actor,
        hash: &PasswordHash,
        kept: &str,
    ) -> Result<u64> {
        let sql = "UPDATE members SET password_hash = $3, password_set_at = $4 WHERE id = $2 AND password_set_at = $5 \
                   AND id IN (SELECT member FROM memberships WHERE organization = $1)";
        let query = sqlx::query(sql).bind(actor.organization).bind(self.id).bind(hash);
        let set_at = actor.at.max(self.password_set_at.plus(Duration::from_micros(1)));
        let query = query.bind(set_at).bind(self.password_set_at);
        if query.execute(&mut **tx).await?.rows_affected() == 0 {
            return Err(Error::Conflict("The password has been changed by another just now.".to_owned()));
        }
        self.password_set_at = set_at;
        Event::record(tx, actor, Action::MemberPasswordChanged, self.subject(), "").await?;
        Session::end_others(tx, self.id, kept).await
    }

    /// Writes down that they logged in; `actor` is they themselves.
    pub async fn note_log_in(&self, tx: &mut Tx, actor: &Actor) -> Result<()> {
        Event::record(tx, actor, Action::MemberLoggedIn, self.subject(), "").await
    }

    /// Writes down that they logged out.
    pub async fn note_log_out(&self, tx: &mut Tx, actor: &Actor) -> Result<()> {
        Event::record(tx, actor, Action::MemberLoggedOut, self.subject(), "").await
    }

    pub fn subject(&self) -> Subject<'_, MemberId> {
        Subject { id: self.id, label: &self.email }
    }

    /// This member as the one who acts.
    pub fn actor(&self, address: Option<std::net::IpAddr>, at: Timestamp) -> Actor {
        let (id, label) = (self.id.to_string(), self.email.clone());
        Actor { organization: self.organization, kind: ActorKind::Member, id, label, address, at }
    }
}

/// # Errors
/// `email` when it is not of the form `name@domain`.
pub fn normalize_email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
    });
    if !well_formed || email.len() > 254 || email.contains(char::is_whitespace) || name::is_deceptive(&email)
    {
        return Err(Error::invalid("email", "Enter an e-mail address, such as alice@example.com."));
    }
    Ok(email)
}

/// Checks a password that a member with this address chose. `field` is its name in the form.
pub fn check_new_password(problems: &mut Problems, field: &'static str, password: &Password, email: &str) {
    let text = password.expose();
    if text.trim().eq_ignore_ascii_case(email.trim()) {
        problems.add(field, "That is your e-mail address.");
    } else if text.chars().count() < MIN_PASSWORD_CHARACTERS {
        problems
            .add(field, format!("Use at least {MIN_PASSWORD_CHARACTERS} characters; a few words do well."));
    } else if text.len() > MAX_PASSWORD_BYTES {
        problems.add(field, format!("Use at most {MAX_PASSWORD_BYTES} bytes."));
    } else if text.chars().collect::<HashSet<_>>().len() < MIN_DIFFERENT_CHARACTERS {
        problems.add(field, "That is a few characters again and again; a few words do well.");
    }
}
