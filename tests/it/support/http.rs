//! Somebody at the dashboard without a browser: keeps the cookie, follows no redirect, sees every header.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};

pub struct Visitor {
    url: String,
    client: Client,
    cookie: Mutex<Option<String>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Visitor {
    /// `url`: the dashboard's address, without a slash at its end.
    pub fn new(url: &str) -> Self {
        Self::from(Ipv4Addr::LOCALHOST.into(), url)
    }

    /// At another address of this machine: all of 127.0.0.0/8 is.
    pub fn from(address: IpAddr, url: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().local_address(address);
        let client = client.build().expect("a client");
        Self { url: url.to_owned(), client, cookie: Mutex::default() }
    }

    /// Name and value of the session's cookie.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().expect("no panic elsewhere").clone()
    }

    /// Creates the owner by the one-time link, which logs in.
    pub async fn set_up(&self, link: &str, email: &str, password: &str) {
        let (_, token) = link.split_once("token=").expect("a link with a token");
        let owner =
            [("token", token), ("organization", "Acme GmbH"), ("email", email), ("password", password)];
        let answer = self.post("/setup", &owner).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/login", &[("email", email), ("password", password)]).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded(form);
        let request =
            self.request(Method::POST, path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body)).await
    }

    /// A request with this visitor's cookie, to be changed and then sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match self.cookie() {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// No answer when the server goes away.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        if let Some(cookie) = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default().to_owned();
            *self.cookie.lock().expect("no panic elsewhere") = Some(pair);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.text().await? })
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }
}

fn form_urlencoded(form: &[(&str, &str)]) -> String {
    let pairs = form.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
