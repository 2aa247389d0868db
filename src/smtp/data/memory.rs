//! Memory for messages that are being received: bounded over all connections together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory is taken in steps of this many bytes.
const STEP: u64 = 65_536;

/// What all connections share; clones share it.
#[derive(Clone, Debug)]
pub struct Memory {
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Memory {
    /// `limit` in bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// Nothing yet, for one message.
    pub fn share(&self) -> Share {
        Share { memory: self.clone(), bytes: 0 }
    }
}

/// What one message has taken; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    memory: Memory,
    bytes: u64,
}

impl Share {
    /// Whether there is memory for `bytes` in all.
    pub fn grow_to(&mut self, bytes: u64) -> bool {
        if bytes <= self.bytes {
            return true;
        }
        let more = (bytes - self.bytes).next_multiple_of(STEP);
        let limit = self.memory.limit;
        let fits = |used: u64| used.checked_add(more).filter(|sum| *sum <= limit);
        let grown = self.memory.used.try_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok();
        self.bytes += if grown { more } else { 0 };
        grown
    }

    pub fn give_back(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::AcqRel);
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_message_has_no_other_gets_until_it_is_given_back() {
        let memory = Memory::new(3 * STEP);
        let (mut first, mut second) = (memory.share(), memory.share());
        assert!(first.grow_to(STEP + 1) && second.grow_to(1));
        assert!(!second.grow_to(STEP + 1), "all is taken");
        assert!(first.grow_to(2 * STEP), "what it has, it has");
        drop(first);
        assert!(second.grow_to(3 * STEP));
        assert!(!memory.share().grow_to(1));
        second.give_back();
        assert!(memory.share().grow_to(3 * STEP));
    }
}
