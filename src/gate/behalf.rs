//! Connections that this process makes to its own door for somebody else, as the checker does: what comes of one counts for the
//! client behind it, so that one member's failed checks slow down nobody who shares the machine's own address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Clones share what is open.
#[derive(Clone, Debug, Default)]
pub struct Behalf(Arc<Mutex<HashMap<SocketAddr, IpAddr>>>);

/// A connection on somebody's behalf, until it is dropped.
#[derive(Debug)]
pub struct OnBehalf {
    all: Behalf,
    from: SocketAddr,
}

impl Behalf {
    /// To be called before a connection is made `from` here.
    pub fn note(&self, from: SocketAddr, client: IpAddr) -> OnBehalf {
        self.0.lock().insert(from, client);
        OnBehalf { all: self.clone(), from }
    }

    /// Who is behind a connection that came from `peer`: as a rule it is the peer itself.
    pub fn client_behind(&self, peer: SocketAddr) -> IpAddr {
        self.0.lock().get(&peer).copied().unwrap_or(peer.ip()).to_canonical()
    }
}

impl Drop for OnBehalf {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.from);
    }
}
