//! `gatepost serve`: starts, says where it is, and stops on SIGTERM or SIGINT.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::output;
use crate::clock::Clock;
use crate::config::Config;
use crate::server::Server;

pub async fn run(config: Config) -> anyhow::Result<()> {
    allow_many_connections();
    // Before anybody can read that it is there, and end it.
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be listened for")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be listened for")?;
    let server = Server::build(config, Clock::default()).await?;
    output::write(greeting(&server)?.as_bytes())?;
    let shutdown = CancellationToken::new();
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            shutdown.cancel();
        }
    });
    server.run(shutdown).await;
    Ok(())
}

/// A connection is an open file, and systems begin with few: takes as many as this process may have.
fn allow_many_connections() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => debug!(limit, "open files"),
        Err(error) => warn!(%error, "the limit on open files stays as it is"),
    }
}

/// Both addresses, and the link that creates the owner: on the terminal only, it is a secret.
fn greeting(server: &Server) -> anyhow::Result<String> {
    let (app, mut text) = (server.app(), format!("Gatepost {}\n", env!("CARGO_PKG_VERSION")));
    text.push_str(&format!("  Dashboard  {}\n", app.public_url.as_str()));
    if app.config.public_url.is_none() && app.config.http_listen.ip().is_unspecified() {
        text.push_str(
            "             (set public_url to the address that browsers use, https:// behind a proxy)\n",
        );
    }
    for listener in server.smtp_listeners() {
        text.push_str(&format!("  SMTP       {}  {}\n", listener.address, listener.security));
    }
    if let Some(link) = server.setup_link() {
        text.push_str(&format!("\nCreate the owner with this link (it works once):\n  {link}\n"));
    }
    text.push('\n');
    Ok(text)
}
