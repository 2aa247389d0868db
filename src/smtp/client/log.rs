//! What was said, with every secret masked: nothing leaves this file that was not.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;

use crate::secret::Password;

/// A password of fewer bytes is masked only where it is sent.
const SHORT: usize = 8;

/// A line of the transcript, secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub from: Speaker,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    Client,
    Server,
    /// What the client found out by itself, such as the cipher.
    Note,
}

/// What was said since it was last taken. Clones share it, so that what was said before a time limit is not lost.
#[derive(Clone)]
pub struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    keeps: bool,
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
        Log { lines: Arc::default(), keeps: true, secrets: secrets.into() }
    }

    /// Masks what the server says, and keeps nothing.
    pub fn unkept(self) -> Self {
        Log { keeps: false, ..self }
    }

    /// Has no secrets, and keeps nothing.
    pub fn nothing() -> Self {
        Log { lines: Arc::default(), keeps: false, secrets: Arc::default() }
    }

    pub fn note(&self, text: String) {
        self.write(Speaker::Note, &text);
    }

    /// Takes what was written since the last time.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.lines.lock())
    }

    /// Writes a line down, and returns it masked.
    pub fn write(&self, from: Speaker, text: &str) -> String {
        let masked =
            self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "********"));
        if self.keeps {
            self.lines.lock().push(Line { from, text: masked.clone() });
        }
        masked
    }
}

/// The message of PLAIN (RFC 4616 section 2), without an authorization identity.
pub fn plain(username: &str, password: &str) -> String {
    format!("\0{username}\0{password}")
}
