//! Why a step of a client's session failed.

use std::io;

use rustls::CertificateError;

use super::Reply;
use crate::tls::certificate::Facts;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("its name can't be found")]
    UnknownHost,
    #[error("it can't be reached: {0}")]
    NotConnected(io::Error),
    #[error("it took too long to answer")]
    TimedOut,
    #[error("it hung up")]
    HungUp,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    /// No SMTP reply; the line as it came.
    #[error("it answered what is no SMTP: “{}”", start(.0))]
    NotSmtp(String),
    #[error("it answered {0}")]
    Refused(Reply),
    #[error("it offers no STARTTLS")]
    NoStartTls,
    /// Bytes came in with the answer to STARTTLS.
    #[error("something was sent along with the answer to STARTTLS")]
    Injected,
    #[error("its certificate can't be trusted: {0}")]
    Certificate(CertificateError, Option<Box<Facts>>),
    #[error("the TLS handshake failed: {0}")]
    Handshake(io::Error),
    /// Neither PLAIN nor LOGIN is offered; what is.
    #[error("it offers neither AUTH PLAIN nor LOGIN, but “{}”", start(.0))]
    NoMechanism(String),
    /// A password would have been sent in clear.
    #[error("the channel is not encrypted")]
    InClear,
    /// What was to be sent is no address, or would have been a command of its own on the wire.
    #[error("what was to be sent to it is no address")]
    Unsayable,
}

/// Enough of what a server said for a line in a log.
fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(300)]
}
