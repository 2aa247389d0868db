//! Accepts connections, within limits, and lets each one talk until it is done or the door closes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::admission::{Admission, Limits, Pass, Refusal};
use super::connection::Connection;
use super::conversation::{Conversation, Ending};
use super::submission::Submission;
use crate::app::App;
use crate::config::Security;
use crate::error::Result;
use crate::telemetry;
use crate::tls::Tls;

/// After an error that accepting again at once would only repeat, such as no free file descriptor.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The SMTP door: what all its listeners share. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    submission: Submission,
    tls: Tls,
    admission: Arc<Admission>,
}

impl Door {
    /// `None` in a process that has no door.
    ///
    /// # Errors
    /// A sentence that names the setting of the next hop that can't be used.
    pub fn new(app: App) -> Result<Option<Self>> {
        let Some(tls) = app.tls.clone() else { return Ok(None) };
        let limits = Limits {
            connections: app.config.smtp_max_connections,
            per_client: app.config.smtp_max_connections_per_address,
            new_per_minute: app.config.smtp_new_connections_per_minute,
        };
        Ok(Some(Door { submission: Submission::new(app)?, tls, admission: Admission::new(limits) }))
    }

    /// Writes down what the next hop answered last, and ends the connections to it. To be called once all sessions are over.
    pub async fn close(&self) {
        self.submission.settling.close(self.submission.app.config.drain_timeout).await;
        if let Some(relay) = &self.submission.relay {
            relay.close().await;
        }
    }

    /// Serves `listener` until `shutdown`. Sessions that are open then hear `421` at their next pause; those that have
    /// not ended within the drain time are cut off.
    pub async fn run(self, listener: TcpListener, security: Security, shutdown: CancellationToken) {
        let sessions = TaskTracker::new();
        let cut_off = CancellationToken::new();
        while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, security, &sessions, (&shutdown, &cut_off)),
                Err(problem) => recover(&problem).await,
            }
        }
        drop(listener);
        sessions.close();
        if timeout(self.submission.app.config.drain_timeout, sessions.wait()).await.is_err() {
            tracing::warn!(open = sessions.len(), "SMTP sessions did not end in time and are cut off");
            cut_off.cancel();
            sessions.wait().await;
        }
    }

    fn admit(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        security: Security,
        sessions: &TaskTracker,
        (shutdown, cut_off): (&CancellationToken, &CancellationToken),
    ) {
        let client = self.submission.app.gate.behalf().client_behind(peer);
        let pass = match self.admission.enter(client, Instant::now()) {
            Ok(pass) => pass,
            Err(refusal) => return refuse(&stream, peer, security, refusal),
        };
        counter!(telemetry::SMTP_ACCEPTED, "result" => "admitted").increment(1);
        let visit = Visit {
            submission: self.submission.clone(),
            tls: self.tls.clone(),
            client,
            shutdown: shutdown.clone(),
            _pass: pass,
        };
        let cut_off = cut_off.clone();
        let span = tracing::info_span!("smtp", client = %peer);
        sessions.spawn(
            async move { cut_off.run_until_cancelled(visit.receive(stream, security)).await }
                .instrument(span),
        );
    }
}

/// Says why in one packet, without waiting and without a task of its own. A client that expects TLS could not read it.
fn refuse(stream: &TcpStream, peer: SocketAddr, security: Security, refusal: Refusal) {
    counter!(telemetry::SMTP_ACCEPTED, "result" => refusal.name()).increment(1);
    tracing::debug!(client = %peer, reason = refusal.name(), "refused a connection");
    if security == Security::Starttls {
        // A new socket has room for one line; if not, closing says it too.
        let _ = stream.try_write(refusal.reply().to_string().as_bytes());
    }
}

/// Most errors are about the one connection that was not accepted; the rest pass by waiting.
async fn recover(problem: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(problem.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        tracing::error!(%problem, "the SMTP door can't accept connections");
        sleep(BACK_OFF).await;
    }
}

/// One connection from its first byte to its last.
struct Visit {
    submission: Submission,
    tls: Tls,
    client: IpAddr,
    shutdown: CancellationToken,
    /// Held until the end: it is what the limits count.
    _pass: Pass,
}

impl Visit {
    async fn receive(self, stream: TcpStream, security: Security) {
        // One write a reply: waiting for more to send would only hold replies back.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let mut conversation = Conversation::new(self.submission.clone(), self.client, self.shutdown.clone());
        match security {
            Security::Starttls => {
                let mut connection = Connection::new(stream);
                conversation.greet(&mut connection);
                match conversation.talk(&mut connection).await {
                    Ending::Close => connection.close().await,
                    Ending::StartTls => self.encrypted(conversation, connection.into_stream(), false).await,
                }
            }
            Security::Implicit => self.encrypted(conversation, stream, true).await,
        }
    }

    async fn encrypted(&self, mut conversation: Conversation, stream: TcpStream, greet: bool) {
        let handshake = async { self.tls.acceptor().await.accept(stream).await };
        let Some(stream) = conversation.in_time(handshake).await.and_then(shaken) else {
            return;
        };
        conversation.encrypted();
        let mut connection = Connection::new(stream);
        if greet {
            conversation.greet(&mut connection);
        }
        conversation.talk(&mut connection).await;
        connection.close().await;
    }
}

fn shaken<S: AsyncRead + AsyncWrite>(handshake: io::Result<TlsStream<S>>) -> Option<TlsStream<S>> {
    let result = if handshake.is_ok() { "done" } else { "failed" };
    counter!(telemetry::SMTP_HANDSHAKES, "result" => result).increment(1);
    handshake.inspect_err(|problem| tracing::debug!(%problem, "no TLS")).ok()
}
