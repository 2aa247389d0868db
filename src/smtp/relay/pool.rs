//! Connections to the next hop: so many at a time, and kept for a while for the next message.
//!
//! Whoever holds a place may have one connection; it comes from those that are kept, or is opened only while none is
//! kept. So places in use and connections kept are never more than the limit together. One credential never has all of them:
//! who begins messages and does not end them holds up nobody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::channel::Channel;
use crate::id::CredentialId;

/// The right to one connection, until it is dropped.
pub struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_its_own: OwnedSemaphorePermit,
}

pub struct Pool {
    places: Arc<Semaphore>,
    /// Places that one credential may have.
    own: usize,
    /// Of those that have or want places now, who are no more than there are sessions.
    by_credential: Mutex<HashMap<CredentialId, Arc<Semaphore>>>,
    keep_for: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// With the time of their end; the newest last.
    channels: Vec<(Instant, Channel)>,
    /// A task is under way that closes those that nobody wanted in time.
    swept: bool,
    closed: bool,
}

impl Pool {
    pub fn new(most: usize, keep_for: Duration) -> Arc<Self> {
        let most = most.min(Semaphore::MAX_PERMITS);
        let (places, own) = (Arc::new(Semaphore::new(most)), own_places(most));
        Arc::new(Pool { places, own, by_credential: Mutex::default(), keep_for, kept: Mutex::default() })
    }

    /// A place, once there is one. `None` when the pool is closed.
    pub async fn place(&self, credential: CredentialId) -> Option<Place> {
        let own = self.places_of(credential);
        let one_of_its_own = own.acquire_owned().await.ok()?;
        let one_of_all = self.places.clone().acquire_owned().await.ok()?;
        Some(Place { _one_of_all: one_of_all, _one_of_its_own: one_of_its_own })
    }

    fn places_of(&self, credential: CredentialId) -> Arc<Semaphore> {
        let mut all = self.by_credential.lock();
        all.retain(|_, places| Arc::strong_count(places) > 1);
        all.entry(credential).or_insert_with(|| Arc::new(Semaphore::new(self.own))).clone()
    }

    /// The connection that was used last; those that the next hop has closed meanwhile are dropped.
    pub async fn take(&self) -> Option<Channel> {
        loop {
            let (end, mut channel) = self.kept.lock().channels.pop()?;
            if end > Instant::now() && channel.is_silent().await {
                return Some(channel);
            }
        }
    }

    /// Keeps a connection for the next message.
    pub fn keep(self: &Arc<Self>, channel: Channel) {
        let mut kept = self.kept.lock();
        if kept.closed {
            drop(kept);
            tokio::spawn(channel.say_goodbye());
            return;
        }
        kept.channels.push((Instant::now() + self.keep_for, channel));
        if !std::mem::replace(&mut kept.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Gives no place any more, and ends the connections that are kept.
    pub async fn close(&self) {
        self.places.close();
        let channels = {
            let mut kept = self.kept.lock();
            kept.closed = true;
            std::mem::take(&mut kept.channels)
        };
        say_goodbye(channels).await;
    }

    /// Takes out what nobody wanted in time. Returns when to look again, `None` when nothing is kept.
    fn expired(&self) -> (Vec<(Instant, Channel)>, Option<Instant>) {
        let mut kept = self.kept.lock();
        let now = Instant::now();
        let count = kept.channels.partition_point(|(end, _)| *end <= now);
        let expired = kept.channels.drain(..count).collect();
        let next = kept.channels.first().map(|(end, _)| *end);
        kept.swept = next.is_some();
        (expired, next)
    }
}

/// All but a quarter, and but one where there are few.
fn own_places(most: usize) -> usize {
    (most - (most / 4).max(1).min(most)).max(1)
}

/// Closes connections at their end, until none is left.
async fn sweep(pool: std::sync::Weak<Pool>) {
    loop {
        let Some((expired, next)) = pool.upgrade().map(|pool| pool.expired()) else { return };
        say_goodbye(expired).await;
        match next {
            Some(end) => sleep_until(end).await,
            None => return,
        }
    }
}

/// To all of them at once.
async fn say_goodbye(channels: Vec<(Instant, Channel)>) {
    let mut goodbyes = tokio::task::JoinSet::new();
    for (_, channel) in channels {
        goodbyes.spawn(channel.say_goodbye());
    }
    goodbyes.join_all().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_credential_has_most_places_and_never_all_but_the_only_one() {
        let own: Vec<_> = [1, 2, 3, 4, 8, 20].map(own_places).to_vec();
        assert_eq!(own, [1, 1, 2, 3, 6, 15]);
    }
}
