//! What every client of an SMTP server stands on: the probe, which checks a credential, and the way to the next hop.
//!
//! [`wire`] is bytes and the steps that begin a session (greeting, EHLO, STARTTLS, AUTH), each [`reply`] bounded and
//! masked by [`log`]; [`trust`] says whose certificate is believed, [`trouble`] what can go wrong.

pub mod log;
pub mod reply;
pub mod trouble;
pub mod trust;
pub mod wire;

use std::net::SocketAddr;

use tokio::net::lookup_host;

pub use log::Log;
pub use reply::Reply;
pub use trouble::Trouble;
pub use trust::{Doubt, Trust};
pub use wire::Wire;

/// Where a host is, in the order of the system's resolver; never empty.
pub async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let found: Vec<_> = lookup_host((bare(host), port)).await.map_err(|_| Trouble::UnknownHost)?.collect();
    if found.is_empty() { Err(Trouble::UnknownHost) } else { Ok(found) }
}

/// A host without the brackets that an IPv6 address may stand in.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
