//! A real Postfix as the next hop: STARTTLS and implicit TLS, AUTH against Cyrus SASL, and a Maildir that a test can read.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use gatepost::config::{Config, NextHopSecurity};
use tempfile::TempDir;

use super::{Authority, eventually};

/// What it lets in.
pub const LOGIN: (&str, &str) = ("gatepost", "correct horse");
/// The only recipients that it knows.
pub const BOB: &str = "bob@example.org";
pub const ZOE: &str = "zoë@example.org";
/// A domain that has every recipient; their mail goes to one mailbox, `many`.
pub const MANY: &str = "many.example";
/// Debian's nobody and nogroup: whom the mail belongs to.
const NOBODY: u32 = 65_534;

/// Stops when it is dropped.
pub struct Postfix {
    dir: TempDir,
    authority: Authority,
    starttls: u16,
    tls: u16,
}

impl Postfix {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these lines of main.cf, which stand above its usual ones.
    pub fn with(settings: &[&str]) -> Self {
        let mut failures = Vec::new();
        // Another program may take a port before Postfix does.
        while failures.len() < 5 {
            match Self::try_start(settings) {
                Ok(postfix) => return postfix,
                Err(why) => failures.push(why),
            }
        }
        panic!("Postfix does not start: {failures:#?}");
    }

    fn try_start(settings: &[&str]) -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("postfix").tempdir().expect("a directory");
        let authority = Authority::new(dir.path());
        let postfix = Self { authority, starttls: free_port(), tls: free_port(), dir };
        postfix.prepare(settings);
        let output = postfix.run("bash", &["-c", include_str!("postfix.sh")]);
        let why = || String::from_utf8_lossy(&output.stderr).into_owned() + &postfix.log();
        if output.status.success() { Ok(postfix) } else { Err(why()) }
    }

    fn prepare(&self, settings: &[&str]) {
        let dir = self.dir.path();
        let at = |name: &str| dir.join(name).display().to_string();
        let write = |name: &str, text: String| std::fs::write(dir.join(name), text).expect("a file");
        for name in ["mail", "sasl"] {
            std::fs::create_dir(dir.join(name)).expect("a directory");
        }
        chown(dir.join("mail"), Some(NOBODY), Some(NOBODY)).expect("an owner");
        let (chain, key) = (self.authority.chain.display(), self.authority.key.display());
        let (mail, sasl) = (at("mail"), at("sasl"));
        write(
            "main.more",
            format!(
                "smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\n\
                 smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\ncyrus_sasl_config_path = {sasl}\n\
                 smtpd_sasl_local_domain = postfix.example\n\
                 smtpd_client_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_peername_lookup = no\n\
                 local_header_rewrite_clients =\nmessage_size_limit = 30000000\n\
                 virtual_mailbox_domains = example.org {MANY}\nvirtual_mailbox_base = {mail}\n\
                 virtual_mailbox_maps = inline:{{ {{ {BOB} = bob/ }}, {{ {ZOE} = zoe/ }}, {{ @{MANY} = many/ }} }}\n\
                 virtual_uid_maps = static:{NOBODY}\nvirtual_gid_maps = static:{NOBODY}\n\
                 virtual_mailbox_limit = 0\n{}\n",
                settings.join("\n")
            ),
        );
        let (starttls, tls) = (self.starttls, self.tls);
        write(
            "master.more",
            format!(
                "127.0.0.1:{starttls} inet n - n - - smtpd\n\
                 127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
                 virtual unix - n n - - virtual\n"
            ),
        );
        write(
            "sasl/smtpd.conf",
            format!(
                "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {}\n",
                at("sasl/db")
            ),
        );
        let (username, password) = LOGIN;
        let script = format!(
            "printf '%s' '{password}' | saslpasswd2 -p -c -f sasl/db -u postfix.example {username} && \
             chown -R postfix sasl"
        );
        let made = self.run("sh", &["-c", &script]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o711)).expect("permissions");
    }

    /// Ends it, and every session with it at once.
    pub fn stop(&self) {
        let stopped = self.run("postfix", &["stop"]);
        assert!(stopped.status.success(), "{}", self.log());
    }

    /// Lets whatever takes a message in stand still, or go on: `STOP`, `CONT`.
    pub fn signal_cleanup(&self, signal: &str) {
        let script = format!(
            "pid=$(tr -d ' ' <\"$(postconf -h queue_directory)/pid/master.pid\"); \
             for status in /proc/[0-9]*/status; do \
             if grep -q \"^PPid:[[:space:]]*$pid$\" $status 2>/dev/null && grep -q '^Name:[[:space:]]*cleanup$' $status; \
             then one=${{status#/proc/}}; kill -{signal} ${{one%/status}}; found=yes; fi; done; test -n \"$found\""
        );
        let done = self.run("sh", &["-c", &script]);
        assert!(done.status.success(), "{} {}", String::from_utf8_lossy(&done.stderr), self.log());
    }

    /// After [`Postfix::stop`].
    pub fn start_again(&self) {
        let started = self.run("postfix", &["start"]);
        assert!(started.status.success(), "{}", self.log());
    }

    /// Puts it into a configuration.
    pub fn configure(&self, config: &mut Config, security: NextHopSecurity) {
        config.next_hop_host = Some("localhost".to_owned());
        config.next_hop_port = if security == NextHopSecurity::Tls { self.tls } else { self.starttls };
        config.next_hop_security = security;
        config.next_hop_ca = Some(self.authority.root.clone());
        config.next_hop_username = Some(LOGIN.0.to_owned());
        config.set("next_hop_password", LOGIN.1).expect("a setting");
    }

    /// The messages in a mailbox (`bob`, `zoe`) as they were sent, in the order of their arrival, once there are `count`.
    pub async fn received(&self, mailbox: &str, count: usize) -> Vec<Vec<u8>> {
        self.files(mailbox, count).await.iter().map(|path| sent(path)).collect()
    }

    /// The same, and empties the mailbox.
    pub async fn take(&self, mailbox: &str, count: usize) -> Vec<Vec<u8>> {
        let messages = self.received(mailbox, count).await;
        for path in self.files(mailbox, count).await {
            std::fs::remove_file(path).expect("a message");
        }
        messages
    }

    async fn files(&self, mailbox: &str, count: usize) -> Vec<PathBuf> {
        let new = self.dir.path().join("mail").join(mailbox).join("new");
        let files = eventually("the mail is delivered", async || {
            let files = std::fs::read_dir(&new).ok()?;
            let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
            files.sort();
            (files.len() >= count).then_some(files)
        })
        .await;
        assert_eq!(files.len(), count, "{}", self.log());
        files
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.dir.path()).env("MAIL_CONFIG", self.dir.path());
        command.output().expect("a program")
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.run("postfix", &["stop"]);
    }
}

/// A message as it was sent: without the four fields that the last hop puts before it, and with CR LF again.
fn sent(path: &Path) -> Vec<u8> {
    let file = std::fs::read(path).expect("a message");
    let mut rest = file.as_slice();
    for field in ["Return-Path: ", "X-Original-To: ", "Delivered-To: ", "Received: from "] {
        assert!(rest.starts_with(field.as_bytes()), "{field} in {}", String::from_utf8_lossy(&file));
        rest = after_line(rest);
        while rest.starts_with(b"\t") || rest.starts_with(b" ") {
            rest = after_line(rest);
        }
    }
    rest.split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| [line.strip_suffix(b"\n").expect("a whole line"), b"\r\n"].concat())
        .collect()
}

fn after_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == b'\n').expect("a line");
    &text[end + 1..]
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
