//! Log-in of members to the dashboard: the same slowness for guesses, the same time for an unknown e-mail address.

use std::net::IpAddr;

use metrics::counter;
use tracing::warn;

use super::Gate;
use super::hashing::Verdict;
use super::terms::{Door, Reason};
use super::throttle::Source;
use crate::error::{Error, Result};
use crate::model::Member;
use crate::model::member::MemberSecret;
use crate::secret::{MAX_PASSWORD_BYTES, Password};
use crate::telemetry::DASHBOARD_LOGINS;

/// Why a member is not logged in.
#[derive(Debug)]
pub enum LogInRefusal {
    /// Unknown address or wrong password: nobody is told which.
    Denied,
    /// Too many failures before it; the password was not looked at.
    Throttled,
    /// Trouble of Gatepost's own; the password was not looked at.
    Trouble(Error),
}

impl Gate {
    /// Whether this is a member's password. The caller starts the session and writes the event.
    pub async fn log_in(
        &self,
        email: &str,
        password: &Password,
        client: IpAddr,
    ) -> Result<Member, LogInRefusal> {
        let email = email.trim().to_lowercase();
        let outcome = self.decide_member(&email, password, client).await;
        let result = match &outcome {
            Ok(_) => "granted",
            Err(LogInRefusal::Denied) => "denied",
            Err(LogInRefusal::Throttled) => "throttled",
            Err(LogInRefusal::Trouble(_)) => "unavailable",
        };
        counter!(DASHBOARD_LOGINS, "result" => result).increment(1);
        outcome
    }

    /// Whether this is the password of a member who is logged in already, for changes that ask for it again.
    pub async fn confirm(
        &self,
        member: &Member,
        password: &Password,
        client: IpAddr,
    ) -> Result<(), LogInRefusal> {
        self.decide_member(&member.email, password, client).await.map(|_| ())
    }

    async fn decide_member(
        &self,
        email: &str,
        password: &Password,
        client: IpAddr,
    ) -> Result<Member, LogInRefusal> {
        let trouble = |error| {
            warn!(%error, "a member's password can't be checked");
            LogInRefusal::Trouble(error)
        };
        let secret = self.read_member(email).await.map_err(trouble)?;
        let member = secret.as_ref().map(|secret| &secret.member);
        if self.member_throttle.blocks(Source::seen(client), email, self.clock.now()) {
            self.note_denied_member(member, client, Reason::Throttled);
            return Err(LogInRefusal::Throttled);
        }
        let hash = secret.as_ref().map(|secret| ((), secret.password_hash.clone()));
        let blocked = self.member_throttle.ask_later(Source::seen(client), email, &self.clock);
        let verdict = self.hashing.verify(bounded(password), hash, None, blocked).await;
        match (verdict.map_err(trouble)?, &secret) {
            (Verdict::Match(()), Some(secret)) => {
                self.renew_member(secret, password).await;
                Ok(secret.member.clone())
            }
            (Verdict::Blocked, _) => {
                self.note_denied_member(member, client, Reason::Throttled);
                Err(LogInRefusal::Throttled)
            }
            _ => {
                self.member_throttle.failed(Source::seen(client), email, self.clock.now());
                let reason = if member.is_some() { Reason::WrongPassword } else { Reason::UnknownUsername };
                self.note_denied_member(member, client, reason);
                Err(LogInRefusal::Denied)
            }
        }
    }

    /// An address that is no member's is not kept: people type passwords into the wrong field.
    fn note_denied_member(&self, member: Option<&Member>, client: IpAddr, reason: Reason) {
        let username = member.map(|member| member.email.as_str()).unwrap_or_default();
        let denial = self.line(reason, username, client, Door::Dashboard);
        let organization = member.map(|member| member.organization);
        self.journal.denial(organization, (client, reason == Reason::Throttled), denial);
    }

    async fn read_member(&self, email: &str) -> Result<Option<MemberSecret>> {
        if email.contains('\0') {
            return Ok(None);
        }
        Member::by_email(&mut *self.db.read().await?, email).await
    }

    async fn renew_member(&self, secret: &MemberSecret, password: &Password) {
        if !secret.password_hash.is_outdated() {
            return;
        }
        let renewal = async {
            let hash = self.hashing.hash(bounded(password)).await?;
            let mut tx = self.db.begin().await?;
            secret.renew_hash(&mut tx, &hash).await?;
            tx.commit().await
        };
        if let Err(error) = renewal.await {
            warn!(%error, "a member's hash could not be renewed; the next log-in tries again");
        }
    }
}

/// No member's password is longer than the limit, so one that is can be replaced by one that fits nobody.
fn bounded(password: &Password) -> Password {
    if password.expose().len() > MAX_PASSWORD_BYTES { Password::generate() } else { password.clone() }
}
