//! Slows guessing down: by client address, and by username from addresses that have guessed at it.
//!
//! Only failures count. A username that many addresses guess at is never closed to an address that has not failed with it,
//! so nobody can lock an honest client out by guessing at its username. What a program says of its clients' addresses counts
//! within its own organization alone.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp};
use crate::id::OrganizationId;

/// Keys that each kind of bucket remembers at most.
const MAX_KEYS: usize = 100_000;

/// Failures that are free, and the time after which one of them is forgiven.
#[derive(Clone, Copy, Debug)]
struct Limit {
    burst: u32,
    forgiven_after: Duration,
}

const PER_ADDRESS: Limit = Limit { burst: 20, forgiven_after: Duration::from_secs(6) };
const PER_USERNAME: Limit = Limit { burst: 20, forgiven_after: Duration::from_secs(3) };
const PER_PAIR: Limit = Limit { burst: 8, forgiven_after: Duration::from_secs(15) };
/// Of one organization's programs together, whatever addresses they name: those may be made up.
const PER_PROGRAMS: Limit = Limit { burst: 200, forgiven_after: Duration::from_millis(500) };

/// Where attempts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    network: IpAddr,
    /// Whose programs say so, where no door has seen it.
    told_by: Option<OrganizationId>,
}

impl Source {
    pub fn seen(client: IpAddr) -> Self {
        Self { network: network(client), told_by: None }
    }

    pub fn told(client: IpAddr, by: OrganizationId) -> Self {
        Self { network: network(client), told_by: Some(by) }
    }
}

/// A username, among those that are tried at the doors or by one organization's programs.
type Tried = (Option<OrganizationId>, u64);

#[derive(Debug)]
pub struct Throttle {
    sources: Buckets<Source>,
    usernames: Buckets<Tried>,
    pairs: Buckets<(Source, Tried)>,
    programs: Buckets<OrganizationId>,
    hasher: RandomState,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            sources: Buckets::new(PER_ADDRESS),
            usernames: Buckets::new(PER_USERNAME),
            pairs: Buckets::new(PER_PAIR),
            programs: Buckets::new(PER_PROGRAMS),
            hasher: RandomState::new(),
        }
    }
}

impl Throttle {
    /// Whether this attempt is to be denied unseen.
    pub fn blocks(&self, source: Source, username: &str, now: Timestamp) -> bool {
        let tried = self.tried(source, username);
        let pair = (source, tried);
        source.told_by.is_some_and(|organization| self.programs.is_full(&organization, now))
            || self.sources.is_full(&source, now)
            || self.pairs.is_full(&pair, now)
            || (self.usernames.is_full(&tried, now) && !self.pairs.is_empty(&pair, now))
    }

    /// The same question, to be asked later.
    pub fn ask_later(
        self: &Arc<Self>,
        source: Source,
        username: &str,
        clock: &Clock,
    ) -> impl FnOnce() -> bool + Send + use<> {
        let (throttle, username, clock) = (self.clone(), username.to_owned(), clock.clone());
        move || throttle.blocks(source, &username, clock.now())
    }

    /// Counts a failure.
    pub fn failed(&self, source: Source, username: &str, now: Timestamp) {
        let tried = self.tried(source, username);
        if let Some(organization) = source.told_by {
            self.programs.add(organization, now);
        }
        self.sources.add(source, now);
        self.usernames.add(tried, now);
        self.pairs.add((source, tried), now);
    }

    fn tried(&self, source: Source, username: &str) -> Tried {
        (source.told_by, self.hasher.hash_one(username))
    }
}

/// What one customer of a provider usually has: an IPv4 address, an IPv6 /64 (RFC 6177).
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// For each key the time at which all its failures are forgiven (the generic cell rate algorithm).
#[derive(Debug)]
struct Buckets<K> {
    limit: Limit,
    forgiven_at: Mutex<HashMap<K, Timestamp>>,
}

impl<K: Eq + Hash + Copy> Buckets<K> {
    fn new(limit: Limit) -> Self {
        Self { limit, forgiven_at: Mutex::default() }
    }

    fn is_empty(&self, key: &K, now: Timestamp) -> bool {
        self.debt(key, now).is_zero()
    }

    fn is_full(&self, key: &K, now: Timestamp) -> bool {
        self.debt(key, now) > self.limit.forgiven_after * (self.limit.burst - 1)
    }

    fn debt(&self, key: &K, now: Timestamp) -> Duration {
        let forgiven_at = self.forgiven_at.lock();
        forgiven_at.get(key).map_or(Duration::ZERO, |at| at.since(now))
    }

    fn add(&self, key: K, now: Timestamp) {
        let mut forgiven_at = self.forgiven_at.lock();
        if forgiven_at.len() >= MAX_KEYS && !forgiven_at.contains_key(&key) {
            make_room(&mut forgiven_at, now);
        }
        let at = forgiven_at.entry(key).or_insert(now);
        *at = (*at).max(now).plus(self.limit.forgiven_after);
    }
}

/// Forgets what is forgiven, and if that is not a quarter, what will be forgiven first.
fn make_room<K: Eq + Hash + Copy>(forgiven_at: &mut HashMap<K, Timestamp>, now: Timestamp) {
    forgiven_at.retain(|_, at| *at > now);
    if forgiven_at.len() > MAX_KEYS / 4 * 3 {
        let mut times: Vec<Timestamp> = forgiven_at.values().copied().collect();
        let (_, median, _) = times.select_nth_unstable(MAX_KEYS / 2);
        let median = *median;
        forgiven_at.retain(|_, at| *at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000_000);

    fn source(last: u8) -> Source {
        Source::seen(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_address_that_fails_too_often_is_blocked_and_forgiven_in_time() {
        let throttle = Throttle::default();
        for number in 0..PER_ADDRESS.burst {
            let username = format!("smtp_{number}");
            assert!(!throttle.blocks(source(1), &username, NOW));
            throttle.failed(source(1), &username, NOW);
        }
        assert!(throttle.blocks(source(1), "smtp_other", NOW));
        assert!(!throttle.blocks(source(2), "smtp_other", NOW));
        assert!(!throttle.blocks(source(1), "smtp_other", NOW.plus(PER_ADDRESS.forgiven_after)));
    }

    #[test]
    fn a_username_under_attack_stays_open_to_an_address_that_has_not_failed_with_it() {
        let throttle = Throttle::default();
        for attacker in 1..=200 {
            throttle.failed(source(attacker), "smtp_shop", NOW);
        }
        assert!(throttle.blocks(source(1), "smtp_shop", NOW));
        assert!(!throttle.blocks(source(201), "smtp_shop", NOW));
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let [one, other] = ["2001:db8::1", "2001:db8::ffff:1"].map(|text| text.parse().map(Source::seen));
        assert_eq!(one, other);
        assert_eq!("::ffff:192.0.2.1".parse().map(Source::seen), Ok(source(1)));
    }

    #[test]
    fn what_a_program_says_of_its_clients_closes_nothing_to_anybody_else() {
        let (throttle, client) = (Throttle::default(), IpAddr::from([192, 0, 2, 1]));
        let [one, other] = [OrganizationId::new(), OrganizationId::new()];
        for _ in 0..PER_ADDRESS.burst {
            throttle.failed(Source::told(client, one), "smtp_shop", NOW);
        }
        assert!(throttle.blocks(Source::told(client, one), "smtp_other", NOW));
        assert!(!throttle.blocks(Source::told(client, other), "smtp_shop", NOW));
        assert!(!throttle.blocks(Source::seen(client), "smtp_shop", NOW));
        throttle.failed(Source::seen(client), "smtp_shop", NOW);
        assert!(
            !throttle.blocks(Source::seen(client), "smtp_shop", NOW),
            "its username is not under attack here"
        );
    }

    #[test]
    fn addresses_that_a_program_makes_up_run_out() {
        let (throttle, program) = (Throttle::default(), OrganizationId::new());
        let mut addresses = (0_u32..).map(|number| Source::told(IpAddr::from(number.to_be_bytes()), program));
        let fresh = addresses.by_ref().take_while(|source| {
            throttle.failed(*source, "smtp_shop", NOW);
            !throttle.blocks(Source::told(IpAddr::from([192, 0, 2, 1]), program), "smtp_shop", NOW)
        });
        assert_eq!(fresh.count() + 1, PER_PROGRAMS.burst as usize);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let buckets = Buckets::new(PER_PAIR);
        for key in 0..(MAX_KEYS * 2) {
            buckets.add(key, NOW);
        }
        let size = buckets.forgiven_at.lock().len();
        assert!(size <= MAX_KEYS, "{size}");
    }
}
