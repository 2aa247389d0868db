//! Seals what the database keeps of a secret for a moment: AES-256-GCM, under a key that is not in the database.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::{file, random_bytes};
use crate::error::{Error, Result};

/// Bytes of the key.
const KEY: usize = 32;

pub struct Sealing(RandomizedNonceKey);

impl Sealing {
    /// From Base64 of 32 bytes.
    ///
    /// # Errors
    /// [`Error::Setup`]: it is something else.
    pub fn new(key: &str) -> Result<Self> {
        Self::read(key).ok_or_else(|| {
            Error::setup("sealing_key is not 32 bytes in Base64, such as: openssl rand -base64 32")
        })
    }

    /// With the key in this file; made, for nobody else to read, when it is not there.
    ///
    /// # Errors
    /// [`Error::Setup`] that names the file.
    pub fn kept_in(path: &Path) -> Result<Self> {
        let unusable =
            |cause: std::io::Error| Error::setup(format!("{} can't be used: {cause}", path.display()));
        if !path.exists() {
            let fresh = Zeroizing::new(BASE64_STANDARD.encode(random_bytes::<KEY>()));
            file::make(path, fresh.as_bytes()).map_err(unusable)?;
        }
        // Whoever made it: of two that start at once both use the one that is there.
        let key = Zeroizing::new(std::fs::read_to_string(path).map_err(unusable)?);
        Self::read(&key).ok_or_else(|| {
            let needed = "restore it from a backup, or delete it for a new one: what it sealed is lost then";
            Error::setup(format!("{} does not hold 32 bytes in Base64; {needed}", path.display()))
        })
    }

    fn read(key: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(key.trim()).ok()?);
        if bytes.len() != KEY {
            return None;
        }
        RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok().map(Self)
    }

    /// Base64 of nonce, ciphertext and tag. `name` says what it is: it opens as nothing else.
    pub fn seal(&self, name: &str, text: &str) -> Result<String> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(name), &mut sealed);
        let nonce = nonce.map_err(|_| Error::Internal("a text can't be sealed".to_owned()))?;
        Ok(BASE64_STANDARD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }

    /// `None` for what was sealed with another key or under another name.
    pub fn open(&self, name: &str, sealed: &str) -> Option<Zeroizing<String>> {
        let bytes = BASE64_STANDARD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
        let mut rest = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, Aad::from(name), &mut rest).ok()?;
        String::from_utf8(text.to_vec()).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_sealed_is_opened_with_the_same_key_and_name_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let (one, again) = (Sealing::kept_in(&file).unwrap(), Sealing::kept_in(&file).unwrap());
        let other = Sealing::kept_in(&dir.path().join("other")).unwrap();
        let sealed = one.seal("a", "sk_secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(again.open("a", &sealed).as_deref().map(String::as_str), Some("sk_secret"));
        assert!(again.open("b", &sealed).is_none() && other.open("a", &sealed).is_none());
        assert!(one.open("a", "").is_none() && one.open("a", &sealed[4..]).is_none());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn processes_that_start_at_once_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let start = std::sync::Barrier::new(8);
        let begin = || {
            start.wait();
            Sealing::kept_in(&path).unwrap()
        };
        let keys: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let sealed = keys[0].seal("a", "sk_secret").unwrap();
        assert!(keys.iter().all(|key| key.open("a", &sealed).is_some()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealing.key");
        std::fs::write(&path, "").unwrap();
        let error = Sealing::kept_in(&path).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }

    #[test]
    fn a_key_that_is_none_is_refused_in_one_sentence() {
        for key in ["x", "c2hvcnQ=", ""] {
            assert!(Sealing::new(key).is_err_and(|error| error.to_string().starts_with("sealing_key ")));
        }
    }
}
