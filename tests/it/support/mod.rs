//! What the tests stand on: Gatepost in this process or as a process of its own, a database for each test, the people who use it.

mod app;
mod authority;
mod browser;
mod database;
mod dns;
mod http;
mod installation;
mod letters;
mod next_hop;
pub mod postfix;
mod process;
mod smtp;

use std::time::Duration;

use tokio::time::Instant;

pub use app::{ALICE, Issued, TestApp};
pub use authority::Authority;
pub use browser::{Browser, DESK, PHONE, Screen, keyboard};
pub use database::on_postgres;
pub use dns::{Mood, TestDns};
pub use http::{Answer, Visitor};
pub use installation::{Finished, Installation, finish};
pub use letters::Letter;
pub use next_hop::{Act, NextHop, acceptor};
pub use process::GatepostProcess;
pub use smtp::{Door, Reply, SmtpClient, trusting};

/// How long anything that a test waits for may take, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until there is what `look` looks for, and fails when it does not come. No test sleeps in any other way.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(look).await.unwrap_or_else(|| panic!("waited in vain: {what}"))
}

/// Nothing when it does not come in time.
async fn in_time<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = look().await;
        if found.is_some() || Instant::now() > deadline {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A variable of the environment that the tests were started in.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings are no settings of Gatepost")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
