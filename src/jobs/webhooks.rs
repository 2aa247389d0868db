//! Delivers webhooks: finds those for which something is due, claims them, and sends to each one thing after the other.
//!
//! What this process writes wakes it at once; what other nodes left, and what is to be tried again, it finds by looking once a
//! second. Many webhooks are served at a time, each by one node and one request at a time.

mod request;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::app::App;
use crate::db::in_time;
use crate::error::Result;
use crate::id::WebhookId;
use crate::model::webhook::claim::{self, Claim};
use crate::secret::generate_token;
use crate::telemetry::WEBHOOK_REQUESTS;
use request::Sender;

/// How often there is something to look for.
const INTERVAL: Duration = Duration::from_secs(1);
/// Webhooks that are served at a time.
const ROUNDS: usize = 64;
/// Requests to one webhook before others have their turn.
const REQUESTS: usize = 50;
/// How much longer than one request a claim lasts: enough to write down how that went.
const SPARE: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Courier {
    app: App,
    sender: Sender,
    /// Names this process in claims.
    name: String,
}

/// Works until `shutdown`; requests that are under way then are finished.
pub async fn run(app: App, shutdown: CancellationToken) {
    let courier = match Courier::new(app) {
        Ok(courier) => Arc::new(courier),
        Err(error) => return error!(%error, "webhooks can't be delivered"),
    };
    let mut rounds = Rounds::default();
    loop {
        tokio::select! {
            () = courier.app.db.news() => {}
            () = tokio::time::sleep(INTERVAL) => {}
            // It may have ended in the moment in which something new came in for it.
            () = rounds.one_ends() => {}
            () = shutdown.cancelled() => break,
        }
        match in_time(courier.claim(&rounds)).await {
            Ok(claims) => claims.into_iter().for_each(|claim| {
                let webhook = claim.webhook;
                rounds.begin(webhook, courier.clone().serve(claim, shutdown.clone()));
            }),
            Err(error) => warn!(%error, "webhooks can't be claimed; trying again"),
        }
    }
    while rounds.tasks.join_next().await.is_some() {}
}

/// The webhooks that this process serves now. None is served twice at once, even where its claim has run out meanwhile: because
/// the clock was put forward, or the machine was asleep.
#[derive(Debug, Default)]
struct Rounds {
    tasks: JoinSet<()>,
    webhooks: HashMap<task::Id, WebhookId>,
}

impl Rounds {
    fn begin(&mut self, webhook: WebhookId, serve: impl Future<Output = ()> + Send + 'static) {
        self.webhooks.insert(self.tasks.spawn(serve).id(), webhook);
    }

    /// Waits for the end of one, for ever if there is none.
    async fn one_ends(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => _ = self.webhooks.remove(&id),
            Some(Err(panicked)) => _ = self.webhooks.remove(&panicked.id()),
            None => std::future::pending().await,
        }
    }

    fn serves(&self, webhook: WebhookId) -> bool {
        self.webhooks.values().any(|served| *served == webhook)
    }

    /// How many more there may be.
    fn room(&self) -> usize {
        ROUNDS.saturating_sub(self.tasks.len())
    }
}

impl Courier {
    fn new(app: App) -> Result<Self> {
        Ok(Self { sender: Sender::new(&app.config)?, name: generate_token(), app })
    }

    /// How long a claim lasts from now on.
    fn lease(&self) -> Duration {
        self.app.config.webhook_timeout + SPARE
    }

    /// Claims webhooks for which something is due.
    async fn claim(&self, rounds: &Rounds) -> Result<Vec<Claim>> {
        let now = self.app.clock.now();
        let waiting = claim::waiting(&mut *self.app.db.read().await?, now, rounds.room()).await?;
        let mut claims = Vec::new();
        for webhook in waiting.into_iter().filter(|(_, webhook)| !rounds.serves(*webhook)) {
            let mut tx = self.app.db.begin().await?;
            let claim = Claim::take(&mut tx, webhook, &self.name, (now, self.lease())).await?;
            tx.commit().await?;
            claims.extend(claim);
        }
        Ok(claims)
    }

    /// Sends what is due for one webhook, until there is nothing left or it is the turn of others. After a failure of the database
    /// the claim is left to run out: so a try that can't be written down is not repeated at once.
    async fn serve(self: Arc<Self>, claim: Claim, shutdown: CancellationToken) {
        let served = async {
            for _ in 0..REQUESTS {
                if shutdown.is_cancelled() || !self.send_next(&claim).await? {
                    break;
                }
            }
            in_time(async {
                let mut tx = self.app.db.begin().await?;
                claim.release(&mut tx).await?;
                tx.commit().await
            })
            .await
        };
        if let Err(error) = served.await {
            warn!(%error, webhook = %claim.webhook, "a webhook can't be served; trying again");
        }
    }

    /// One request. Whether there may be more.
    async fn send_next(&self, claim: &Claim) -> Result<bool> {
        let now = self.app.clock.now();
        let due = in_time(async { claim.next(&mut *self.app.db.read().await?, now).await }).await?;
        let Some(due) = due else { return Ok(false) };
        let attempt = self.sender.send(&due, self.app.clock.now()).await?;
        let result = if attempt.succeeded() { "delivered" } else { "failed" };
        counter!(WEBHOOK_REQUESTS, "result" => result).increment(1);
        in_time(async {
            let mut tx = self.app.db.begin().await?;
            claim.record(&mut tx, &due, &attempt, (self.app.clock.now(), self.lease())).await?;
            tx.commit().await
        })
        .await?;
        Ok(true)
    }
}
