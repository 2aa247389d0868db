//! Passwords that this process has verified, or found to be wrong, so that the next log-in with one costs no Argon2.
//!
//! Holds HMAC-SHA256(key, what it was held against ‖ 0 ‖ password) under a random key of this process: nothing in it reveals a
//! password. That is the stored hash, so that an entry is worth nothing once the hash changes.

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha2::Sha256;

use crate::secret::{Password, random_bytes};

/// Entries of one generation; two are kept, at about 50 bytes an entry.
const GENERATION: usize = 50_000;

type Tag = [u8; 32];

pub struct Memory {
    key: [u8; 32],
    generations: Mutex<Generations>,
}

/// When the young generation is full, the old one is forgotten and the young one becomes old.
#[derive(Default)]
struct Generations {
    young: HashSet<Tag>,
    old: HashSet<Tag>,
}

impl Memory {
    pub fn new() -> Self {
        Self { key: random_bytes(), generations: Mutex::default() }
    }

    /// Whether this password was held against this very thing.
    pub fn knows(&self, against: &str, password: &Password) -> bool {
        let tag = self.tag(against, password);
        let mut generations = self.generations.lock();
        if generations.young.contains(&tag) {
            return true;
        }
        let known = generations.old.contains(&tag);
        if known {
            generations.insert(tag);
        }
        known
    }

    pub fn learn(&self, against: &str, password: &Password) {
        let tag = self.tag(against, password);
        self.generations.lock().insert(tag);
    }

    fn tag(&self, against: &str, password: &Password) -> Tag {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length");
        mac.update(against.as_bytes());
        mac.update(&[0]);
        mac.update(password.expose().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Generations {
    fn insert(&mut self, tag: Tag) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(tag);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Hasher;

    #[test]
    fn a_password_is_recognised_for_the_hash_it_was_held_against_only() {
        let mut hasher = Hasher::default();
        let (password, other) = (Password::generate(), Password::generate());
        let (Ok(one), Ok(two)) = (hasher.hash(&password), hasher.hash(&password)) else { panic!("no hash") };
        let memory = Memory::new();
        memory.learn(&one.phc(), &password);
        assert!(memory.knows(&one.phc(), &password));
        assert!(!memory.knows(&two.phc(), &password));
        assert!(!memory.knows(&one.phc(), &other));
    }

    #[test]
    fn what_is_used_survives_a_change_of_generations_and_the_size_stays_bounded() {
        let mut generations = Generations::default();
        for number in 0..(3 * GENERATION as u64) {
            let mut tag = [0; 32];
            tag[..8].copy_from_slice(&number.to_le_bytes());
            generations.insert(tag);
            assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
        }
    }
}
