//! What webhooks are signed with. Unlike a password it is kept readable: without it nothing can be signed.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::random_bytes;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// `whsec_` and 32 random bytes in Base64, as the public Standard Webhooks libraries take it. `Debug` prints `****`.
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

const PREFIX: &str = "whsec_";

impl WebhookSecret {
    pub fn generate() -> Self {
        Self::stored(format!("{PREFIX}{}", BASE64_STANDARD.encode(random_bytes::<32>())))
    }

    /// As it was read from the database.
    pub fn stored(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// For the person it is shown to once, and for the database.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// One signature of the header `webhook-signature`: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in Base64
    /// (Standard Webhooks 1.0, section “Signature scheme”). `at` counts in whole seconds.
    ///
    /// # Errors
    /// [`Error::Internal`] for a secret that is not of this form.
    pub fn sign(&self, id: &str, at: Timestamp, body: &str) -> Result<String> {
        let unreadable = || Error::Internal("a stored webhook secret is unreadable".to_owned());
        let key = self.expose().strip_prefix(PREFIX).ok_or_else(unreadable)?;
        let key = BASE64_STANDARD.decode(key).map_err(|_| unreadable())?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| unreadable())?;
        mac.update(format!("{id}.{}.{body}", at.unix_seconds()).as_bytes());
        Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks_is_signed_as_printed_there() {
        let secret = WebhookSecret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let at = Timestamp::from_micros(1_614_265_330_999_999);
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signature.ok().as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_secret_holds_256_random_bits_and_is_never_printed() {
        let (one, other) = (WebhookSecret::generate(), WebhookSecret::generate());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), "whsec_".len() + 44);
        assert_eq!(format!("{one:?}"), "****");
    }
}
