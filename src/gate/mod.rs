//! The gate: the one place that decides whether a username and password may enter. Every door asks it; it knows no protocol.
//!
//! One row is read for each attempt, so that what a member has changed holds at once on every node. A password that was
//! verified once is recognised again without Argon2 ([`memory`]); everything else costs one run of Argon2id, whether the
//! username exists or not ([`hashing`]), or the time of one. Guessing is slowed down ([`throttle`]); who offers the same wrong
//! password again and again does not guess, but has missed a rotation, and must not shut out who has not. What was decided is
//! written down a moment later ([`journal`]).

mod behalf;
pub mod hashing;
mod journal;
mod member;
mod memory;
mod terms;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, warn};

use crate::clock::Clock;
use crate::db::{Db, in_time};
use crate::error::Result;
use crate::id::{CredentialId, DenialId, OrganizationId, PasswordId};
use crate::model;
use crate::model::credential::{Entry, Mode, State};
use crate::model::login::LoginKey;
use crate::secret::{Password, generate_reference, without_secrets};
use crate::telemetry::{GATE_DECISIONS, GATE_REMEMBERED};
pub use behalf::{Behalf, OnBehalf};
use hashing::{Hashing, Verdict};
use journal::Journal;
pub use member::LogInRefusal;
use memory::Memory;
pub use terms::{Attempt, Denial, Door, Grant, Reason, Reference};
use throttle::Throttle;
pub use throttle::network;

/// No decision takes longer: what can't be decided by then is [`Reason::Unavailable`].
const DECISION_TIME: Duration = Duration::from_secs(10);
/// Kept of a username in the journal, in characters: enough to recognise it.
const JOURNAL_TEXT: usize = 64;

/// One gate for all doors of a process.
#[derive(Debug)]
pub struct Gate {
    db: Db,
    clock: Clock,
    hashing: Hashing,
    verified: Memory,
    refused: Memory,
    throttle: Arc<Throttle>,
    member_throttle: Arc<Throttle>,
    journal: Arc<Journal>,
    behalf: Behalf,
}

/// A refusal on its way to becoming a [`Denial`].
struct Refusal {
    reason: Reason,
    /// Whether it cost the client nothing, neither a failure nor a wait, so that it may come in floods.
    free: bool,
    /// The credential of the username, where there is one.
    whose: Option<(OrganizationId, CredentialId)>,
}

impl Gate {
    pub fn new(db: Db, clock: Clock, hashing: Hashing) -> Self {
        let journal = Arc::new(Journal::new(db.clone()));
        Self {
            db,
            clock,
            hashing,
            verified: Memory::new(),
            refused: Memory::new(),
            throttle: Arc::default(),
            member_throttle: Arc::default(),
            journal,
            behalf: Behalf::default(),
        }
    }

    /// Decides; bounded in time, never an error: what can't be decided is [`Reason::Unavailable`].
    pub async fn check(&self, attempt: Attempt) -> Result<Grant, Denial> {
        let decision = tokio::time::timeout(DECISION_TIME, self.decide(&attempt)).await;
        let decision = decision.unwrap_or_else(|_| {
            warn!("no decision in time");
            Err(Refusal { reason: Reason::Unavailable, free: false, whose: None })
        });
        match decision {
            Ok(grant) => {
                counter!(GATE_DECISIONS, "decision" => "granted", "door" => attempt.door.as_str())
                    .increment(1);
                self.note_login(&attempt, &grant);
                Ok(grant)
            }
            Err(refusal) => Err(self.deny(&attempt, &refusal)),
        }
    }

    /// The credential's mode, if what was granted is still true: not revoked, deleted, expired or rotated away. The row is
    /// read afresh.
    ///
    /// # Errors
    /// [`crate::error::Error::Unavailable`] when the database does not answer.
    pub async fn still_holds(&self, grant: &Grant) -> Result<Option<Mode>> {
        let whose = (grant.organization, grant.credential);
        in_time(async {
            let mut connection = self.db.read().await?;
            Entry::still_holds(&mut connection, whose, grant.password, self.clock.now()).await
        })
        .await
    }

    /// Where passwords are hashed, for those who make new ones.
    pub fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// Whose connections those are that this process makes to its own door.
    pub fn behalf(&self) -> &Behalf {
        &self.behalf
    }

    /// Writes the journal until `shutdown`, and what is left of it then.
    pub async fn run_journal(&self, shutdown: CancellationToken) {
        self.journal.run(shutdown).await;
    }

    async fn decide(&self, attempt: &Attempt) -> Result<Grant, Refusal> {
        let undecided = |()| Refusal { reason: Reason::Unavailable, free: false, whose: None };
        let entry = self.read(attempt).await.map_err(undecided)?;
        let whose = entry.as_ref().map(|entry| (entry.organization, entry.id));
        let refuse = |reason| Refusal { reason, free: false, whose };
        let refuse_freely = |reason| Refusal { free: true, ..refuse(reason) };
        if let Some(reason) = attempt.refusal() {
            return Err(refuse_freely(reason));
        }
        if let Some(entry) = &entry
            && let Some(password) = self.recognise(entry, &attempt.password)
        {
            counter!(GATE_REMEMBERED).increment(1);
            let Some(reason) = self.refusal_of(entry) else { return Ok(Grant::new(entry, password)) };
            self.hashing.wait_as_long_as_a_run().await;
            return Err(refuse_freely(reason));
        }
        let mismatch = || reason_of_mismatch(whose.is_some(), &attempt.password);
        let against =
            entry.as_ref().map_or_else(|| format!("nobody {}", attempt.username), |entry| entry.hash.phc());
        if self.refused.knows(&against, &attempt.password) {
            self.hashing.wait_as_long_as_a_run().await;
            return Err(refuse_freely(mismatch()));
        }
        if self.throttle.blocks(attempt.source(), &attempt.username, self.clock.now()) {
            self.hashing.wait_as_long_as_a_run().await;
            return Err(refuse_freely(Reason::Throttled));
        }
        let verdict = self.verify(entry.as_ref(), attempt).await;
        let (entry, password) = match (entry, verdict.map_err(|()| refuse(Reason::Unavailable))?) {
            (Some(entry), Verdict::Match(password)) => (entry, password),
            (_, Verdict::Blocked) => return Err(refuse_freely(Reason::Throttled)),
            (_, Verdict::Match(_) | Verdict::Mismatch) => {
                self.throttle.failed(attempt.source(), &attempt.username, self.clock.now());
                self.refused.learn(&against, &attempt.password);
                return Err(refuse(mismatch()));
            }
        };
        self.remember(&entry, password, &attempt.password);
        if let Some(reason) = self.refusal_of(&entry) {
            return Err(refuse(reason));
        }
        let granted = Grant::new(&entry, password);
        self.renew_if_outdated(entry, password, attempt.password.clone());
        Ok(granted)
    }

    async fn read(&self, attempt: &Attempt) -> Result<Option<Entry>, ()> {
        if attempt.username.contains('\0') {
            return Ok(None);
        }
        let read = async { Entry::by_username(&mut *self.db.read().await?, &attempt.username).await };
        let entry = read.await.map_err(|error| warn!(%error, "the credential can't be read"))?;
        let is_here = |entry: &Entry| attempt.organization.is_none_or(|only| only == entry.organization);
        Ok(entry.filter(is_here))
    }

    /// Why even the right password does not enter.
    fn refusal_of(&self, entry: &Entry) -> Option<Reason> {
        match entry.state(self.clock.now()) {
            State::Revoked => Some(Reason::Revoked),
            State::Expired => Some(Reason::Expired),
            State::Active => None,
        }
    }

    /// The password, if this process has verified it before against a hash that is still stored.
    fn recognise(&self, entry: &Entry, password: &Password) -> Option<PasswordId> {
        if self.verified.knows(&entry.hash.phc(), password) {
            return Some(entry.password);
        }
        let previous = entry.grace(self.clock.now())?;
        self.verified.knows(&previous.hash.phc(), password).then_some(previous.password)
    }

    /// One run of Argon2id, against a hash of nobody's where there is no credential.
    async fn verify(&self, entry: Option<&Entry>, attempt: &Attempt) -> Result<Verdict<PasswordId>, ()> {
        let current = entry.map(|entry| (entry.password, entry.hash.clone()));
        let previous = entry
            .and_then(|entry| entry.grace(self.clock.now()))
            .map(|previous| (previous.password, previous.hash.clone()));
        let blocked = self.throttle.ask_later(attempt.source(), &attempt.username, &self.clock);
        let verdict = self.hashing.verify(attempt.password.clone(), current, previous, blocked).await;
        verdict.map_err(|error| warn!(%error, "the password can't be verified"))
    }

    /// Remembers a password that was verified, whether or not its credential may enter now.
    fn remember(&self, entry: &Entry, used: PasswordId, password: &Password) {
        match &entry.previous {
            Some(previous) if previous.password == used => {
                self.verified.learn(&previous.hash.phc(), password)
            }
            _ => self.verified.learn(&entry.hash.phc(), password),
        }
    }

    /// Renews the hash of a password that was verified if it was made with other parameters; not in a grace, where the two
    /// hashes share one run.
    fn renew_if_outdated(&self, entry: Entry, used: PasswordId, password: Password) {
        let in_grace = entry.grace(self.clock.now()).is_some();
        if used == entry.password && !in_grace && entry.hash.is_outdated() {
            tokio::spawn(renew(self.db.clone(), self.hashing.clone(), entry, password).in_current_span());
        }
    }

    fn note_login(&self, attempt: &Attempt, grant: &Grant) {
        let key = LoginKey {
            organization: grant.organization,
            credential: grant.credential,
            password: grant.password,
            door: attempt.door,
            address: attempt.client,
        };
        self.journal.login(key, self.clock.now(), journal_text(attempt.hello.as_deref().unwrap_or_default()));
    }

    fn deny(&self, attempt: &Attempt, refusal: &Refusal) -> Denial {
        let reason = refusal.reason;
        counter!(GATE_DECISIONS, "decision" => reason.as_str(), "door" => attempt.door.as_str()).increment(1);
        let reference = self.note_denial(attempt, refusal);
        let door = attempt.door.as_str();
        info!(reason = reason.as_str(), %reference, client = %attempt.client, door, "denied");
        Denial { reason, reference }
    }

    fn note_denial(&self, attempt: &Attempt, refusal: &Refusal) -> Reference {
        let denial = model::Denial {
            credential: refusal.whose.map(|(_, credential)| credential),
            hello: journal_text(attempt.hello.as_deref().unwrap_or_default()),
            ..self.line(refusal.reason, &attempt.username, attempt.client, attempt.door)
        };
        let organization = refusal.whose.map(|(organization, _)| organization).or(attempt.organization);
        self.journal.denial(organization, (attempt.client, refusal.free), denial)
    }

    /// A new line for the journal.
    fn line(&self, reason: Reason, username: &str, client: IpAddr, door: Door) -> model::Denial {
        model::Denial {
            id: DenialId::new(),
            reference: generate_reference(),
            at: self.clock.now(),
            reason,
            username: journal_text(username),
            credential: None,
            door,
            address: client.to_string(),
            hello: String::new(),
        }
    }
}

fn reason_of_mismatch(username_exists: bool, password: &Password) -> Reason {
    match (username_exists, password.is_generated_form()) {
        (false, _) => Reason::UnknownUsername,
        (true, false) => Reason::MalformedPassword,
        (true, true) => Reason::WrongPassword,
    }
}

async fn renew(db: Db, hashing: Hashing, entry: Entry, password: Password) {
    let renewal = async {
        let hash = hashing.hash(password).await?;
        let mut tx = db.begin().await?;
        entry.renew_hash(&mut tx, &hash).await?;
        tx.commit().await
    };
    if let Err(error) = renewal.await {
        warn!(%error, "a hash could not be renewed; the next log-in of its credential tries again");
    }
}

/// What a client said, as it is kept: printable and short, and no secret.
fn journal_text(text: &str) -> String {
    without_secrets(text)
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(JOURNAL_TEXT)
        .collect()
}
