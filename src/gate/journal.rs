//! What the gate decided, written down without slowing it: log-ins are counted together, and everything that comes in within a
//! moment is one transaction.

mod repeats;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use metrics::counter;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::Timestamp;
use crate::db::{Db, Tx, in_time};
use crate::error::Result;
use crate::gate::terms::Reference;
use crate::id::OrganizationId;
use crate::model::login::{LoginCount, LoginKey};
use crate::model::{Denial, Login, Organization};
use crate::telemetry::DENIALS_DROPPED;
use repeats::Repeats;

/// What is decided within this time is written together.
const GATHER: Duration = Duration::from_millis(250);
/// How long to wait after a failure before trying again.
const RETRY: Duration = Duration::from_secs(1);
/// Denials that wait at most; beyond them they are counted, but not written.
const MAX_DENIALS: usize = 10_000;
/// Rows in one transaction, so that nobody waits long for a turn to write.
const BATCH: usize = 200;
/// How long writing what is left may take at shutdown.
const LAST_WORDS: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Journal {
    db: Db,
    pending: Mutex<Pending>,
    wake: Notify,
    repeats: Repeats,
}

#[derive(Debug, Default)]
struct Pending {
    /// As many as there are credentials in use at most, times their clients' addresses.
    logins: HashMap<LoginKey, LoginCount>,
    denials: Vec<(Option<OrganizationId>, Denial)>,
}

impl Journal {
    pub fn new(db: Db) -> Self {
        Self { db, pending: Mutex::default(), wake: Notify::new(), repeats: Repeats::default() }
    }

    pub fn login(&self, key: LoginKey, at: Timestamp, hello: String) {
        self.pending.lock().count_login(key, LoginCount { last_at: at, hello, times: 1 });
        self.wake.notify_one();
    }

    /// Returns what finds the line. `organization`: whose username it is, or none where it is unknown; `free`: whether it cost
    /// the client nothing. References repeat alike for usernames that there are and for others, or they would tell them apart; in
    /// a flood of others most find nothing.
    pub fn denial(
        &self,
        organization: Option<OrganizationId>,
        (client, free): (IpAddr, bool),
        denial: Denial,
    ) -> Reference {
        let reference = Reference(denial.reference.clone());
        if free {
            let username = Some(denial.username.clone());
            if let Some(written) = self.repeats.stands_for((client, username), &reference, denial.at) {
                return written;
            }
            let is_nobodys = denial.credential.is_none();
            if is_nobodys && self.repeats.stands_for((client, None), &reference, denial.at).is_some() {
                return reference;
            }
        }
        let mut pending = self.pending.lock();
        if pending.denials.len() >= MAX_DENIALS {
            counter!(DENIALS_DROPPED).increment(1);
            return reference;
        }
        pending.denials.push((organization, denial));
        drop(pending);
        self.wake.notify_one();
        reference
    }

    /// Writes until `shutdown`, then what is left.
    pub async fn run(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                () = shutdown.cancelled() => break,
            }
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = shutdown.cancelled() => break,
            }
            if let Err(error) = self.write().await {
                warn!(%error, "the journal can't be written; trying again");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = shutdown.cancelled() => break,
                }
                self.wake.notify_one();
            }
        }
        match tokio::time::timeout(LAST_WORDS, self.write()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the last entries of the journal are lost"),
            Err(_) => warn!("the last entries of the journal are lost: the database did not answer in time"),
        }
    }

    /// Writes all that is pending, a batch a transaction. What could not be written is pending again.
    async fn write(&self) -> Result<()> {
        loop {
            let batch = self.pending.lock().take(BATCH);
            if batch.logins.is_empty() && batch.denials.is_empty() {
                return Ok(());
            }
            if let Err(error) = in_time(self.write_batch(&batch)).await {
                self.pending.lock().put_back(batch);
                return Err(error);
            }
        }
    }

    async fn write_batch(&self, batch: &Pending) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let mut logins: Vec<_> = batch.logins.iter().collect();
        // In one order on all nodes, so that they don't wait for each other's rows in a circle.
        logins.sort_by_key(|(key, _)| (key.credential, key.password, key.door.as_str(), key.address));
        for (key, count) in logins {
            Login::record(&mut tx, key, count).await?;
        }
        write_denials(&mut tx, &batch.denials).await?;
        tx.commit().await
    }
}

impl Pending {
    fn count_login(&mut self, key: LoginKey, count: LoginCount) {
        match self.logins.entry(key) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(count);
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                known.times += count.times;
                if known.last_at <= count.last_at {
                    (known.last_at, known.hello) = (count.last_at, count.hello);
                }
            }
        }
    }

    fn take(&mut self, at_most: usize) -> Self {
        let keys: Vec<LoginKey> = self.logins.keys().take(at_most).cloned().collect();
        let logins = keys.into_iter().filter_map(|key| self.logins.remove_entry(&key)).collect();
        let denials = self.denials.drain(..self.denials.len().min(at_most)).collect();
        Self { logins, denials }
    }

    fn put_back(&mut self, batch: Self) {
        for (key, count) in batch.logins {
            self.count_login(key, count);
        }
        let room = MAX_DENIALS.saturating_sub(self.denials.len());
        self.denials.extend(batch.denials.into_iter().take(room));
    }
}

/// Those of unknown usernames go to the operator's own organization.
async fn write_denials(tx: &mut Tx, denials: &[(Option<OrganizationId>, Denial)]) -> Result<()> {
    if denials.is_empty() {
        return Ok(());
    }
    let Some(first) = Organization::first(tx).await? else { return Ok(()) };
    for (organization, denial) in denials {
        denial.record(tx, organization.unwrap_or(first.id)).await?;
    }
    Denial::raise_alarms(tx, denials).await
}
