//! Where a command acts. Every command on credentials, domains, API keys, webhooks and messages asks the API: that of a server, or
//! the same one in this process, on the local database. So each is written once, and says and prints the same wherever it acts.

mod remote;

use anyhow::{Context, anyhow, bail};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clap::Args;
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use super::{open, operator, output};
use crate::api;
use crate::app::App;
use crate::config::{Config, Remote as Configured};
use remote::Remote;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Where a command acts, and what it prints.
#[derive(Debug, Args)]
pub struct At {
    /// Ask this server's API, with the key in GATEPOST_API_KEY, instead of the local database. GATEPOST_SERVER says it for all
    /// commands
    #[arg(long, global = true, value_name = "URL", help_heading = "Where and how")]
    server: Option<String>,
    /// Send the key to a server that is not this machine by http:// too, where others can read it
    #[arg(long, global = true, help_heading = "Where and how")]
    allow_http: bool,
    /// Print JSON: one object, or one a line for a list
    #[arg(long, global = true, help_heading = "Where and how")]
    json: bool,
}

/// The API that a command asks, on one account.
pub struct Place {
    way: Way,
    /// Where the API's paths begin.
    root: Url,
    account: String,
    json: bool,
}

enum Way {
    Here { app: App, api: Router },
    There(Remote),
}

/// What the API answered to a request that it granted.
#[derive(Clone, Debug)]
pub struct Answer(Value);

/// An answer as it came.
struct Raw {
    status: StatusCode,
    body: Vec<u8>,
}

impl Place {
    /// # Errors
    /// A sentence: the database can't be opened, or the server refuses or does not answer.
    pub async fn open(config: Config, at: At) -> anyhow::Result<Self> {
        let Configured { server, api_key } = Configured::of_environment()?;
        let (way, root) = match at.server.or(server) {
            Some(url) => {
                let remote = Remote::new(&url, api_key, at.allow_http)?;
                let root = remote.url().clone();
                (Way::There(remote), root)
            }
            None => {
                let app = open(config).await?;
                let api = api::for_operator(app.clone(), operator(&app).await?.organization);
                (Way::Here { app, api }, Url::parse("http://localhost/")?)
            }
        };
        let mut place = Self { way, root, account: String::new(), json: at.json };
        let pong = place.send(Method::GET, place.below(&["v2", "ping"])?, None).await?;
        place.account = pong.read::<Pong>()?.account_id;
        Ok(place)
    }

    pub async fn close(self) {
        if let Way::Here { app, .. } = self.way {
            app.db.close().await;
        }
    }

    /// For what only the operator may do, on the machine itself.
    ///
    /// # Errors
    /// The command acts on a server.
    pub fn here(&self, what: &str) -> anyhow::Result<&App> {
        match &self.way {
            Way::Here { app, .. } => Ok(app),
            Way::There(_) => bail!("{what} is done on the server's own machine, without --server"),
        }
    }

    /// One thing. `path`: below the account.
    pub async fn get(&self, path: &[&str]) -> anyhow::Result<Answer> {
        self.send(Method::GET, self.of_account(path)?, None).await
    }

    /// One thing that is no JSON, such as a message.
    pub async fn get_bytes(&self, path: &[&str]) -> anyhow::Result<Vec<u8>> {
        let raw = self.ask(Method::GET, self.of_account(path)?, None).await?;
        match raw.granted() {
            Err(_) if raw.status.is_success() => Ok(raw.body),
            Err(why) => Err(self.explained(raw.status, why)),
            Ok(_) => bail!("the server's answer is not understood"),
        }
    }

    pub async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, self.of_account(path)?, Some(body)).await
    }

    pub async fn put(&self, path: &[&str], body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::PUT, self.of_account(path)?, Some(body)).await
    }

    pub async fn patch(&self, path: &[&str], body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::PATCH, self.of_account(path)?, Some(body)).await
    }

    pub async fn delete(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Answer> {
        let mut url = self.of_account(path)?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(Method::DELETE, url, None).await
    }

    /// A list, from its beginning. `query`: what is asked for of it; a value that is none asks for nothing.
    pub fn list(&self, path: &[&str], query: &[(&str, Option<String>)]) -> anyhow::Result<Rows<'_>> {
        let mut url = self.of_account(path)?;
        let given = query.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        url.query_pairs_mut().extend_pairs(given);
        Ok(Rows {
            place: self,
            url,
            read: Vec::new().into_iter(),
            next: Some(String::new()),
            left: usize::MAX,
        })
    }

    /// The one thing of a list that is meant.
    ///
    /// # Errors
    /// `credential not found`, where `noun` is `credential`.
    pub async fn find<T: DeserializeOwned>(
        &self,
        (path, query): (&[&str], &[(&str, Option<String>)]),
        noun: &str,
        is_meant: impl Fn(&T) -> bool,
    ) -> anyhow::Result<(Answer, T)> {
        let mut rows = self.list(path, query)?;
        while let Some(answer) = rows.next().await? {
            let read = answer.read()?;
            if is_meant(&read) {
                return Ok((answer, read));
            }
        }
        bail!("{noun} not found")
    }

    /// Prints what was done to one thing: the thing itself for programs, a sentence for people.
    pub fn tell(&self, answer: &Answer, sentence: &str) -> anyhow::Result<()> {
        let text = if self.json { &answer.0.to_string() } else { sentence };
        output::only_line(text).context("what was done could not be told")
    }

    /// Prints a list: its things for programs, a table for people.
    pub async fn tell_all(
        &self,
        mut rows: Rows<'_>,
        head: &[&str],
        row: impl Fn(&Answer) -> anyhow::Result<Vec<String>>,
    ) -> anyhow::Result<()> {
        let mut table = Vec::new();
        while let Some(answer) = rows.next().await? {
            if self.json {
                output::line(&answer.0.to_string())?;
            } else {
                table.push(row(&answer)?);
            }
        }
        if !self.json {
            output::table(head, &table)?;
        }
        Ok(())
    }

    /// The server, as programs reach it.
    pub fn server(&self) -> &str {
        match &self.way {
            Way::Here { app, .. } => app.public_url.as_str(),
            Way::There(remote) => remote.url().as_str().trim_end_matches('/'),
        }
    }

    fn of_account(&self, path: &[&str]) -> anyhow::Result<Url> {
        self.below(&[&["v2", "accounts", self.account.as_str()], path].concat())
    }

    /// Whatever stands in a segment, it stays one.
    fn below(&self, path: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.root.clone();
        let segments = url.path_segments_mut();
        segments.map_err(|()| anyhow!("{} has no paths", self.root))?.pop_if_empty().extend(path);
        Ok(url)
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> anyhow::Result<Answer> {
        let raw = self.ask(method, url, body).await?;
        raw.granted().map_err(|why| self.explained(raw.status, why))
    }

    async fn ask(&self, method: Method, url: Url, body: Option<&Value>) -> anyhow::Result<Raw> {
        let body = body.map(Value::to_string);
        match &self.way {
            Way::Here { api, .. } => ask(api, method, &url, body).await,
            Way::There(remote) => remote.ask(method, url, body).await,
        }
    }

    fn explained(&self, status: StatusCode, why: String) -> anyhow::Error {
        match &self.way {
            Way::There(remote) => remote.explained(status, why),
            Way::Here { .. } => anyhow!(why),
        }
    }
}

/// A list, as far as it is read.
pub struct Rows<'a> {
    place: &'a Place,
    url: Url,
    read: std::vec::IntoIter<Value>,
    /// The cursor of the next page, empty for the first; none behind the last.
    next: Option<String>,
    /// How many more are wanted.
    left: usize,
}

impl Rows<'_> {
    pub fn at_most(self, count: usize) -> Self {
        Self { left: count, ..self }
    }

    pub async fn next(&mut self) -> anyhow::Result<Option<Answer>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        while self.read.len() == 0
            && let Some(cursor) = self.next.take()
        {
            let mut url = self.url.clone();
            if !cursor.is_empty() {
                url.query_pairs_mut().append_pair("after", &cursor);
            }
            let page: Page = self.place.send(Method::GET, url, None).await?.read()?;
            self.next = page.pagination.next_cursor;
            self.read = page.data.into_iter();
        }
        Ok(self.read.next().map(Answer))
    }
}

#[derive(Deserialize)]
struct Pong {
    account_id: String,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    pagination: Pagination,
}

#[derive(Deserialize)]
struct Pagination {
    next_cursor: Option<String>,
}

impl Answer {
    /// What a command needs to know of it.
    ///
    /// # Errors
    /// It is something else: the server is no Gatepost, or of another time.
    pub fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        T::deserialize(&self.0).context("the server's answer is not understood")
    }
}

impl Raw {
    /// # Errors
    /// What the API says instead.
    fn granted(&self) -> Result<Answer, String> {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        match body {
            Some(body) if self.status.is_success() => Ok(Answer(body)),
            Some(Value::Object(body)) if body.get("message").is_some_and(Value::is_string) => {
                Err(output::harmless(body["message"].as_str().unwrap_or_default()))
            }
            _ => Err(format!("{} without a message: is it Gatepost?", self.status)),
        }
    }
}

/// Asks the API in this process.
async fn ask(api: &Router, method: Method, url: &Url, body: Option<String>) -> anyhow::Result<Raw> {
    let request = Request::builder().method(method).uri(url.as_str());
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let request = request.body(body.map_or_else(Body::empty, Body::from))?;
    let Ok(response) = api.clone().oneshot(request).await;
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), MAX_ANSWER).await?;
    Ok(Raw { status, body: body.into() })
}
