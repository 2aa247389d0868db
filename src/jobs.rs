//! What Gatepost does by itself: notes credentials that have expired, forgets what is old, looks domains up, sums metrics up.
//!
//! Each step in the database claims its rows in the statement that changes them, so two nodes never do the same one.

mod domains;
pub mod webhooks;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::app::App;
use crate::error::Result;
use crate::model::webhook::Delivery;
use crate::model::{Credential, Credits, Denial, Login, Message, Session, Webhook, idempotency};
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
            outcome = run_once(&app) => match outcome {
                Ok(()) => debug!("jobs done"),
                Err(error) => warn!(%error, "a job failed; it is tried again"),
            },
            () = shutdown.cancelled() => return,
        }
    }
}

/// Every job once, a bounded transaction at a time until there is nothing left to do.
pub async fn run_once(app: &App) -> Result<()> {
    while note_expired(app).await? {}
    while forget(app).await? {}
    while forget_contents(app).await? {}
    while forget_messages(app).await? {}
    domains::check(app).await
}

async fn note_expired(app: &App) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let noted = Credential::note_expired(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(noted > 0)
}

async fn forget(app: &App) -> Result<bool> {
    let now = app.clock.now();
    let limit = now.minus(app.config.keep_logins);
    let mut tx = app.db.begin().await?;
    let forgotten = Denial::forget_before(&mut tx, limit).await?
        + Login::forget_before(&mut tx, limit).await?
        + Credential::forget_previous(&mut tx, now).await?
        + Session::forget_expired(&mut tx, now).await?
        + Delivery::forget_before(&mut tx, now.minus(app.config.keep_messages)).await?
        + Delivery::forget_gone(&mut tx).await?
        + Webhook::forget_previous(&mut tx, now).await?
        + Credits::forget_holds(&mut tx, now).await?
        + idempotency::forget(&mut tx, now).await?;
    tx.commit().await?;
    Ok(forgotten > 0)
}

/// What messages hold; never longer than their lines.
async fn forget_contents(app: &App) -> Result<bool> {
    let limit = app.clock.now().minus(app.config.keep_message_content.min(app.config.keep_messages));
    let mut tx = app.db.begin().await?;
    let forgotten = Message::forget_contents_before(&mut tx, limit).await?;
    tx.commit().await?;
    Ok(forgotten > 0)
}

async fn forget_messages(app: &App) -> Result<bool> {
    let limit = app.clock.now().minus(app.config.keep_messages);
    let mut tx = app.db.begin().await?;
    let forgotten = Message::forget_before(&mut tx, limit).await?;
    tx.commit().await?;
    Ok(forgotten > 0)
}
