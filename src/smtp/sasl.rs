//! The client's half of AUTH: PLAIN (RFC 4616) and LOGIN, in the framing of RFC 4954.
//!
//! It turns lines into a username and a password and decides nothing. What it holds of a secret wipes itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::Password;

/// The names that EHLO advertises after `AUTH`.
pub const MECHANISMS: &str = "PLAIN LOGIN";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    Plain,
    Login,
}

impl Mechanism {
    /// Mechanism names know no case (RFC 4954 section 4 with RFC 4422 section 3.1 in mind: clients send both).
    pub fn named(name: &str) -> Option<Self> {
        [("PLAIN", Self::Plain), ("LOGIN", Self::Login)]
            .into_iter()
            .find_map(|(known, mechanism)| known.eq_ignore_ascii_case(name).then_some(mechanism))
    }

    /// Starts an exchange, with the initial response if the command brought one.
    pub fn begin(self, initial: Option<&str>) -> Result<Progress, Problem> {
        let exchange = match self {
            Self::Plain => Exchange(Step::Plain),
            Self::Login => Exchange(Step::LoginUsername),
        };
        match initial {
            None => Ok(Progress::Ask(exchange)),
            // RFC 4954 section 4: a single "=" is an initial response that is empty.
            Some("=") => exchange.take(Zeroizing::new(Vec::new())),
            Some(response) => exchange.take(decode(response.as_bytes())?),
        }
    }
}

/// The username that an AUTH command's argument reveals by itself, or nothing.
pub fn revealed_username(argument: &str) -> String {
    let progress = argument.split_once(' ').and_then(|(name, initial)| {
        Mechanism::named(name).and_then(|mechanism| mechanism.begin(Some(initial)).ok())
    });
    match progress {
        Some(Progress::Done(Claim { username, .. }))
        | Some(Progress::Ask(Exchange(Step::LoginPassword { username }))) => username,
        _ => String::new(),
    }
}

/// What the client has to say next.
#[derive(PartialEq, Eq)]
pub struct Exchange(Step);

#[derive(PartialEq, Eq)]
enum Step {
    Plain,
    LoginUsername,
    LoginPassword { username: String },
}

pub enum Progress {
    /// Send the challenge, and hand the answer to [`Exchange::answer`].
    Ask(Exchange),
    Done(Claim),
}

/// Who the client claims to be. Not checked yet.
pub struct Claim {
    /// For whom it asks to act; empty: for itself.
    pub identity: String,
    pub username: String,
    pub password: Password,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the client cancelled")]
    Cancelled,
    #[error("not Base64")]
    NotBase64,
    /// Not the three fields of PLAIN, or not UTF-8.
    #[error("malformed")]
    Malformed,
}

impl Exchange {
    /// The text of the `334` that asks for this step, in Base64: `Username:` and `Password:` for LOGIN.
    pub fn prompt(&self) -> &'static str {
        match self.0 {
            Step::Plain => "",
            Step::LoginUsername => "VXNlcm5hbWU6",
            Step::LoginPassword { .. } => "UGFzc3dvcmQ6",
        }
    }

    /// Takes the line that answered the challenge.
    pub fn answer(self, line: &[u8]) -> Result<Progress, Problem> {
        match line {
            b"*" => Err(Problem::Cancelled),
            line => self.take(decode(line)?),
        }
    }

    fn take(self, decoded: Zeroizing<Vec<u8>>) -> Result<Progress, Problem> {
        match self.0 {
            Step::Plain => plain(&decoded).map(Progress::Done),
            Step::LoginUsername => {
                Ok(Progress::Ask(Exchange(Step::LoginPassword { username: text(&decoded)?.to_owned() })))
            }
            Step::LoginPassword { username } => {
                let (identity, password) = (String::new(), Password::new(text(&decoded)?));
                Ok(Progress::Done(Claim { identity, username, password }))
            }
        }
    }
}

/// RFC 4616 section 2: `[authzid] NUL authcid NUL passwd`.
fn plain(message: &[u8]) -> Result<Claim, Problem> {
    let mut fields = text(message)?.split('\0');
    let (Some(identity), Some(username), Some(password), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Problem::Malformed);
    };
    let (identity, username) = (identity.to_owned(), username.to_owned());
    Ok(Claim { identity, username, password: Password::new(password) })
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::Malformed)
}

/// Base64 with its padding, as RFC 4954 section 4 asks; nothing else is let through.
fn decode(line: &[u8]) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let mut decoded = Zeroizing::new(vec![0; base64::decoded_len_estimate(line.len())]);
    match STANDARD.decode_slice(line, &mut decoded[..]) {
        Ok(length) => {
            decoded[length..].zeroize();
            decoded.truncate(length);
            Ok(decoded)
        }
        Err(_) => Err(Problem::NotBase64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERNAME: &str = "smtp_aB3xK9mP2qR5wY7z";
    const PASSWORD: &str = "sk_4f8Hj2kLmN6pQrStUvWxYz1a3B5cD7eF";

    fn encoded(text: &str) -> String {
        STANDARD.encode(text)
    }

    fn plain_message(identity: &str) -> String {
        encoded(&format!("{identity}\0{USERNAME}\0{PASSWORD}"))
    }

    fn claim(progress: Result<Progress, Problem>) -> (String, String) {
        match progress {
            Ok(Progress::Done(claim)) => (claim.username, claim.password.expose().to_owned()),
            Ok(Progress::Ask(exchange)) => panic!("asked {:?}", exchange.prompt()),
            Err(problem) => panic!("{problem}"),
        }
    }

    fn asked(progress: Result<Progress, Problem>) -> Exchange {
        match progress {
            Ok(Progress::Ask(exchange)) => exchange,
            Ok(Progress::Done(_)) => panic!("done too early"),
            Err(problem) => panic!("{problem}"),
        }
    }

    #[test]
    fn plain_with_and_without_an_initial_response() {
        let expected = (USERNAME.to_owned(), PASSWORD.to_owned());
        assert_eq!(claim(Mechanism::Plain.begin(Some(&plain_message("")))), expected);
        let exchange = asked(Mechanism::Plain.begin(None));
        assert_eq!(exchange.prompt(), "");
        assert_eq!(claim(exchange.answer(plain_message("").as_bytes())), expected);
    }

    #[test]
    fn login_with_and_without_an_initial_response() {
        let expected = (USERNAME.to_owned(), PASSWORD.to_owned());
        let exchange = asked(Mechanism::Login.begin(None));
        assert_eq!(exchange.prompt(), encoded("Username:"));
        let exchange = asked(exchange.answer(encoded(USERNAME).as_bytes()));
        assert_eq!(exchange.prompt(), encoded("Password:"));
        assert_eq!(claim(exchange.answer(encoded(PASSWORD).as_bytes())), expected);
        let exchange = asked(Mechanism::Login.begin(Some(&encoded(USERNAME))));
        assert_eq!(claim(exchange.answer(encoded(PASSWORD).as_bytes())), expected);
    }

    #[test]
    fn an_authorization_identity_is_told_as_it_is() {
        for identity in ["", USERNAME, "root"] {
            let progress = Mechanism::Plain.begin(Some(&plain_message(identity)));
            let Ok(Progress::Done(claim)) = progress else { panic!("not done") };
            assert_eq!((claim.identity.as_str(), claim.username.as_str()), (identity, USERNAME));
        }
    }

    #[test]
    fn an_argument_reveals_its_username_or_nothing() {
        let (plain, login) = (plain_message(""), encoded(USERNAME));
        for (argument, expected) in [
            (format!("PLAIN {plain}"), USERNAME),
            (format!("LOGIN {login}"), USERNAME),
            (format!("XOAUTH2 {plain}"), ""),
            ("PLAIN rubbish".to_owned(), ""),
            ("LOGIN".to_owned(), ""),
            (String::new(), ""),
        ] {
            assert_eq!(revealed_username(&argument), expected, "{argument}");
        }
    }

    #[test]
    fn what_is_no_message_of_the_mechanism_is_refused() {
        for (initial, problem) in [
            ("=", Problem::Malformed),
            ("AGZvbwBiYXI", Problem::NotBase64),
            ("AGZvbwBiYXI=\u{20}", Problem::NotBase64),
            ("AGZvb*BiYXI=", Problem::NotBase64),
            ("AGZvbwBiYXJ=", Problem::NotBase64),
            (encoded("one\0two").as_str(), Problem::Malformed),
            (encoded("\0a\0b\0c").as_str(), Problem::Malformed),
            ("AP8A/w==", Problem::Malformed),
        ] {
            assert_eq!(Mechanism::Plain.begin(Some(initial)).err(), Some(problem), "{initial:?}");
        }
        assert_eq!(asked(Mechanism::Login.begin(None)).answer(b"*").err(), Some(Problem::Cancelled));
    }

    #[test]
    fn mechanism_names_know_no_case() {
        assert_eq!(Mechanism::named("plain"), Some(Mechanism::Plain));
        assert_eq!(Mechanism::named("LOGIN"), Some(Mechanism::Login));
        assert_eq!(Mechanism::named("CRAM-MD5"), None);
    }
}
