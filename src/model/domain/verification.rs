//! Whether a domain is the organization's own: the record that shows it, what a look-up says, and what follows.

use std::time::Duration;

use super::{Domain, displayed};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::dns::Answer;
use crate::error::Result;
use crate::id::{DomainId, OrganizationId};
use crate::model::actor::Actor;
use crate::model::event::{Action, Event, Subject};
use crate::model::words;

/// Where the record stands, below which comes the domain.
pub const RECORD_LABEL: &str = "_gatepost-challenge";

/// What the record holds, before the domain's id.
const RECORD_VALUE: &str = "gatepost-verify=";

/// How soon a domain is looked up that has just been added; later ones wait half as long as the domain has been there.
const FIRST_CHECK: Duration = Duration::from_secs(60);
/// How long a domain that was never verified is looked up by itself.
const PENDING_CHECKS: Duration = Duration::from_secs(7 * 86_400);
/// How soon a record that was missing, and a question that was not answered, is looked up again.
const SOON: Duration = Duration::from_secs(3_600);
/// How long a node that took a domain to look up has it to itself.
const LEASE: Duration = Duration::from_secs(300);

words! {
    /// What a person sees of it.
    State {
        /// Its record was never found.
        Pending = "pending",
        Verified = "verified",
        /// Its record is gone; for a while it goes on being usable.
        Missing = "missing",
        /// Its record is gone, and that while is over.
        Lost = "lost",
        /// An operator says that it is the organization's; nobody looks.
        Vouched = "vouched",
    }
}

/// What a look-up says about the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Present,
    /// It is not there; a sentence about what is.
    Absent(String),
    /// Nobody can tell for now; a sentence.
    Unanswered(String),
}

/// The two settings by which it is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How often a verified domain is looked up.
    pub interval: Duration,
    /// How long it stays usable without its record.
    pub grace: Duration,
}

/// A domain whose look-up is due, taken by this node.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Due {
    pub organization: OrganizationId,
    pub id: DomainId,
}

impl Domain {
    pub fn state(&self, now: Timestamp) -> State {
        match (self.verified_at, self.usable_until) {
            _ if self.forced == 1 => State::Vouched,
            (None, _) => State::Pending,
            (Some(_), None) => State::Verified,
            (Some(_), Some(until)) if until > now => State::Missing,
            (Some(_), Some(_)) => State::Lost,
        }
    }

    /// Whether mail may be sent from it: what [`super::Sending`] asks the database, of one that has been read.
    pub fn is_usable_at(&self, now: Timestamp) -> bool {
        matches!(self.state(now), State::Verified | State::Missing | State::Vouched)
    }

    /// The name of the TXT record that shows whose domain it is.
    pub fn record_name(&self) -> String {
        format!("{RECORD_LABEL}.{}", self.name)
    }

    /// What stands in that record. The id is no secret: who can set the record has the domain.
    pub fn record_value(&self) -> String {
        format!("{RECORD_VALUE}{}", self.id)
    }

    /// What the DNS's answer says about the record.
    pub fn judge(&self, answer: Answer) -> Finding {
        let texts = match answer {
            Answer::Failed(why) => return Finding::Unanswered(why),
            Answer::NoName => {
                return Finding::Absent(format!("There is no {} in the DNS.", self.record_name()));
            }
            Answer::NoText => {
                return Finding::Absent(format!("{} is there, but no TXT record.", self.record_name()));
            }
            Answer::Texts(texts) => texts,
        };
        let value = self.record_value();
        // Some providers keep the quotation marks that belong to zone files.
        let bare = |text: &str| text.trim_matches([' ', '\t', '"']).to_ascii_lowercase();
        if texts.iter().any(|text| bare(text) == value) {
            return Finding::Present;
        }
        let is_ours = |text: &String| bare(text).starts_with(RECORD_VALUE);
        Finding::Absent(match texts.len() {
            _ if texts.iter().any(is_ours) => {
                "Found the value of another domain there, or of this one before it was added again."
                    .to_owned()
            }
            1 => "Found another TXT record there, not this one.".to_owned(),
            many => format!("Found {many} other TXT records there, not this one."),
        })
    }

    /// Writes down what a look-up found that began at `actor.at`: the state, the next look-up, and where the state changes an
    /// event. What an older look-up found does not overrule a newer one.
    pub async fn note(
        tx: &mut Tx,
        actor: &Actor,
        id: DomainId,
        finding: &Finding,
        terms: Terms,
    ) -> Result<Self> {
        let sql = "UPDATE domains SET checked_at = $3 WHERE organization = $1 AND id = $2 \
                   AND (checked_at IS NULL OR checked_at <= $3)";
        let taken = sqlx::query(sql).bind(actor.organization).bind(id).bind(actor.at).execute(&mut **tx);
        let is_newest = taken.await?.rows_affected() > 0;
        let mut domain = Self::find(tx, actor.organization, id).await?;
        if is_newest {
            let change = domain.learn(finding, actor.at, terms);
            domain.updated_at = actor.at;
            domain.save(tx, actor, change).await?;
        }
        Ok(domain)
    }

    /// Takes the operator's word for it: usable from now on, and not looked up.
    pub async fn vouch(tx: &mut Tx, actor: &Actor, id: DomainId) -> Result<Self> {
        let changed = sqlx::query(
            "UPDATE domains SET forced = 1, verified_at = COALESCE(verified_at, $3), next_check_at = NULL, lost_at = NULL, \
             usable_until = NULL, loss_noted = 0, problem = '', updated_at = $3 WHERE organization = $1 AND id = $2 AND forced = 0",
        )
        .bind(actor.organization)
        .bind(id)
        .bind(actor.at)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        let domain = Self::find(tx, actor.organization, id).await?;
        if changed > 0 {
            domain.record(tx, actor, Action::DomainVouchedFor, "").await?;
        }
        Ok(domain)
    }

    /// Takes at most `limit` domains whose look-up is due. Another node takes others; if this one ends before it has looked, they
    /// are due again a little later.
    pub async fn take_due(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<Due>> {
        let sql = "UPDATE domains SET next_check_at = $2 WHERE next_check_at <= $1 AND id IN \
                   (SELECT id FROM domains WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $3) \
                   RETURNING organization, id";
        Ok(sqlx::query_as(sql).bind(now).bind(now.plus(LEASE)).bind(limit).fetch_all(&mut **tx).await?)
    }

    /// Notes in the audit log a bounded number of domains whose grace is over; returns how many.
    pub async fn note_lost(tx: &mut Tx, now: Timestamp) -> Result<usize> {
        let lost: Vec<Due> = sqlx::query_as(
            "UPDATE domains SET loss_noted = 1 WHERE loss_noted = 0 AND usable_until <= $1 AND id IN \
             (SELECT id FROM domains WHERE usable_until <= $1 AND loss_noted = 0 ORDER BY usable_until LIMIT 100) \
             RETURNING organization, id",
        )
        .bind(now)
        .fetch_all(&mut **tx)
        .await?;
        for Due { organization, id } in &lost {
            let domain = Self::find(tx, *organization, *id).await?;
            let actor = Actor::system(*organization, now);
            let since = domain.lost_at.map(|at| format!("its record has been missing since {at}"));
            domain.record(tx, &actor, Action::DomainLost, &since.unwrap_or_default()).await?;
        }
        Ok(lost.len())
    }

    /// What becomes of it by a finding, and what the audit log says about that.
    fn learn(&mut self, finding: &Finding, now: Timestamp, terms: Terms) -> Option<(Action, String)> {
        let before = self.state(now);
        match finding {
            Finding::Present => {
                if matches!(before, State::Pending | State::Lost) {
                    self.verified_at = Some(now);
                }
                (self.forced, self.lost_at, self.usable_until) = (0, None, None);
                self.next_check_at = Some(now.plus(terms.interval));
                self.problem.clear();
                let how = match before {
                    State::Verified => return None,
                    State::Pending => "",
                    State::Missing | State::Lost => "its record is back",
                    State::Vouched => "its record stands for it now, not the operator",
                };
                Some((Action::DomainVerified, how.to_owned()))
            }
            // Whoever vouches for it knows more than the DNS.
            Finding::Absent(_) | Finding::Unanswered(_) if before == State::Vouched => None,
            Finding::Absent(why) => {
                self.problem.clone_from(why);
                self.next_check_at = self.next_check(now, terms);
                if before != State::Verified {
                    return None;
                }
                let until = now.plus(terms.grace);
                (self.lost_at, self.usable_until) = (Some(now), Some(until));
                Some((Action::DomainRecordMissing, format!("usable until {until}: {why}")))
            }
            Finding::Unanswered(why) => {
                self.problem.clone_from(why);
                self.next_check_at = self.next_check(now, terms);
                None
            }
        }
    }

    /// When a domain is looked up again whose record was not found now.
    fn next_check(&self, now: Timestamp, terms: Terms) -> Option<Timestamp> {
        let age = now.since(self.created_at);
        match self.state(now) {
            State::Vouched => None,
            State::Pending if age > PENDING_CHECKS => None,
            State::Pending => Some(now.plus(FIRST_CHECK.max(age / 2))),
            State::Verified | State::Missing => Some(now.plus(SOON.min(terms.interval))),
            State::Lost => Some(now.plus(terms.interval)),
        }
    }

    async fn save(&self, tx: &mut Tx, actor: &Actor, change: Option<(Action, String)>) -> Result<()> {
        sqlx::query(
            "UPDATE domains SET verified_at = $3, forced = $4, next_check_at = $5, lost_at = $6, usable_until = $7, \
             problem = $8, updated_at = $9, loss_noted = CASE WHEN usable_until = $7 THEN loss_noted ELSE 0 END \
             WHERE organization = $1 AND id = $2",
        )
        .bind(actor.organization)
        .bind(self.id)
        .bind(self.verified_at)
        .bind(self.forced)
        .bind(self.next_check_at)
        .bind(self.lost_at)
        .bind(self.usable_until)
        .bind(&self.problem)
        .bind(self.updated_at)
        .execute(&mut **tx)
        .await?;
        match change {
            Some((action, detail)) => self.record(tx, actor, action, &detail).await,
            None => Ok(()),
        }
    }

    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
        detail: &str,
    ) -> Result<()> {
        Event::record(tx, actor, action, Subject { id: self.id, label: &displayed(&self.name) }, detail).await
    }
}

/// When a domain that is added now is looked up first.
pub fn first_check(now: Timestamp) -> Timestamp {
    now.plus(FIRST_CHECK)
}
