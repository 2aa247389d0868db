//! The API of a server, by HTTP: an address that keeps the key to itself, time limits, and what went wrong in a sentence.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::http::{HeaderMap, Method, StatusCode, header};
use reqwest::{Client, Request, Url, redirect};

use super::{MAX_ANSWER, Raw};
use crate::http::outgoing::{self, USER_AGENT};
use crate::secret::{Password, generate_token};

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// For a whole request, its answer included.
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// How long all waiting for the server's rate limit may take together, for one request.
const MOST_WAITING: u64 = 60;

pub struct Remote {
    client: Client,
    url: Url,
    key: Password,
}

impl Remote {
    /// # Errors
    /// A sentence: the address is none, or the key would travel in clear.
    pub fn new(address: &str, key: Option<Password>, allow_http: bool) -> anyhow::Result<Self> {
        let url = address_of(address)?;
        if url.scheme() == "http" && !allow_http && !is_this_machine(&url) {
            bail!(
                "{url} is not encrypted, anyone on the way could read the key: use https://, or --allow-http"
            );
        }
        let key =
            key.context("GATEPOST_API_KEY holds no key: make one in Settings > API keys on the server")?;
        let client = outgoing::client(|| {
            let client = Client::builder().user_agent(USER_AGENT).redirect(redirect::Policy::none());
            let client = client.connect_timeout(CONNECT_TIME).timeout(REQUEST_TIME);
            // A proxy sees what is not encrypted.
            if url.scheme() == "http" { client.no_proxy() } else { client }
        })?;
        Ok(Self { client, url, key })
    }

    /// Where the API's paths begin.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits as long as the server's rate limit asks for. What is not known to have arrived is asked once more: a second request
    /// with the same Idempotency-Key gets the first one's answer, so that no password is lost on the way.
    pub async fn ask(&self, method: Method, url: Url, body: Option<String>) -> anyhow::Result<Raw> {
        let request = self.request(method, url, body)?;
        let is_repeatable = matches!(*request.method(), Method::GET | Method::POST);
        let (mut again, mut waited) = (is_repeatable, 0);
        loop {
            let copy = request.try_clone().context("a request of text can be repeated")?;
            match self.exchange(copy).await {
                Ok((status, headers, body)) => match wait_asked_for(status, &headers) {
                    Some(seconds) if waited + seconds <= MOST_WAITING => {
                        waited += seconds;
                        tokio::time::sleep(Duration::from_secs(seconds)).await;
                    }
                    _ if status.is_redirection() => return Err(self.led_elsewhere(&headers)),
                    _ => return Ok(Raw { status, body }),
                },
                Err(error) if again && !error.is_connect() && !error.is_timeout() => again = false,
                Err(error) => return Err(self.unanswered(&error)),
            }
        }
    }

    fn request(&self, method: Method, url: Url, body: Option<String>) -> anyhow::Result<Request> {
        let request = self.client.request(method.clone(), url).bearer_auth(self.key.expose());
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = match method {
            Method::POST => request.header("idempotency-key", generate_token()),
            _ => request,
        };
        let request = request.body(body.unwrap_or_default()).build();
        // Its own error would repeat the key.
        request.map_err(|_| anyhow!("GATEPOST_API_KEY holds something that is no key"))
    }

    async fn exchange(&self, request: Request) -> reqwest::Result<(StatusCode, HeaderMap, Vec<u8>)> {
        let mut response = self.client.execute(request).await?;
        let (status, headers, mut body) = (response.status(), response.headers().clone(), Vec::new());
        while body.len() <= MAX_ANSWER
            && let Some(piece) = response.chunk().await?
        {
            body.extend_from_slice(&piece);
        }
        Ok((status, headers, body))
    }

    fn led_elsewhere(&self, headers: &HeaderMap) -> anyhow::Error {
        let to = headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
        anyhow!("{} leads elsewhere, to {to}: give the server's own address", self.url)
    }

    /// A refusal, with what it is about where the API's own words leave that open.
    pub fn explained(&self, status: StatusCode, why: String) -> anyhow::Error {
        match status {
            StatusCode::UNAUTHORIZED => anyhow!("{} refuses the key in GATEPOST_API_KEY: {why}", self.url),
            status if status.is_server_error() => anyhow!("{}: {why}", self.url),
            _ => anyhow!(why),
        }
    }

    fn unanswered(&self, error: &reqwest::Error) -> anyhow::Error {
        let (url, cause) = (&self.url, outgoing::innermost(error));
        if error.is_timeout() {
            anyhow!("{url} does not answer in time")
        } else if cause.contains("InvalidContentType") {
            anyhow!("{url} does not speak TLS: is it http://, or another port?")
        } else if error.is_connect() {
            anyhow!("{url} can't be reached: {cause}")
        } else {
            anyhow!("{url} does not answer: {cause}")
        }
    }
}

fn address_of(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).ok().filter(|url| {
        let is_plain = url.query().is_none() && url.fragment().is_none();
        let names_nobody = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && names_nobody
    });
    // What was given may hold a password.
    url.context("the server's address is not of the form https://HOST or https://HOST:PORT")
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Seconds.
fn wait_asked_for(status: StatusCode, headers: &HeaderMap) -> Option<u64> {
    let wait = headers.get(header::RETRY_AFTER).filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
    Some(wait?.to_str().ok()?.parse::<u64>().ok()?.max(1))
}
