//! What all sessions share to take mail (RFC 6409): the memory for what comes in, and the way on.

use super::data::memory::Memory;
use super::relay::Relay;
use super::settling::Settling;
use crate::app::App;
use crate::error::Result;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Submission {
    pub app: App,
    /// For messages that are being received.
    pub memory: Memory,
    /// The way to the next hop; none where none is configured.
    pub relay: Option<Relay>,
    /// What the next hop answered, on its way into the log.
    pub settling: Settling,
}

impl Submission {
    /// # Errors
    /// A sentence that names the setting of the next hop that can't be used.
    pub fn new(app: App) -> Result<Self> {
        let (memory, relay) = (Memory::new(app.config.smtp_max_message_memory), Relay::new(&app.config)?);
        Ok(Self { app, memory, relay, settling: Settling::default() })
    }
}
