//! Looks the records of domains up again: of new ones soon, of verified ones at times, of lost ones in case they come back.

use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::app::App;
use crate::db::in_time;
use crate::error::{Error, Result};
use crate::model::domain::verification::Due;
use crate::model::{Actor, Domain};
use crate::verification;

/// How many are looked up at a time. The rest waits for the next round: the DNS may be slow, and other jobs wait too.
const AT_ONCE: i64 = 50;

/// Looks up what is due, and notes whose grace is over.
pub async fn check(app: &App) -> Result<()> {
    let now = app.clock.now();
    let due = in_time(async {
        let mut tx = app.db.begin().await?;
        let due = Domain::take_due(&mut tx, now, AT_ONCE).await?;
        tx.commit().await?;
        Ok(due)
    });
    let due = due.await?;
    let mut looks = JoinSet::new();
    for Due { organization, id } in due {
        let (app, actor) = (app.clone(), Actor::system(organization, now));
        looks.spawn(async move { verification::look_up(&app, &actor, id).await });
    }
    while let Some(outcome) = looks.join_next().await {
        match outcome {
            Ok(Ok((domain, finding))) => debug!(domain = domain.name, ?finding, "looked up"),
            Ok(Err(Error::NotFound(_))) => {}
            Ok(Err(error)) => warn!(%error, "a domain was not looked up; it is tried again"),
            Err(error) => warn!(%error, "looking a domain up ended early"),
        }
    }
    while in_time(note_lost(app)).await? {}
    Ok(())
}

async fn note_lost(app: &App) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let noted = Domain::note_lost(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(noted > 0)
}
