//! What was said, with every secret masked: nothing leaves this file that was not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Line, Speaker};
use crate::secret::Password;

/// A password of fewer bytes is masked only where it is sent.
const SHORT: usize = 8;

/// What was said in the present step. Clones share it, so that what was said before a time limit is not lost.
#[derive(Clone)]
pub struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    /// Never to be seen, longest first.
    secrets: Arc<[String]>,
}

impl Log {
    pub fn masking(username: &str, password: &Password) -> Self {
        let password = password.expose();
        let mut secrets = vec![STANDARD.encode(plain(username, password)), STANDARD.encode(password)];
        // Masking a few letters wherever they stand would hide the transcript, and show what they are.
        if password.len() >= SHORT {
            secrets.push(password.to_owned());
        }
        secrets.retain(|secret| !secret.is_empty());
        Log { lines: Arc::default(), secrets: secrets.into() }
    }

    pub fn note(&self, text: String) {
        self.write(Speaker::Note, &text);
    }

    /// Takes what was written since the last time.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines())
    }

    /// Writes a line down, and returns it as it was written.
    pub fn write(&self, from: Speaker, text: &str) -> String {
        let masked =
            self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "********"));
        self.lines().push(Line { from, text: masked.clone() });
        masked
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The message of PLAIN (RFC 4616 section 2), without an authorization identity.
pub fn plain(username: &str, password: &str) -> String {
    format!("\0{username}\0{password}")
}
