//! Binds, runs and stops everything. Build first, then run: so port 0 works, and a port that is taken is one clear sentence.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::app::{App, Bound};
use crate::clock::Clock;
use crate::config::{Config, SmtpListener};
use crate::error::{Error, Result};
use crate::model::SetupLink;
use crate::smtp::Door;
use crate::{api, http, jobs, telemetry, web};

/// How long sessions that were cut off at the end of `drain_timeout` may take to end.
const GOODBYES: Duration = Duration::from_secs(5);

pub struct Server {
    app: App,
    http: TcpListener,
    smtp: Vec<(TcpListener, SmtpListener)>,
    door: Option<Door>,
    setup_token: Option<String>,
}

impl Server {
    /// Binds all addresses and opens the database.
    ///
    /// # Errors
    /// [`Error::Setup`], one sentence: which address, file or setting, and what is wrong with it.
    pub async fn build(config: Config, clock: Clock) -> Result<Self> {
        telemetry::start_counting();
        let http = bind("http_listen", config.http_listen).await?;
        let mut smtp = Vec::new();
        for listener in &config.smtp_listen {
            let socket = bind("smtp_listen", listener.address).await?;
            let bound = SmtpListener { address: local_address(&socket)?, ..*listener };
            smtp.push((socket, bound));
        }
        let bound =
            Bound { http: local_address(&http)?, smtp: smtp.iter().map(|(_, bound)| *bound).collect() };
        let app = App::open(config, clock, bound).await?;
        if app.db.may_be_shared() && app.config.sealing_key.expose().is_empty() {
            info!(
                "sealing_key is not set: this is fine for one node; several on one database need the same one"
            );
        }
        let door = Door::new(app.clone())?;
        let mut tx = app.db.begin().await?;
        let setup_token = SetupLink::issue(&mut tx, app.clock.now()).await?;
        tx.commit().await?;
        Ok(Self { app, http, smtp, door, setup_token })
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// Address and port of the dashboard.
    pub fn http_address(&self) -> Result<SocketAddr> {
        local_address(&self.http)
    }

    /// Where the SMTP door listens.
    pub fn smtp_listeners(&self) -> &[SmtpListener] {
        &self.app.smtp_listeners
    }

    /// The link that creates the first owner, while there is none. A secret: for the terminal, not for a log.
    pub fn setup_link(&self) -> Option<String> {
        let token = self.setup_token.as_ref()?;
        Some(format!("{}/setup?token={token}", self.app.public_url.as_str()))
    }

    /// Serves until `shutdown`, then lets what is under way finish, writes the journal, and closes the database. What goes
    /// wrong while serving is answered and logged where it happens.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { app, http, smtp, door, .. } = self;
        let doors = TaskTracker::new();
        let routes = web::router(app.clone(), &api::document()).merge(api::router(app.clone()));
        let router = http::requests::around(&app, routes);
        let rules = (app.config.drain_timeout, app.config.trusted_proxies.clone());
        doors.spawn(http::serve(http, router, rules, shutdown.clone()));
        if let Some(door) = &door {
            for (socket, listener) in smtp {
                doors.spawn(door.clone().run(socket, listener.security, shutdown.clone()));
            }
        }
        doors.spawn(jobs::run(app.clone(), shutdown.clone()));
        doors.spawn(jobs::webhooks::run(app.clone(), shutdown.clone()));
        // The journal ends after the doors, so that what they decided last is written too.
        let journal_end = CancellationToken::new();
        let journal = tokio::spawn({
            let (app, end) = (app.clone(), journal_end.clone());
            async move { app.gate.run_journal(end).await }
        });
        shutdown.cancelled().await;
        info!("shutting down");
        doors.close();
        // The doors end their sessions at the end of drain_timeout by themselves, and these need a moment to say goodbye.
        if tokio::time::timeout(app.config.drain_timeout + GOODBYES, doors.wait()).await.is_err() {
            warn!("some sessions were still open at the end of drain_timeout");
        }
        if let Some(door) = &door {
            door.close().await;
        }
        journal_end.cancel();
        if journal.await.is_err() {
            warn!("the journal ended early");
        }
        app.db.close().await;
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| Error::setup(format!("{setting}: {address} can't be listened on: {cause}")))
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|cause| Error::setup(format!("a listener has no address: {cause}")))
}
