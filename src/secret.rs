//! Secrets: drawn here, hashed and verified here, shown once, never printed by accident.

pub mod file;
pub mod sealing;
mod webhook;

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc::{Output, PasswordHash as Phc, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::SysRng;
use rand::{TryRng, rand_core::UnwrapErr};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
pub use webhook::WebhookSecret;

/// A password in clear: of a credential or of a member. `Debug` prints `****`; the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Password(SecretString);

/// The longest password that is looked at, in bytes: enough for any phrase, too little to make hashing slow.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// A credential's password: `sk_` and 32 characters of `[A-Za-z0-9]` (190 bits).
    pub fn generate() -> Self {
        Self::new(format!("sk_{}", alphanumeric(32)))
    }

    /// A key of the API: `gp-sk-` and 64 characters of `[A-Za-z0-9]` (381 bits).
    pub fn generate_api_key() -> Self {
        Self::new(format!("gp-sk-{}", alphanumeric(64)))
    }

    /// Whether it has the form of a credential's password.
    pub fn is_generated_form(&self) -> bool {
        let rest = self.expose().strip_prefix("sk_").unwrap_or_default();
        rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// The clear text: for the person it is shown to once, and for hashing.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A text that somebody else wrote, without what has the form of a password or of an API key of Gatepost's: people put them into
/// the wrong field.
pub fn without_secrets(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("sk") {
        let tail = &rest[at + 2..];
        let drawn = tail.bytes().skip(1).take_while(u8::is_ascii_alphanumeric).count();
        let is_secret = tail.starts_with(['_', '-']) && drawn >= 32;
        kept.push_str(&rest[..at + 2]);
        rest = tail;
        if is_secret {
            kept.push_str("_********");
            rest = &tail[1 + drawn..];
        }
    }
    kept + rest
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl<'de> serde::Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A credential's username: `smtp_` and 16 characters of `[A-Za-z0-9]`.
pub fn generate_username() -> String {
    format!("smtp_{}", alphanumeric(16))
}

/// What names an API key in public: `gp-pk-` and 24 characters of `[A-Za-z0-9]`.
pub fn generate_public_key() -> String {
    format!("gp-pk-{}", alphanumeric(24))
}

/// 256 random bits as 43 URL-safe characters, for links that work once.
pub fn generate_token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// What a person reads out to find a line in the journal of denials: 5 characters without those easily mistaken (0/O, 1/I/L, U).
pub fn generate_reference() -> String {
    const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut reference = String::with_capacity(5);
    while reference.len() < 5 {
        let byte = usize::from(random_bytes::<1>()[0]);
        if byte < 240 {
            reference.push(char::from(ALPHABET[byte % 30]));
        }
    }
    reference
}

/// Bytes of the operating system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    UnwrapErr(SysRng).try_fill_bytes(&mut bytes).unwrap_or_else(|never| match never {});
    bytes
}

fn alphanumeric(length: usize) -> String {
    Alphanumeric.sample_string(&mut UnwrapErr(SysRng), length)
}

/// SHA-256 in hexadecimal: how a random token is stored. (Argon2 would add nothing: it can't be guessed.)
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// In hexadecimal, two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An Argon2id hash as a PHC string: all that is kept of a password. `Debug` prints `****`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Phc);

impl PasswordHash {
    /// Whether it was made with other parameters than are used now, and is to be renewed.
    pub fn is_outdated(&self) -> bool {
        Params::try_from(&self.0).ok().is_none_or(|params| !same_cost(&params, &current_params()))
    }

    /// The PHC string, as it is stored.
    pub fn phc(&self) -> String {
        self.0.to_string()
    }

    /// Whether one run of Argon2id serves both: same salt and same cost.
    fn shares_run_with(&self, other: &Self) -> bool {
        self.0.salt == other.0.salt && self.0.params == other.0.params && self.0.version == other.0.version
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PasswordHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let phc = Phc::new(text)
            .map_err(|cause| Error::Internal(format!("a stored hash is unreadable: {cause}")))?;
        if phc.algorithm != ARGON2ID_IDENT || phc.salt.is_none() || phc.hash.is_none() {
            return Err(Error::Internal("a stored hash is not Argon2id".to_owned()));
        }
        Ok(Self(phc))
    }
}

crate::db::stored_as_text!(PasswordHash);

/// Does the work of Argon2id in one block of memory that it keeps (19 MiB at 19 MiB a run).
#[derive(Default)]
pub struct Hasher {
    memory: Vec<Block>,
}

impl Hasher {
    /// Hashes with a salt of its own.
    pub fn hash(&mut self, password: &Password) -> Result<PasswordHash> {
        let salt = Salt::new(&random_bytes::<16>()).map_err(|cause| internal(&cause))?;
        self.hash_with(password, salt, &current_params())
    }

    /// Hashes so that [`Hasher::verify_either`] needs one run for this and `other`. Sharing a salt between two random
    /// passwords of one credential gives nothing away; an outdated `other` keeps its own run.
    pub fn hash_beside(&mut self, password: &Password, other: &PasswordHash) -> Result<PasswordHash> {
        match other.0.salt {
            Some(salt) if !other.is_outdated() => self.hash_with(password, salt, &current_params()),
            _ => self.hash(password),
        }
    }

    /// Whether the password is the one that was hashed. Always costs one run.
    pub fn verify(&mut self, password: &Password, hash: &PasswordHash) -> Result<bool> {
        Ok(self.run(password, hash)? == hash.0.hash)
    }

    /// Which of two hashes the password belongs to: `Some(true)` the first, `Some(false)` the second.
    pub fn verify_either(
        &mut self,
        password: &Password,
        first: &PasswordHash,
        second: &PasswordHash,
    ) -> Result<Option<bool>> {
        let output = self.run(password, first)?;
        let other = if first.shares_run_with(second) { output } else { self.run(password, second)? };
        Ok(match (output == first.0.hash, other == second.0.hash) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        })
    }

    fn hash_with(&mut self, password: &Password, salt: Salt, params: &Params) -> Result<PasswordHash> {
        let mut output = [0; 32];
        self.fill(password, &salt, params, &mut output)?;
        Ok(PasswordHash(Phc {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: params.try_into().map_err(|cause| internal(&cause))?,
            salt: Some(salt),
            hash: Some(Output::new(&output).map_err(|cause| internal(&cause))?),
        }))
    }

    /// What the password comes to with the salt and cost of `hash`; compared in constant time by [`Output`].
    fn run(&mut self, password: &Password, hash: &PasswordHash) -> Result<Option<Output>> {
        let params = Params::try_from(&hash.0).map_err(|cause| internal(&cause))?;
        let (Some(salt), Some(expected)) = (&hash.0.salt, &hash.0.hash) else { return Ok(None) };
        let mut output = vec![0; expected.len()];
        self.fill(password, salt, &params, &mut output)?;
        Output::new(&output).map(Some).map_err(|cause| internal(&cause))
    }

    fn fill(&mut self, password: &Password, salt: &[u8], params: &Params, output: &mut [u8]) -> Result<()> {
        if self.memory.len() < params.block_count() {
            self.memory.resize(params.block_count(), Block::default());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, &mut self.memory)
            .map_err(|cause| internal(&cause))
    }
}

/// 19 MiB, 2 passes, 1 lane: OWASP's and the crate's own recommendation.
fn current_params() -> Params {
    Params::default()
}

fn same_cost(one: &Params, other: &Params) -> bool {
    (one.m_cost(), one.t_cost(), one.p_cost()) == (other.m_cost(), other.t_cost(), other.p_cost())
}

fn internal(cause: &dyn fmt::Display) -> Error {
    Error::Internal(format!("Argon2: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_has_the_form_that_is_promised() {
        let (one, other) = (Password::generate(), Password::generate());
        assert!(one.is_generated_form() && other.is_generated_form());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 35);
        for text in [
            "",
            "sk_",
            "sk_short",
            "sk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-",
            "xx_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(!Password::new(text).is_generated_form(), "{text}");
        }
    }

    #[test]
    fn a_secret_in_the_wrong_field_is_masked_and_nothing_else() {
        let (password, key) = (Password::generate(), Password::generate_api_key());
        for (text, kept) in [
            (password.expose().to_owned(), "sk_********"),
            (format!("user={} x", password.expose()), "user=sk_******** x"),
            (key.expose().to_owned(), "gp-sk_********"),
            ("smtp_aB3xK9mP2qR5wY7z".to_owned(), "smtp_aB3xK9mP2qR5wY7z"),
            ("desk-lamp, sk_short, sk".to_owned(), "desk-lamp, sk_short, sk"),
            ("sk…ß".to_owned(), "sk…ß"),
        ] {
            assert_eq!(without_secrets(&text), kept);
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_drawn_about_as_often() {
        let mut times = [0_u32; 128];
        for _ in 0..2_000 {
            Password::generate().expose()["sk_".len()..]
                .bytes()
                .for_each(|byte| times[usize::from(byte)] += 1);
        }
        let drawn: Vec<u32> = times.into_iter().filter(|times| *times > 0).collect();
        assert_eq!(drawn.len(), 62);
        // 1032 expected of each, standard deviation 32: seven of them are never seen.
        assert!(drawn.iter().all(|times| (800..1_270).contains(times)), "{drawn:?}");
    }

    #[test]
    fn nothing_secret_is_printed_by_debug() {
        let password = Password::generate();
        assert_eq!(format!("{password:?}"), "****");
        let hash = Hasher::default().hash(&password).expect("a hash");
        assert_eq!(format!("{hash:?}"), "****");
    }

    #[test]
    fn a_hash_is_argon2id_with_the_promised_cost_and_verifies_its_password_only() {
        let mut hasher = Hasher::default();
        let password = Password::generate();
        let hash = hasher.hash(&password).expect("a hash");
        assert!(hash.phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.phc());
        assert!(hasher.verify(&password, &hash).expect("a run"));
        assert!(!hasher.verify(&Password::generate(), &hash).expect("a run"));
        assert!(!hash.is_outdated());
    }

    #[test]
    fn a_hash_with_other_parameters_verifies_and_is_outdated() {
        let mut hasher = Hasher::default();
        let params = Params::new(8 * 1024, 3, 1, None).expect("parameters");
        let salt = Salt::new(&random_bytes::<16>()).expect("a salt");
        let password = Password::generate();
        let hash = hasher.hash_with(&password, salt, &params).expect("a hash");
        let stored: PasswordHash = hash.phc().parse().expect("a PHC string");
        assert!(hasher.verify(&password, &stored).expect("a run"));
        assert!(stored.is_outdated());
    }

    #[test]
    fn during_a_grace_both_passwords_are_told_apart_in_one_run() {
        let mut hasher = Hasher::default();
        let (old, new) = (Password::generate(), Password::generate());
        let old_hash = hasher.hash(&old).expect("a hash");
        let new_hash = hasher.hash_beside(&new, &old_hash).expect("a hash");
        assert!(new_hash.shares_run_with(&old_hash));
        assert_eq!(hasher.verify_either(&new, &new_hash, &old_hash).ok(), Some(Some(true)));
        assert_eq!(hasher.verify_either(&old, &new_hash, &old_hash).ok(), Some(Some(false)));
        assert_eq!(hasher.verify_either(&Password::generate(), &new_hash, &old_hash).ok(), Some(None));
    }

    #[test]
    fn a_reference_is_five_characters_that_are_not_mistaken_for_others() {
        for _ in 0..1_000 {
            let reference = generate_reference();
            assert_eq!(reference.len(), 5);
            assert!(!reference.contains(['0', 'O', '1', 'I', 'L', 'U']), "{reference}");
        }
    }
}
