//! Who may connect: limits on connections in all, from one client, and on new ones a minute from one client.
//!
//! A client is a [`network`]: an IPv4 address or an IPv6 /64.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::gauge;
use parking_lot::Mutex;

use super::reply::{self, Reply};
use crate::gate::network;
use crate::telemetry;

const MINUTE: Duration = Duration::from_secs(60);
/// Forgotten clients are cleared out once the table has grown by so many.
const SLACK: usize = 1_024;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    pub per_client: usize,
    pub new_per_minute: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Full,
    TooManyFromClient,
    TooFastFromClient,
}

impl Refusal {
    pub fn reply(self) -> Reply {
        match self {
            Refusal::Full => reply::TOO_MANY_CONNECTIONS,
            Refusal::TooManyFromClient => reply::TOO_MANY_FROM_ADDRESS,
            Refusal::TooFastFromClient => reply::TOO_FAST_FROM_ADDRESS,
        }
    }

    /// For logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Full => "full",
            Refusal::TooManyFromClient => "too_many_from_client",
            Refusal::TooFastFromClient => "too_fast_from_client",
        }
    }
}

pub struct Admission {
    limits: Limits,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    open: usize,
    clients: HashMap<IpAddr, Client>,
    /// Clear out when the table is larger than this.
    clear_at: usize,
}

struct Client {
    open: usize,
    /// Each new connection takes a slot of 60 s divided by the limit; the slots taken reach to here. A client may be
    /// up to a minute ahead of the clock, so that a burst of a whole minute's connections passes.
    slots_until: Instant,
}

/// One admitted connection; it counts until this is dropped.
pub struct Pass {
    admission: Arc<Admission>,
    client: IpAddr,
}

impl Admission {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Admission { limits, present: Mutex::default() })
    }

    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Pass, Refusal> {
        let client = network(address);
        let mut present = self.present.lock();
        if present.open >= self.limits.connections {
            return Err(Refusal::Full);
        }
        present.clear_out(now);
        let entry = present.clients.entry(client).or_insert(Client { open: 0, slots_until: now });
        if entry.open >= self.limits.per_client {
            return Err(Refusal::TooManyFromClient);
        }
        let slots_until = entry.slots_until.max(now) + MINUTE / self.limits.new_per_minute.max(1);
        if slots_until > now + MINUTE {
            return Err(Refusal::TooFastFromClient);
        }
        entry.slots_until = slots_until;
        entry.open += 1;
        present.open += 1;
        gauge!(telemetry::SMTP_CONNECTIONS).set(present.open as f64);
        Ok(Pass { admission: self.clone(), client })
    }
}

impl Present {
    fn clear_out(&mut self, now: Instant) {
        if self.clients.len() > self.clear_at {
            self.clients.retain(|_, client| client.open > 0 || client.slots_until > now);
            self.clear_at = self.clients.len() + SLACK;
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut present = self.admission.present.lock();
        present.open -= 1;
        gauge!(telemetry::SMTP_CONNECTIONS).set(present.open as f64);
        if let Some(client) = present.clients.get_mut(&self.client) {
            client.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "192.0.2.7";
    const BOB: &str = "192.0.2.8";

    fn admission(connections: usize, per_client: usize, new_per_minute: u32) -> Arc<Admission> {
        Admission::new(Limits { connections, per_client, new_per_minute })
    }

    fn enter(admission: &Arc<Admission>, address: &str, now: Instant) -> Result<Pass, Refusal> {
        admission.enter(address.parse().unwrap(), now)
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_ends() {
        let now = Instant::now();
        let door = admission(2, 1, 100);
        let alice = enter(&door, ALICE, now).unwrap();
        assert_eq!(enter(&door, ALICE, now).err(), Some(Refusal::TooManyFromClient));
        let _bob = enter(&door, BOB, now).unwrap();
        assert_eq!(enter(&door, "192.0.2.9", now).err(), Some(Refusal::Full));
        drop(alice);
        assert!(enter(&door, ALICE, now).is_ok());
    }

    #[test]
    fn a_minutes_connections_may_come_at_once_and_then_at_their_pace() {
        let now = Instant::now();
        let door = admission(100, 100, 3);
        for _ in 0..3 {
            assert!(enter(&door, ALICE, now).is_ok());
        }
        assert_eq!(enter(&door, ALICE, now).err(), Some(Refusal::TooFastFromClient));
        assert!(enter(&door, BOB, now).is_ok(), "another client has a rate of its own");
        assert!(enter(&door, ALICE, now + Duration::from_secs(20)).is_ok());
        assert_eq!(
            enter(&door, ALICE, now + Duration::from_secs(21)).err(),
            Some(Refusal::TooFastFromClient)
        );
    }

    #[test]
    fn an_ipv6_client_is_its_64_bit_network_and_a_mapped_address_is_ipv4() {
        let now = Instant::now();
        let door = admission(100, 1, 100);
        let _first = enter(&door, "2001:db8:1:2::1", now).unwrap();
        assert!(enter(&door, "2001:db8:1:2:ffff::9", now).is_err());
        assert!(enter(&door, "2001:db8:1:3::1", now).is_ok());
        let _mapped = enter(&door, "::ffff:192.0.2.7", now).unwrap();
        assert!(enter(&door, ALICE, now).is_err());
    }

    #[test]
    fn clients_that_left_are_forgotten() {
        let now = Instant::now();
        let door = admission(10, 10, 60);
        for number in 0..20_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            drop(door.enter(address, now + MINUTE * (number / 100)));
        }
        assert!(door.present.lock().clients.len() <= 2 * SLACK);
    }
}
