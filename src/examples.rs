//! Integration examples: how each ecosystem's own client is told to sign in to the SMTP door, filled in for one credential.
//!
//! Each is complete as printed, requires TLS and verifies the certificate. The tests run them as printed against a real door
//! (`tests/it/clients`), where the client can be installed on a test machine.

mod receivers;
pub mod requests;

use std::fmt;

use askama::Template;

use crate::config::Security;
use crate::secret::Password;
pub use receivers::receivers;

/// Where an application signs in, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The door's name, as it stands in its certificate.
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub username: String,
    /// Or [`Settings::password_placeholder`], where the password can't be shown again.
    pub password: Password,
    /// The PEM file on the door's server that holds its certificate and key, if Gatepost made them itself: clients must be told
    /// to trust it.
    pub own_certificate: Option<String>,
}

/// One integration example. It holds the password: `Debug` prints none of the text.
#[derive(Clone)]
pub struct Example {
    /// Stable, of `[a-z-]`.
    pub id: &'static str,
    pub title: &'static str,
    /// A file, a command or a value, without a line end behind it.
    pub text: String,
    /// What else is to be done, in a sentence.
    pub note: Option<String>,
}

/// How a client is told to trust a certificate that Gatepost made itself.
enum Trust {
    /// The text names the file, at this place.
    InText(&'static str),
    /// These words of its environment or command line, behind “run it with”.
    RunWith(&'static str),
    /// Its own way, whatever reads this.
    Own,
}

/// What the templates fill in: text that needs escaping in none of their languages.
struct Smtp {
    host: String,
    port: u16,
    /// `host:port`, an IPv6 address in brackets.
    authority: String,
    /// `smtp` or `smtps`.
    scheme: &'static str,
    starttls: bool,
    username: String,
    password: String,
    own_certificate: bool,
    from: &'static str,
    to: &'static str,
}

/// Declares the list of examples: id, title, trust, template.
macro_rules! examples {
    ($($id:literal, $title:literal, $trust:expr, $template:literal;)+) => {
        /// All of them, in the order in which they are shown.
        pub fn all(settings: &Settings) -> Vec<Example> {
            let smtp = &Smtp::of(settings);
            vec![$({
                #[derive(Template)]
                #[template(path = $template, escape = "none", whitespace = "preserve")]
                struct Text<'a> {
                    smtp: &'a Smtp,
                }
                Example {
                    id: $id,
                    title: $title,
                    text: printed(&Text { smtp }),
                    note: settings.own_certificate.as_deref().map(|path| $trust.note(path)),
                }
            },)+]
        }
    };
}

const SSL_CERT_FILE: Trust = Trust::RunWith("SSL_CERT_FILE=gatepost.pem in its environment");

examples! {
    "swaks", "swaks", Trust::InText("gatepost.pem"), "examples/swaks.sh";
    "curl", "curl", Trust::InText("gatepost.pem"), "examples/curl.sh";
    "python", "Python smtplib", SSL_CERT_FILE, "examples/smtplib.py";
    "django", "Django", SSL_CERT_FILE, "examples/django.py";
    "node", "Node nodemailer",
        Trust::RunWith("NODE_EXTRA_CA_CERTS=gatepost.pem in its environment"), "examples/nodemailer.mjs";
    "php", "PHP PHPMailer", SSL_CERT_FILE, "examples/phpmailer.php";
    "laravel", "Laravel", SSL_CERT_FILE, "examples/laravel.env";
    "ruby", "Ruby", SSL_CERT_FILE, "examples/ruby.rb";
    "rails", "Ruby on Rails", SSL_CERT_FILE, "examples/rails.rb";
    "go", "Go net/smtp", SSL_CERT_FILE, "examples/go.go";
    "java", "Java Jakarta Mail",
        Trust::RunWith("-Djavax.net.ssl.trustStore=gatepost.p12 -Djavax.net.ssl.trustStorePassword=changeit, after keytool \
                        -importcert -noprompt -alias gatepost -file gatepost.pem -keystore gatepost.p12 -storepass changeit"),
        "examples/jakarta_mail.java";
    "dotnet", ".NET MailKit", SSL_CERT_FILE, "examples/mailkit.cs";
    "rust", "Rust lettre", SSL_CERT_FILE, "examples/lettre.rs";
    "postfix", "Postfix relayhost", Trust::InText("/etc/postfix/gatepost.pem"), "examples/postfix.sh";
    "msmtp", "msmtp", Trust::InText("~/gatepost.pem"), "examples/msmtprc";
    "dotenv", ".env", Trust::Own, "examples/dotenv.env";
    "url", "smtp:// URL", Trust::Own, "examples/url.txt";
}

impl Settings {
    /// Stands for a password that can't be shown again.
    pub fn password_placeholder() -> Password {
        Password::new("YOUR_PASSWORD")
    }
}

impl Smtp {
    fn of(settings: &Settings) -> Self {
        let host = plain(&settings.host);
        let authority = match host.contains(':') {
            true => format!("[{host}]:{}", settings.port),
            false => format!("{host}:{}", settings.port),
        };
        let starttls = settings.security == Security::Starttls;
        Self {
            authority,
            host,
            port: settings.port,
            scheme: if starttls { "smtp" } else { "smtps" },
            starttls,
            username: plain(&settings.username),
            password: plain(settings.password.expose()),
            own_certificate: settings.own_certificate.is_some(),
            from: "you@your-domain.example",
            to: "someone@example.com",
        }
    }
}

impl Trust {
    /// The file at `path` holds the private key too: the certificate is taken out of it.
    fn note(&self, path: &str) -> String {
        let how = match self {
            Self::InText(place) => format!("to {place} here"),
            Self::RunWith(how) => format!("here, and run this with {how}"),
            Self::Own => "here, and tell the client to trust it".to_owned(),
        };
        let command = certificate_alone(path);
        format!("Gatepost made its certificate itself. On its server: {command}. Copy that file {how}.")
    }
}

/// The command that takes the certificate out of a file that holds its private key too.
pub fn certificate_alone(path: &str) -> String {
    format!("openssl x509 -in {path} -out gatepost.pem")
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Example").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Without what would need escaping in a shell, a URL, a string or a configuration file: names of hosts, usernames and
/// passwords hold nothing of it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')).collect()
}

fn printed(template: &impl Template) -> String {
    #[expect(
        clippy::expect_used,
        reason = "a template of plain values fails only where writing fails, and a String takes all"
    )]
    template.render().expect("text")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str, security: Security) -> Settings {
        Settings {
            host: host.to_owned(),
            port: 587,
            security,
            username: "smtp_aB3xK9mP2qR5wY7z".to_owned(),
            password: Password::new("sk_4f8Hj2kLmN6pQrStUvWxYz1a3B5cD7eF"),
            own_certificate: None,
        }
    }

    #[test]
    fn every_example_is_filled_in() {
        for security in [Security::Starttls, Security::Implicit] {
            for example in all(&settings("mail.acme.example", security)) {
                for value in [
                    "mail.acme.example",
                    "587",
                    "smtp_aB3xK9mP2qR5wY7z",
                    "sk_4f8Hj2kLmN6pQrStUvWxYz1a3B5cD7eF",
                ] {
                    assert!(example.text.contains(value), "{}: {value}\n{}", example.id, example.text);
                }
                assert!(!example.text.contains("{{") && !example.text.contains("{%"), "{}", example.text);
            }
        }
    }

    #[test]
    fn starttls_and_implicit_tls_are_told_apart() {
        let starttls = all(&settings("mail.acme.example", Security::Starttls));
        let implicit = all(&settings("mail.acme.example", Security::Implicit));
        for (starttls, implicit) in starttls.iter().zip(&implicit) {
            assert_ne!(starttls.text, implicit.text, "{}", starttls.id);
        }
    }

    #[test]
    fn no_example_switches_verification_off() {
        for security in [Security::Starttls, Security::Implicit] {
            let own = Settings {
                own_certificate: Some("/data/x.pem".to_owned()),
                ..settings("localhost", security)
            };
            for example in all(&own) {
                let text = example.text.to_lowercase();
                for word in [
                    "insecure",
                    "verify_none",
                    "rejectunauthorized",
                    "verify=false",
                    "verify_peer",
                    "tls_certcheck off",
                ] {
                    assert!(!text.contains(word), "{}: {word}", example.id);
                }
                assert!(example.note.is_some_and(|note| note.contains("/data/x.pem")), "{}", example.id);
            }
        }
    }

    #[test]
    fn a_host_name_brings_no_code_in() {
        for example in all(&settings("mail.acme.example'\";$(id)`<\\\n{", Security::Starttls)) {
            assert!(example.text.contains("mail.acme.exampleid"), "{}", example.text);
        }
        let ipv6 = all(&settings("2001:db8::1", Security::Starttls));
        assert!(ipv6.iter().any(|example| example.text.contains("@[2001:db8::1]:587")));
    }

    #[test]
    fn debug_shows_no_password() {
        let settings = settings("localhost", Security::Starttls);
        assert!(!format!("{settings:?}{:?}", all(&settings)).contains("sk_"));
    }
}
