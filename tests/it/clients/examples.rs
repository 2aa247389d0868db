//! Every example whose client can be installed from Debian, PyPI or npm is run as it is printed.
//!
//! Success is a log-in that the gate granted, a client that is content, and its message in the log.

use std::path::{Path, PathBuf};

use gatepost::clock::Timestamp;
use gatepost::config::{Config, Security, SmtpListener};
use gatepost::examples::{self, Settings};

use super::program::{self, Program, Trust};
use super::settings;
use super::stripped::StrippedDoor;
use crate::support::{Authority, Issued, TestApp, eventually};

/// Tests of one client, and how its programs are run.
macro_rules! clients {
    ($($name:ident $program:ident;)+) => {$(
        mod $name {
            #[tokio::test]
            async fn signs_in_as_printed() {
                super::signs_in_as_printed(&super::program::$program).await;
            }

            #[tokio::test]
            async fn trusts_gateposts_own_certificate_when_it_is_told_to_and_no_other_way() {
                super::trusts_when_told_to(&super::program::$program).await;
            }
        }
    )+};
}

clients! {
    swaks SWAKS;
    curl CURL;
    python PYTHON;
    django DJANGO;
    node NODE;
    php PHP;
    laravel LARAVEL;
    ruby RUBY;
    rails RAILS;
    go GO;
    java JAVA;
    rust RUST;
    msmtp MSMTP;
    postfix POSTFIX;
    dotenv DOTENV;
    url URL;
}

/// Go's PlainAuth makes an exception of localhost, and Laravel's transport in Debian is too old to require STARTTLS.
#[tokio::test]
async fn no_client_sends_the_password_when_starttls_is_stripped() {
    use program::*;
    for program in [
        &SWAKS, &CURL, &PYTHON, &DJANGO, &NODE, &PHP, &RUBY, &RAILS, &JAVA, &RUST, &MSMTP, &POSTFIX, &DOTENV,
        &URL,
    ] {
        let door = StrippedDoor::open().await;
        let issued =
            Issued { id: String::new(), username: "smtp_shop".to_owned(), password: "sk_secret".to_owned() };
        let text = text_of(program, &settings(&issued, door.port, Security::Starttls));
        let heard = program.run(&text, None).await;
        let said = door.close().to_uppercase();
        assert!(!heard.succeeded, "{}: {}", program.example, heard.text);
        assert!(said.contains("EHLO "), "{}: {said:?} {}", program.example, heard.text);
        assert!(!said.contains("AUTH"), "{}: {said:?}", program.example);
    }
}

/// With a certificate that an authority issued, on STARTTLS and implicit TLS.
async fn signs_in_as_printed(program: &Program) {
    let door = Door::open(Certificate::Issued).await;
    if matches!(program.trust, Trust::Text) {
        // It reads no variable: what trusts an authority of the tests is the text for Gatepost's own certificate.
        return door.lets_in(program, Told::ByText).await;
    }
    door.lets_in(program, Told::ByEnvironment).await;
}

/// With the certificate that Gatepost made itself.
async fn trusts_when_told_to(program: &Program) {
    let door = Door::open(Certificate::Own).await;
    let stranger = door.app.issue("Stranger").await;
    let heard = program.run(&text_of(program, &door.settings(&stranger, Security::Starttls)), None).await;
    assert!(!heard.succeeded, "{}: {}", program.example, heard.text);
    door.lets_in(program, Told::ByText).await;
    assert!(door.app.credential(&stranger).await.last_used.is_none(), "{}: {}", program.example, heard.text);
}

enum Certificate {
    Issued,
    Own,
}

/// How a client learns which certificate to trust.
#[derive(Clone, Copy)]
enum Told {
    /// The example is printed for a certificate that the world trusts.
    ByEnvironment,
    /// The example is printed for Gatepost's own certificate.
    ByText,
}

/// A door with a listener of each kind.
struct Door {
    app: TestApp,
    /// What its clients must trust.
    root: PathBuf,
    _dir: tempfile::TempDir,
}

impl Door {
    async fn open(certificate: Certificate) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let authority = matches!(certificate, Certificate::Issued).then(|| Authority::new(dir.path()));
        let app = TestApp::with_config(|config| {
            listen_both_ways(config);
            if let Some(authority) = &authority {
                (config.tls_cert, config.tls_key) =
                    (Some(authority.chain.clone()), Some(authority.key.clone()));
            }
        })
        .await;
        let root = match authority {
            Some(authority) => authority.root,
            None => take_out_own_certificate(&app, dir.path()),
        };
        Self { app, root, _dir: dir }
    }

    /// Both listeners let the example in.
    async fn lets_in(&self, program: &Program, told: Told) {
        self.app.verified("your-domain.example").await;
        let shop = self.app.issue_for_sandbox("Shop").await;
        for security in [Security::Starttls, Security::Implicit] {
            let before = self.last_used(&shop).await;
            let mut settings = self.settings(&shop, security);
            if matches!(told, Told::ByText) {
                settings.own_certificate = Some(self.root.display().to_string());
            }
            let heard = program.run(&text_of(program, &settings), Some(&self.root)).await;
            assert!(heard.succeeded, "{}: {}", program.example, heard.text);
            eventually("the log-in is noted", async || {
                self.last_used(&shop).await.filter(|at| before < Some(*at))
            })
            .await;
        }
    }

    async fn last_used(&self, issued: &Issued) -> Option<Timestamp> {
        Some(self.app.credential(issued).await.last_used?.at)
    }

    fn settings(&self, issued: &Issued, security: Security) -> Settings {
        let listener = self.app.app.smtp_listeners.iter().find(|listener| listener.security == security);
        settings(issued, listener.expect("a listener").address.port(), security)
    }
}

/// As the examples' notes say.
fn take_out_own_certificate(app: &TestApp, dir: &Path) -> PathBuf {
    let file = app.installation.dir().join("smtp-self-signed.pem");
    let command = format!("openssl x509 -in {} -out gatepost.pem", file.display());
    let nobody = Issued { id: String::new(), username: String::new(), password: String::new() };
    let own = Settings {
        own_certificate: Some(file.display().to_string()),
        ..settings(&nobody, 25, Security::Starttls)
    };
    for example in examples::all(&own) {
        assert!(example.note.is_some_and(|note| note.contains(&command)), "{}", example.id);
    }
    let done = std::process::Command::new("sh").args(["-c", &command]).current_dir(dir).status();
    assert!(done.is_ok_and(|status| status.success()), "{command}");
    dir.join("gatepost.pem")
}

fn listen_both_ways(config: &mut Config) {
    let starttls = config.smtp_listen[0];
    config.smtp_listen.push(SmtpListener { security: Security::Implicit, ..starttls });
}

fn text_of(program: &Program, settings: &Settings) -> String {
    let example = examples::all(settings).into_iter().find(|example| example.id == program.example);
    example.expect("an example").text
}

/// So that no example is forgotten.
#[test]
fn every_example_is_run_or_said_to_be_not() {
    use program::*;
    let run = [
        SWAKS, CURL, PYTHON, DJANGO, NODE, PHP, LARAVEL, RUBY, RAILS, GO, JAVA, RUST, MSMTP, POSTFIX, DOTENV,
        URL,
    ];
    let nobody = Issued { id: String::new(), username: String::new(), password: String::new() };
    for example in examples::all(&settings(&nobody, 25, Security::Starttls)) {
        let is_run = run.iter().any(|program| program.example == example.id);
        assert!(is_run != (example.id == "dotnet"), "{}", example.id);
    }
}
