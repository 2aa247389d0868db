//! How many connections one client may have: so none takes the places of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::warn;

use crate::gate::network;
use crate::network::Network;

/// Connections of one client at a time: far more than a browser opens.
const MOST_OF_ONE: usize = 256;

/// By client: an IPv4 address or an IPv6 /64.
pub struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
    /// Reverse proxies, behind which everybody is.
    proxies: Vec<Network>,
}

/// One connection; its place is free again when this is dropped.
pub struct Place(Option<(Arc<Places>, IpAddr)>);

impl Places {
    pub fn new(proxies: Vec<Network>) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), proxies })
    }

    /// None when the client has as many as it may.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if self.proxies.iter().any(|proxies| proxies.contains(address)) {
            return Some(Place(None));
        }
        let client = network(address);
        let mut taken = self.taken.lock();
        let count = taken.entry(client).or_default();
        if *count == MOST_OF_ONE {
            return None;
        }
        *count += 1;
        if *count == MOST_OF_ONE {
            warn!(%client, "has {MOST_OF_ONE} connections to the dashboard: further ones are closed");
        }
        Some(Place(Some((self.clone(), client))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((places, client)) = self.0.take() else { return };
        let mut taken = places.taken.lock();
        if let Some(count) = taken.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_a_bounded_number_of_places_and_a_proxy_as_many_as_come() {
        let places = Places::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let take = |address: &str| places.take(address.parse().unwrap());
        let held: Vec<_> = (0..MOST_OF_ONE).map(|_| take("192.0.2.7").unwrap()).collect();
        assert!(take("192.0.2.7").is_none() && take("::ffff:192.0.2.7").is_none());
        assert!(take("192.0.2.8").is_some() && take("10.0.0.1").is_some());
        drop(held);
        assert!(take("192.0.2.7").is_some());
        assert!(places.taken.lock().is_empty());
    }
}
