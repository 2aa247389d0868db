//! One request to a webhook's endpoint: signed, bounded in time and size, and to no address that was not checked.

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{Client, Response, Url, redirect};

use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Result;
use crate::http::outgoing::{self, USER_AGENT};
use crate::model::webhook::AllowedNetworks;
use crate::model::webhook::address::Unreachable;
use crate::model::webhook::claim::Due;
use crate::model::webhook::delivery::Attempt;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How long the beginning of an answer's body may take.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read and kept.
const MAX_ANSWER: usize = 2_048;

#[derive(Debug)]
pub struct Sender {
    client: Client,
    networks: AllowedNetworks,
    /// For a whole request, the name's look-up and the answer's body included.
    timeout: Duration,
}

/// How a request ended.
#[derive(Debug, Default)]
struct Outcome {
    status: Option<i64>,
    error: String,
    answer: String,
}

impl Sender {
    /// # Errors
    /// [`crate::error::Error::Setup`] when TLS can't be set up.
    pub fn new(config: &Config) -> Result<Self> {
        let networks = AllowedNetworks::new(&config.webhook_allowed_networks);
        let client = client(&Checked { networks: networks.clone(), look_up })?;
        Ok(Self { client, networks, timeout: config.webhook_timeout })
    }

    /// Sends it, signed as of `now`.
    ///
    /// # Errors
    /// Only for a secret that can't sign: everything that the endpoint does wrong is in the attempt.
    pub async fn send(&self, due: &Due, now: Timestamp) -> Result<Attempt> {
        let id = due.id.to_string();
        let signatures = due.secrets.iter().map(|secret| secret.sign(&id, now, &due.body));
        let signature = signatures.collect::<Result<Vec<_>>>()?.join(" ");
        let begun = Instant::now();
        let outcome = self.post(due, (&id, now, &signature)).await;
        let took = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        let Outcome { status, error, answer } = outcome;
        Ok(Attempt { at: now, url: due.url.clone(), signature, status, error, answer, took })
    }

    async fn post(&self, due: &Due, (id, now, signature): (&str, Timestamp, &str)) -> Outcome {
        // A literal address is looked up by nobody.
        let url = Url::parse(&due.url).map_err(|cause| cause.to_string());
        let url = url.and_then(|url| match self.networks.check_host(&url) {
            Ok(()) => Ok(url),
            Err(refusal) => Err(refusal.to_string()),
        });
        let url = match url {
            Ok(url) => url,
            Err(error) => return Outcome { error, ..Outcome::default() },
        };
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(ID, id)
            .header(TIMESTAMP, now.unix_seconds())
            .header(SIGNATURE, signature)
            .timeout(self.timeout)
            .body(due.body.clone());
        match request.send().await {
            Ok(response) => {
                let status = Some(i64::from(response.status().as_u16()));
                Outcome { status, error: String::new(), answer: beginning(response).await }
            }
            Err(error) => Outcome { error: self.sentence(&error), ..Outcome::default() },
        }
    }

    /// Why no answer came, for the webhook's owner.
    fn sentence(&self, error: &reqwest::Error) -> String {
        let (mut causes, mut next) = (Vec::new(), error.source());
        while let Some(cause) = next {
            causes.push(cause);
            next = cause.source();
        }
        if let Some(refusal) = causes.iter().find_map(|cause| cause.downcast_ref::<Unreachable>()) {
            return refusal.to_string();
        }
        let innermost = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
        if error.is_timeout() {
            format!("No answer within {} s.", self.timeout.as_secs_f64())
        } else if error.is_dns() {
            format!("The name was not found: {innermost}.")
        } else if error.is_connect() {
            format!("No connection: {innermost}.")
        } else {
            format!("No answer: {innermost}.")
        }
    }
}

/// A client that follows no redirect, asks no proxy, and makes a connection for each request: so what it connects to was checked in
/// that very request, and none fails because the endpoint has just closed an old connection.
fn client(resolver: &Checked) -> Result<Client> {
    let builder = || {
        Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(resolver.clone())
    };
    outgoing::client(builder)
}

/// Looks names up, and gives out addresses only if all of them may be reached. The client connects to exactly these: a name that
/// leads elsewhere a moment later changes nothing.
#[derive(Clone)]
struct Checked {
    networks: AllowedNetworks,
    look_up: fn(Name) -> Found,
}

type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As the system does it.
fn look_up(name: Name) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { networks, look_up } = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = look_up(name).await?;
            let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            networks.check_all(&host, &addresses)?;
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

/// The first bytes of the answer's body as text: as much as came in time.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < MAX_ANSWER
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER - bytes.len())]);
        }
    };
    // The status says it all: what drips in behind it must not hold up what is next.
    let _ = tokio::time::timeout(ANSWER_TIME, read).await;
    // PostgreSQL takes no NUL.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A name that leads to 127.0.0.2 the first time, and to 127.0.0.1 from then on.
    fn rebinding(_: Name) -> Found {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let first = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
        let address = SocketAddr::from(([127, 0, 0, if first { 2 } else { 1 }], 0));
        Box::pin(async move { Ok(vec![address]) })
    }

    /// At both addresses, with the same port.
    async fn listeners() -> (TcpListener, TcpListener) {
        loop {
            let allowed = TcpListener::bind("127.0.0.2:0").await.unwrap();
            let port = allowed.local_addr().unwrap().port();
            // Somebody else may have it there.
            if let Ok(forbidden) = TcpListener::bind(("127.0.0.1", port)).await {
                return (allowed, forbidden);
            }
        }
    }

    #[tokio::test]
    async fn what_was_checked_is_what_is_connected_to() {
        let (allowed, forbidden) = listeners().await;
        let port = allowed.local_addr().unwrap().port();
        let networks = AllowedNetworks::new(&["127.0.0.2".parse().unwrap()]);
        let client = client(&Checked { networks, look_up: rebinding }).unwrap();
        let url = format!("http://rebinding.example:{port}/");
        let served = tokio::spawn(async move {
            let (mut socket, _) = allowed.accept().await.unwrap();
            socket.read_buf(&mut Vec::new()).await.unwrap();
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        });
        assert_eq!(client.post(&url).send().await.unwrap().status(), 204);
        served.await.unwrap();

        let error = client.post(&url).send().await.unwrap_err();
        assert!(error.is_dns(), "{error:?}");
        let accepted = tokio::time::timeout(Duration::from_millis(200), forbidden.accept()).await;
        assert!(accepted.is_err(), "nobody has come to the address that it leads to now");
    }
}
