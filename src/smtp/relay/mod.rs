//! The way to the next hop: a client of the mail server that production messages are handed to, cut through command by
//! command. Nothing is kept on disk; what the next hop says is what the sender hears.
//!
//! A [`Transfer`] takes one message through a [`channel`] (connected, greeted, protected, signed in), which the [`pool`]
//! keeps for the next one. What the next hop answers is [`Said`], be it yes or no; that no answer came is [`Trouble`].
//! Every wait has a limit, and no reply out of step is ever taken for the answer to something else.

mod channel;
mod content;
mod pool;
mod said;
mod transfer;
mod trouble;
mod way;

use std::fmt;
use std::sync::Arc;

use metrics::counter;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::error::Result;
use crate::id::CredentialId;
use crate::telemetry;
use channel::Channel;
pub use channel::Offers;
pub use content::Stuffing;
use pool::Pool;
pub use said::Said;
pub use transfer::{MailOptions, Transfer};
pub use trouble::Trouble;
use way::Way;

/// Messages that one connection carries at most, so that none grows old.
const MOST_MESSAGES: u32 = 100;
/// Noes after which a connection that has taken no message since is left: mail servers slow down and hang up on who makes many
/// errors (Postfix after 10 and 20), and those of one message must not be the end of another.
const MOST_NOES: u32 = 5;

/// The way to the next hop. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    way: Way,
    pool: Arc<Pool>,
}

impl Relay {
    /// `None` where no next hop is configured.
    ///
    /// # Errors
    /// A sentence that names the setting: a host that is none, authorities that can't be read.
    pub fn new(config: &Config) -> Result<Option<Self>> {
        let Some(way) = Way::configured(config)? else { return Ok(None) };
        let pool = Pool::new(config.next_hop_max_connections, config.next_hop_idle_timeout);
        Ok(Some(Relay(Arc::new(Inner { way, pool }))))
    }

    /// A connection for this credential that has greeted and signed in, kept from before or new, within `next_hop_connect_timeout`; waiting
    /// for a place among `next_hop_max_connections` counts.
    pub async fn open(&self, credential: CredentialId) -> Result<Transfer, Trouble> {
        let opened = self.take_or_open(credential).await;
        let result = match &opened {
            Ok(transfer) if transfer.is_reused() => "reused",
            Ok(_) => "opened",
            Err(_) => "failed",
        };
        counter!(telemetry::NEXT_HOP_CONNECTIONS, "result" => result).increment(1);
        opened
    }

    async fn take_or_open(&self, credential: CredentialId) -> Result<Transfer, Trouble> {
        let deadline = Instant::now() + self.0.way.limits.connect;
        let place =
            timeout_at(deadline, self.0.pool.place(credential)).await.map_err(|_| Trouble::NoPlace)?;
        let place = place.ok_or(Trouble::Closed)?;
        let (channel, reused) = match self.0.pool.take().await {
            Some(channel) => (channel, true),
            None => (Channel::open(&self.0.way, deadline).await?, false),
        };
        Ok(Transfer::new(self.clone(), place, channel, reused))
    }

    /// Says goodbye on the connections that nobody uses. Those in use end with their message; no new one is opened.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Relay").field(&self.0.way).finish()
    }
}
