//! The programs behind the examples: where each takes its text from, and how it is started.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::environment;

/// Compilers are among them.
const PATIENCE: Duration = Duration::from_secs(600);

/// How its users run an example.
pub struct Program {
    /// The example's id.
    pub example: &'static str,
    /// The name that its text is saved under.
    pub file: &'static str,
    /// Shell lines. `$TOOLS`: what tests/run installed from npm and PyPI.
    pub run: &'static str,
    /// Files that stand around it.
    pub beside: &'static [(&'static str, &'static str)],
    /// How it is told to trust `gatepost.pem`.
    pub trust: Trust,
}

pub enum Trust {
    /// By a variable of its environment.
    Variable(&'static str),
    /// By a Java key store.
    KeyStore,
    /// By what the example's text says alone.
    Text,
}

/// What a client left behind.
#[derive(Debug)]
pub struct Heard {
    pub succeeded: bool,
    /// Standard output and standard error.
    pub text: String,
}

impl Heard {
    /// Whether this stands in it as a word of its own: `535` not in a port or a password.
    pub fn says(&self, word: &str) -> bool {
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        self.text.match_indices(word).any(|(at, _)| {
            let (before, after) = (&self.text[..at], &self.text[at + word.len()..]);
            is_apart(before.chars().next_back()) && is_apart(after.chars().next())
        })
    }
}

impl Program {
    /// Runs `text`, verbatim, in a directory of its own; `trusted`: a certificate that it is told to trust.
    pub async fn run(&self, text: &str, trusted: Option<&Path>) -> Heard {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, content) in self.beside.iter().chain(&[(self.file, text)]) {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(&path, content).expect("a file");
        }
        let mut line = format!("chmod 600 {}; {}", self.file, self.run);
        let mut command = Command::new("bash");
        command.env_clear();
        if let Some(certificate) = trusted {
            std::fs::copy(certificate, dir.path().join("gatepost.pem")).expect("a copy");
            match self.trust {
                Trust::Variable(name) => _ = command.env(name, "gatepost.pem"),
                Trust::KeyStore => line = format!("{KEY_STORE}{line}"),
                Trust::Text => {}
            }
        }
        command.args(["-c", &line]);
        finish(command, &dir).await
    }
}

/// What the example's note says, for a shell.
const KEY_STORE: &str = "keytool -importcert -noprompt -alias gatepost -file gatepost.pem -keystore gatepost.p12 \
    -storepass changeit 2>/dev/null || exit; \
    export JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=gatepost.p12 -Djavax.net.ssl.trustStorePassword=changeit'; ";

/// Runs it in `dir`, with what the programs of the tests need.
pub async fn finish(mut command: Command, dir: &TempDir) -> Heard {
    command.env("PATH", environment("PATH").unwrap_or_default());
    command.env("TOOLS", concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools"));
    command.env("DEPS", deps()).env("RUSTUP_HOME", rustup_home());
    command.env("HOME", dir.path()).env("LANG", "C.UTF-8");
    command.env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go"));
    command.current_dir(dir.path()).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output());
    let output = output.await.expect("it ends in time").expect("it can be started");
    let text = [output.stdout, output.stderr].concat();
    Heard { succeeded: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
}

/// Where cargo has put what these tests were built from.
fn deps() -> PathBuf {
    let tests = std::env::current_exe().expect("the tests are a program");
    tests.parent().expect("a directory").to_owned()
}

/// As rustup finds it.
fn rustup_home() -> String {
    let home = environment("HOME").unwrap_or_default();
    environment("RUSTUP_HOME").unwrap_or_else(|| format!("{home}/.rustup"))
}

const SSL_CERT_FILE: Trust = Trust::Variable("SSL_CERT_FILE");

pub const SWAKS: Program =
    Program { example: "swaks", file: "send.sh", run: "sh send.sh", beside: &[], trust: SSL_CERT_FILE };

pub const CURL: Program =
    Program { example: "curl", file: "send.sh", run: "sh send.sh", beside: &[], trust: SSL_CERT_FILE };

pub const PYTHON: Program =
    Program { example: "python", file: "send.py", run: "python3 send.py", beside: &[], trust: SSL_CERT_FILE };

pub const DJANGO: Program = Program {
    example: "django",
    file: "settings.py",
    run: "$TOOLS/python/bin/django-admin sendtestemail someone@example.com --settings settings --pythonpath .",
    beside: &[],
    trust: SSL_CERT_FILE,
};

pub const NODE: Program = Program {
    example: "node",
    file: "send.mjs",
    run: "ln -s $TOOLS/node/node_modules . && node send.mjs",
    beside: &[],
    trust: Trust::Variable("NODE_EXTRA_CA_CERTS"),
};

pub const PHP: Program = Program {
    example: "php",
    file: "send.php",
    run: "php send.php",
    beside: &[("vendor/autoload.php", "<?php require '/usr/share/php/libphp-phpmailer/autoload.php';")],
    trust: SSL_CERT_FILE,
};

/// Laravel comes from Packagist alone; the transport that it makes of these settings is in Debian.
pub const LARAVEL: Program = Program {
    example: "laravel",
    file: ".env",
    run: "php send.php",
    beside: &[("send.php", include_str!("laravel.php"))],
    trust: SSL_CERT_FILE,
};

pub const RUBY: Program =
    Program { example: "ruby", file: "send.rb", run: "ruby send.rb", beside: &[], trust: SSL_CERT_FILE };

pub const RAILS: Program = Program {
    example: "rails",
    file: "config/environments/production.rb",
    run: "RAILS_ENV=production ruby send.rb",
    beside: &[("send.rb", include_str!("rails.rb"))],
    trust: SSL_CERT_FILE,
};

pub const GO: Program =
    Program { example: "go", file: "main.go", run: "go run main.go", beside: &[], trust: SSL_CERT_FILE };

pub const JAVA: Program = Program {
    example: "java",
    file: "SendMail.java",
    run: "java -cp /usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar SendMail.java",
    beside: &[],
    trust: Trust::KeyStore,
};

/// Compiled against the lettre that these tests were built with.
pub const RUST: Program = Program {
    example: "rust",
    file: "send.rs",
    run: r#"
        lettre=$(ls -t $DEPS/liblettre-*.rlib | head -n 1)
        rustc --edition 2024 -L dependency=$DEPS --extern lettre=$lettre send.rs && ./send"#,
    beside: &[],
    trust: SSL_CERT_FILE,
};

/// As the first line of the example says.
pub const MSMTP: Program = Program {
    example: "msmtp",
    file: ".msmtprc",
    run: r#"eval "$(sed -n '1s/.*then: //p' .msmtprc)""#,
    beside: &[],
    trust: Trust::Text,
};

/// In a Postfix of its own, which wants to be started by root.
pub const POSTFIX: Program = Program {
    example: "postfix",
    file: "postfix.sh",
    run: r#"
        bash private.sh || exit
        export MAIL_CONFIG=$PWD
        trap 'postfix stop' EXIT
        bash postfix.sh
        printf 'Subject: Hello\n\nSent through Gatepost.\n' | sendmail -f you@your-domain.example someone@example.com
        timeout 300 tail -n +1 -F log | grep -m 1 status= | tee sent
        grep -q status=sent sent"#,
    beside: &[("private.sh", include_str!("../support/postfix.sh"))],
    trust: Trust::Text,
};

/// Read by a script, as it is by whatever reads such files.
pub const DOTENV: Program = Program {
    example: "dotenv",
    file: ".env",
    run: r#"
        . ./.env
        case $SMTP_SECURITY in starttls) scheme=smtp ;; tls) scheme=smtps ;; esac
        printf 'From: you@your-domain.example\r\nSubject: Hello\r\n\r\nSent through Gatepost.\r\n' |
            curl --ssl-reqd --url "$scheme://$SMTP_HOST:$SMTP_PORT" --user "$SMTP_USERNAME:$SMTP_PASSWORD" \
            --mail-from "$SMTP_FROM" --mail-rcpt someone@example.com --upload-file -"#,
    beside: &[],
    trust: SSL_CERT_FILE,
};

pub const URL: Program = Program {
    example: "url",
    file: "url.txt",
    run: r#"
        printf 'From: you@your-domain.example\r\nSubject: Hello\r\n\r\nSent through Gatepost.\r\n' |
            curl --ssl-reqd --url "$(cat url.txt)" --mail-from you@your-domain.example \
            --mail-rcpt someone@example.com --upload-file -"#,
    beside: &[],
    trust: SSL_CERT_FILE,
};
