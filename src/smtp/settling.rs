//! What the next hop answered is written down, also where the database is away at that moment: the client has its answer, and
//! the outcome, the credits and the webhooks follow once the database is back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::app::App;
use crate::db::in_time;
use crate::error::{Error, Result};
use crate::model::message::{Outcome, Settlement};
use crate::model::{Credits, Usage};

/// Outcomes that wait for the database at once, at most: some kilobytes each.
const MOST_WAITING: usize = 5_000;
/// The gap after the first try; each is twice as long as the one before, up to the longest.
const FIRST_GAP: Duration = Duration::from_millis(200);
const LONGEST_GAP: Duration = Duration::from_secs(30);
/// After so long it is given up: the message stays `unknown` in the log, and paid for.
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);

/// The outcomes that are being written down; clones share them.
#[derive(Clone, Debug)]
pub struct Settling {
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    closing: CancellationToken,
}

/// The outcome of a message, and where it was counted and paid for.
#[derive(Clone, Debug)]
pub struct Due {
    pub settlement: Settlement,
    pub credits: Credits,
    pub usage: Usage,
    /// How many recipients were paid for.
    pub recipients: i64,
}

impl Default for Settling {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(MOST_WAITING));
        Self { tasks: TaskTracker::new(), room, closing: CancellationToken::new() }
    }
}

impl Settling {
    /// Returns after the first try. One that failed is repeated in the background, whatever becomes of the session.
    pub async fn settle(&self, app: &App, due: Due) {
        let (tried, first_try) = oneshot::channel();
        let (settling, app) = (self.clone(), app.clone());
        let work = async move {
            let first = in_time(due.write(&app)).await;
            // The session may be over.
            let _ = tried.send(());
            if let Err(error) = first {
                settling.go_on(&app, &due, error).await;
            }
        };
        self.tasks.spawn(work.in_current_span());
        let _ = first_try.await;
    }

    /// Lets those that wait have another `time`. To be called once all sessions are over.
    pub async fn close(&self, time: Duration) {
        self.closing.cancel();
        self.tasks.close();
        if timeout(time, self.tasks.wait()).await.is_err() {
            tracing::error!(messages = self.tasks.len(), "what became of messages could not be written down");
        }
    }

    async fn go_on(&self, app: &App, due: &Due, mut error: Error) {
        let (message, outcome) = (due.settlement.id, due.settlement.outcome);
        if let Ok(_place) = self.room.try_acquire() {
            tracing::warn!(%error, message_id = %message, %outcome, "what became of a message can't be written down yet");
            let (began, mut gap) = (Instant::now(), FIRST_GAP);
            while began.elapsed() < PATIENCE {
                self.pause(gap).await;
                gap = LONGEST_GAP.min(2 * gap);
                match in_time(due.write(app)).await {
                    Ok(()) => {
                        return tracing::info!(message_id = %message, %outcome, "what became of a message is written down");
                    }
                    Err(again) => error = again,
                }
            }
        }
        tracing::error!(%error, message_id = %message, %outcome, "what became of a message could not be written down");
    }

    /// A short one where the process is about to end.
    async fn pause(&self, gap: Duration) {
        tokio::select! {
            () = sleep(gap) => {}
            () = self.closing.cancelled() => sleep(FIRST_GAP).await,
        }
    }
}

impl Due {
    /// Does nothing where it has been written already: a commit may be lasting though its answer was lost.
    async fn write(&self, app: &App) -> Result<()> {
        let mut tx = app.db.begin().await?;
        let is_first = self.settlement.record(&mut tx).await?;
        if is_first && !matches!(self.settlement.outcome, Outcome::Delivered | Outcome::Unknown) {
            self.credits.give_back(&mut tx, self.recipients).await?;
            self.usage.take_back(&mut tx, self.recipients).await?;
        }
        tx.commit().await
    }
}
