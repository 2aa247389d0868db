//! A place to run Gatepost in: a data directory and a database, for a server in this process, servers as processes, and commands.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gatepost::config::Config;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::database::{Database, on_postgres};

pub struct Installation {
    dir: TempDir,
    database: Database,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Finished {
    /// None: it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Installation {
    pub async fn new() -> Self {
        let dir = TempDir::with_prefix("gatepost-test-").expect("a directory");
        let database = Database::create(dir.path()).await;
        Self { dir, database }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Settings for a server in this process: free ports on loopback.
    pub fn config(&self) -> Config {
        let mut config = Config { http_listen: free_port(), ..Config::default() };
        config.data_dir = self.dir().to_owned();
        config.smtp_listen[0].address = free_port();
        config.set("database_url", self.database.url()).expect("a database's address");
        config
    }

    /// The program, with nothing in its environment but where this installation is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepost"));
        command.args(arguments).env_clear().current_dir(self.dir()).env("GATEPOST_DATA_DIR", self.dir());
        if on_postgres() {
            command.env("DATABASE_URL", self.database.url());
        }
        command.kill_on_drop(true);
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments), "").await
    }

    /// `stdin`: what the command reads, a password for instance.
    pub async fn run_with_input(&self, arguments: &[&str], stdin: &str) -> Finished {
        finish(self.command(arguments), stdin).await
    }
}

/// A server that is ending may make a file while the directory goes: it goes all the same.
impl Drop for Installation {
    fn drop(&mut self) {
        for _ in 0..100 {
            if std::fs::remove_dir_all(self.dir.path()).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Runs a command to its end.
pub async fn finish(mut command: Command, stdin: &str) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("it has an input");
    // A program that ends without reading its input is no failure of the test.
    let _ = input.write_all(stdin.as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(super::PATIENCE, child.wait_with_output());
    let output = output.await.expect("it ends in time").expect("it can be waited for");
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

impl Finished {
    /// What it printed; fails the test unless it ended well.
    pub fn stdout(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The one sentence that it complained with; fails the test if it ended well or said more.
    pub fn complaint(self) -> String {
        assert!(matches!(self.code, Some(1..)), "it should have failed: {self:?}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "a complaint is one sentence: {}", self.stderr);
        assert_eq!(self.stdout, "", "a complaint goes to standard error");
        lines[0].to_owned()
    }
}

/// Loopback, and the system chooses the port.
fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
