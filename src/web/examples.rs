//! The integration examples as tabs. A password in them is marked, so that the page can mask it.

use super::smtp_server::SmtpServer;
use crate::examples::{self, Example, Settings};
use crate::secret::Password;

pub struct Tab {
    pub id: &'static str,
    pub title: &'static str,
    pub parts: Vec<Part>,
    /// What else is to be done.
    pub note: Option<String>,
}

/// Some of an example's text.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub is_secret: bool,
}

/// Every example, filled in; without a password, with what stands for one.
pub fn tabs(server: &SmtpServer, username: &str, password: Option<&Password>) -> Vec<Tab> {
    let settings = Settings {
        host: server.host.clone(),
        port: server.port(),
        security: server.security(),
        username: username.to_owned(),
        password: password.cloned().unwrap_or_else(Settings::password_placeholder),
        own_certificate: server.own_certificate.clone(),
    };
    let tab = |Example { id, title, text, note }| match password {
        Some(password) => Tab { id, title, parts: parts(&text, password.expose()), note },
        None => Tab { id, title, parts: vec![Part { text, is_secret: false }], note },
    };
    examples::all(&settings).into_iter().map(tab).collect()
}

/// How an endpoint of webhooks tells a genuine request.
pub fn receivers() -> Vec<Tab> {
    let tab = |Example { id, title, text, note }| {
        let parts = vec![Part { text, is_secret: false }];
        Tab { id, title, parts, note }
    };
    examples::receivers().into_iter().map(tab).collect()
}

/// Cut at each occurrence of the password.
pub fn parts(text: &str, password: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for (index, piece) in text.split(password).enumerate() {
        if index > 0 {
            parts.push(Part { text: password.to_owned(), is_secret: true });
        }
        if !piece.is_empty() {
            parts.push(Part { text: piece.to_owned(), is_secret: false });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_marked_wherever_it_stands() {
        let told: Vec<(String, bool)> =
            parts("a sk_1 b\nsk_1", "sk_1").into_iter().map(|part| (part.text, part.is_secret)).collect();
        let part = |text: &str, is_secret| (text.to_owned(), is_secret);
        assert_eq!(told, [part("a ", false), part("sk_1", true), part(" b\n", false), part("sk_1", true)]);
    }
}
