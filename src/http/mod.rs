//! HTTP/1.1 on a socket: limits on connections and on slow clients, and a graceful end. Knows no page.

pub mod address;
pub mod outgoing;
pub mod pieces;
mod places;
pub mod requests;
pub mod unchanging;
pub mod whole;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::{debug, warn};

use self::places::Places;
use crate::network::Network;

/// Connections at a time: further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 2_048;
/// How long a client may take to send a request's head, and to ask again on an open connection.
const HEAD_TIME: Duration = Duration::from_secs(20);
/// How long a connection lasts at most: one that never reads its answer does not hold its place for ever.
const LIFETIME: Duration = Duration::from_secs(300);
/// A request's head, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// After a failure to accept (no file descriptor left): how long to wait.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `shutdown`, then lets open requests finish for at most `drain`. `proxies`: who has as many connections
/// as come.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    (drain, proxies): (Duration, Vec<Network>),
    shutdown: CancellationToken,
) {
    let (places, connections) = (Arc::new(Semaphore::new(MAX_CONNECTIONS)), TaskTracker::new());
    let of_clients = Places::new(proxies);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = shutdown.cancelled() => break,
        };
        let Some((stream, client, place)) = accepted else { continue };
        let Some(of_client) = of_clients.take(client.ip()) else { continue };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            let _places = (place, of_client);
            if let Err(error) = talk(stream, client, router, (drain, shutdown)).await {
                debug!(%error, %client, "the connection ended");
            }
        });
    }
    connections.close();
    connections.wait().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, client)) => Some((stream, client, place)),
        Err(error) => {
            warn!(%error, "no connection can be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// One connection, until its client or its time is over, or the server shuts down: then what is open may still finish.
async fn talk(
    stream: TcpStream,
    client: SocketAddr,
    router: Router,
    (drain, shutdown): (Duration, CancellationToken),
) -> hyper::Result<()> {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY can't be set");
    }
    let service = router.map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(client));
        request
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    tokio::select! {
        outcome = connection.as_mut() => return outcome,
        () = tokio::time::sleep(LIFETIME) => {}
        () = shutdown.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(drain, connection).await.unwrap_or_else(|_| {
        warn!(%client, "a request was still open at the end of drain_timeout");
        Ok(())
    })
}
