//! What Gatepost does by itself: notes credentials that have expired, forgets what is old, looks domains up, sums metrics up.
//!
//! Each step in the database claims its rows in the statement that changes them, so two nodes never do the same one.

mod domains;
pub mod webhooks;

use std::pin::Pin;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::app::App;
use crate::clock::Timestamp;
use crate::db::{Tx, in_time};
use crate::error::{Error, Result};
use crate::model::webhook::Delivery;
use crate::model::{Credential, Credits, Denial, Invitation, Login, Message, Session, Webhook, idempotency};
use crate::telemetry;

/// How often there is something to look for.
const INTERVAL: Duration = Duration::from_secs(30);

/// Works until `shutdown`.
pub async fn run(app: App, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        telemetry::sum_up();
        tokio::select! {
            outcome = run_once(&app) => if outcome.is_ok() {
                debug!("jobs done");
            },
            () = shutdown.cancelled() => return,
        }
    }
}

/// Every job once. One that fails is logged, and the others are done all the same.
///
/// # Errors
/// The first.
pub async fn run_once(app: &App) -> Result<()> {
    let (now, config) = (app.clock.now(), &app.config);
    let (logins, messages) = (now.minus(config.keep_logins), now.minus(config.keep_messages));
    // What messages hold is never kept longer than their lines.
    let contents = now.minus(config.keep_message_content.min(config.keep_messages));
    let steps: [(&str, Timestamp, Step); 13] = [
        ("note expired credentials", now, |tx, at| Box::pin(Credential::note_expired(tx, at))),
        ("forget denials", logins, |tx, at| Box::pin(Denial::forget_before(tx, at))),
        ("forget log-ins", logins, |tx, at| Box::pin(Login::forget_before(tx, at))),
        ("forget old passwords", now, |tx, at| Box::pin(Credential::forget_previous(tx, at))),
        ("forget sessions", now, |tx, at| Box::pin(Session::forget_expired(tx, at))),
        ("forget invitations", now, |tx, at| Box::pin(Invitation::forget_expired(tx, at))),
        ("forget deliveries", messages, |tx, at| Box::pin(Delivery::forget_before(tx, at))),
        ("forget deleted webhooks", now, |tx, _| Box::pin(Delivery::forget_gone(tx))),
        ("forget old secrets of webhooks", now, |tx, at| Box::pin(Webhook::forget_previous(tx, at))),
        ("forget held credits", now, |tx, at| Box::pin(Credits::forget_holds(tx, at))),
        ("forget repeated answers", now, |tx, at| Box::pin(idempotency::forget(tx, at))),
        ("forget contents", contents, |tx, at| Box::pin(Message::forget_contents_before(tx, at))),
        ("forget messages", messages, |tx, at| Box::pin(Message::forget_before(tx, at))),
    ];
    let mut round = Round::default();
    for (job, at, step) in steps {
        round.note(job, repeat(app, at, step).await);
    }
    round.note("look domains up", domains::check(app).await);
    round.failed.map_or(Ok(()), Err)
}

/// A bounded part of a job; how many rows it changed.
type Step = for<'t> fn(&'t mut Tx, Timestamp) -> Pin<Box<dyn Future<Output = Result<u64>> + Send + 't>>;

/// A transaction at a time until there is nothing left to do.
async fn repeat(app: &App, at: Timestamp, step: Step) -> Result<()> {
    loop {
        let round = async {
            let mut tx = app.db.begin().await?;
            let changed = step(&mut tx, at).await?;
            tx.commit().await?;
            Ok(changed)
        };
        if in_time(round).await? == 0 {
            return Ok(());
        }
    }
}

#[derive(Default)]
struct Round {
    /// What went wrong first.
    failed: Option<Error>,
}

impl Round {
    fn note(&mut self, job: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            warn!(%error, job, "a job failed; it is tried again");
            self.failed.get_or_insert(error);
        }
    }
}
