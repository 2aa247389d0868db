//! One mail transaction, from MAIL to the end of its message (RFC 5321 section 3.3).

use tokio::time::Instant;
use tracing::Instrument;

use crate::app::App;
use crate::db::in_time;
use crate::id::CreditHoldId;
use crate::model::Credits;
use crate::model::message::{Outcome, Recipient};

use super::data::incoming::Incoming;
use super::refusals::Refusals;
use super::relay::Transfer;
use super::reply::{self, Reply};

pub struct Transaction {
    pub way: Way,
    /// Empty for `<>`.
    pub sender: String,
    pub smtputf8: bool,
    /// In the order in which they were named; those that the next hop refused too.
    pub recipients: Vec<Recipient>,
    pub incoming: Incoming,
    /// Whether BDAT has begun to bring it.
    pub chunked: bool,
    /// The end of the time that sending it may take.
    pub deadline: Instant,
    /// Of the month in which it was begun.
    pub credits: Credits,
    /// Held for the recipients; none where there is no allowance to keep to.
    pub hold: Option<Hold>,
    /// Of recipients.
    pub refusals: Refusals,
}

/// Where the message will go; decided at MAIL by the credential's mode. One that is for the sandbox by then goes nowhere.
pub enum Way {
    /// Into the log.
    Sandbox,
    /// To the next hop, which has accepted MAIL.
    Onward(Box<Transfer>),
    /// There was a next hop, and the connection is gone: the client is to try again.
    Broken,
    /// No next hop is configured: only a message that asks for the sandbox itself can be taken.
    Nowhere,
}

impl Transaction {
    /// Adds a recipient; [`Outcome::Unknown`] is one that was accepted.
    pub fn add(&mut self, address: &str, outcome: Outcome, answer: String) {
        self.recipients.push(Recipient { address: address.to_owned(), outcome, answer });
    }

    pub fn is_broken(&self) -> bool {
        matches!(self.way, Way::Broken)
    }

    /// Why its content is not wanted, where it is not: there is no way, or nobody to send it to (RFC 5321 section 3.3).
    pub fn refusal(&self) -> Option<Reply> {
        match self.accepted() {
            _ if self.is_broken() => Some(reply::NEXT_HOP_LOST),
            0 if self.refusals.are_only_for_now() => Some(reply::NO_RECIPIENTS_FOR_NOW),
            0 => Some(reply::NO_RECIPIENTS),
            _ => None,
        }
    }

    /// How many recipients were accepted.
    pub fn accepted(&self) -> usize {
        self.recipients.iter().filter(|recipient| recipient.outcome == Outcome::Unknown).count()
    }
}

/// Credits that are held for a transaction; given back when it ends without having used them.
pub struct Hold {
    pub app: App,
    pub credits: Credits,
    pub id: CreditHoldId,
    /// Whether there may be something to give back.
    pub held: bool,
}

impl Hold {
    /// One more; false when the allowance is used up.
    pub async fn one_more(&mut self) -> crate::error::Result<bool> {
        // Said first: whether a commit that was cut short came about, nobody knows.
        self.held = true;
        in_time(async {
            let mut tx = self.app.db.begin().await?;
            let held = self.credits.hold(&mut tx, self.id, self.app.clock.now()).await?;
            tx.commit().await?;
            Ok(held)
        })
        .await
    }

    /// It has been charged: there is nothing to give back.
    pub fn use_up(&mut self) {
        self.held = false;
    }

    /// One less: its recipient was refused.
    pub async fn one_less(&mut self) -> crate::error::Result<()> {
        in_time(async {
            let mut tx = self.app.db.begin().await?;
            self.credits.let_go_one(&mut tx, self.id).await?;
            tx.commit().await
        })
        .await
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        let (app, credits, id) = (self.app.clone(), self.credits, self.id);
        let give_back = async move {
            let let_go = async {
                let mut tx = app.db.begin().await?;
                credits.let_go(&mut tx, id).await?;
                tx.commit().await
            };
            if let Err(error) = in_time(let_go).await {
                tracing::warn!(%error, "held credits could not be given back; they are free when their time is over");
            }
        };
        tokio::spawn(give_back.in_current_span());
    }
}
