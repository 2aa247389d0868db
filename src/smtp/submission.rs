//! What all sessions share to take mail (RFC 6409): the memory for what comes in.

use crate::app::App;

use super::data::memory::Memory;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Submission {
    pub app: App,
    /// For messages that are being received.
    pub memory: Memory,
}

impl Submission {
    pub fn new(app: App) -> Self {
        let memory = Memory::new(app.config.smtp_max_message_memory);
        Self { app, memory }
    }
}
