//! Gatepost as a process of its own, as operators run it: started, killed, ended, started again on the same data.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use gatepost::tls::certificate_on_disk;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use super::{Door, Installation, PATIENCE, SmtpClient, Visitor};

pub struct GatepostProcess {
    child: Child,
    /// The dashboard's address as it was printed: `http://127.0.0.1:49152`.
    pub url: String,
    /// The SMTP door.
    pub door: Door,
    /// The link that creates the owner, while there is none.
    pub setup_link: Option<String>,
    log: PathBuf,
    /// Open, so that the program can write to it.
    _stdout: ChildStdout,
}

impl GatepostProcess {
    /// Starts it with free ports and the most talkative log, and waits until it has printed its addresses.
    pub async fn start(installation: &Installation) -> Self {
        Self::start_with(installation, |command| command).await
    }

    /// `change`: further flags and variables.
    pub async fn start_with(
        installation: &Installation,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = installation.command(&["serve"]);
        command.env("GATEPOST_HTTP_LISTEN", "127.0.0.1:0").env("GATEPOST_SMTP_LISTEN", "127.0.0.1:0");
        command.env("GATEPOST_LOG_LEVEL", "trace");
        change(&mut command);
        let log = installation.dir().join("log");
        let stderr = File::options().create(true).append(true).open(&log).expect("a file for the log");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        let mut stdout = child.stdout.take().expect("it has an output");
        let greeting = tokio::time::timeout(PATIENCE, Greeting::read(&mut stdout)).await;
        let Ok(Greeting { url: Some(url), smtp: Some(address), setup_link }) = greeting else {
            panic!("it does not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        let certificate = certificate_on_disk(&installation.config());
        let door = Door { address, certificate };
        Self { child, url, door, setup_link, log, _stdout: stdout }
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log")
    }

    /// Whoever opens the dashboard.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.url)
    }

    /// A connection to the SMTP door.
    pub async fn smtp(&self) -> SmtpClient {
        SmtpClient::connect(&self.door).await
    }

    /// The most memory that it takes up during `work`, beyond what it had before, in bytes.
    pub async fn peak(&self, work: impl AsyncFnOnce()) -> u64 {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("the mark can be reset");
        let (before, _) = self.memory();
        work().await;
        self.memory().1.saturating_sub(before)
    }

    /// In bytes: what it has now, and the most that it had since the last reset.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let read = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1_024
        };
        (read("VmRSS:"), read("VmHWM:"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// `kill -9`: nothing is flushed, nobody is told.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM; the process goes on until it is done.
    pub fn terminate(&self) {
        let pid = self.pid().to_string();
        let sent = std::process::Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIGTERM can be sent");
    }

    pub async fn ended(mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends in time").expect("it can be waited for")
    }

    pub async fn stop(self) -> ExitStatus {
        self.terminate();
        self.ended().await
    }
}

#[derive(Default)]
struct Greeting {
    url: Option<String>,
    smtp: Option<SocketAddr>,
    setup_link: Option<String>,
}

impl Greeting {
    /// What the program prints once it listens: an empty line ends it.
    async fn read(stdout: &mut ChildStdout) -> Self {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\n\n")
            && stdout.read_buf(&mut bytes).await.expect("its output can be read") > 0
        {}
        let mut greeting = Self::default();
        for line in String::from_utf8_lossy(&bytes).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["Dashboard", url] => greeting.url = Some(url.to_owned()),
                ["SMTP", address, _security] => greeting.smtp = Some(address.parse().expect("an address")),
                [link] if link.contains("/setup?token=") => greeting.setup_link = Some(link.to_owned()),
                _ => {}
            }
        }
        greeting
    }
}
