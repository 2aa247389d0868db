//! Why no answer came from the next hop.

use crate::smtp::client;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No connection could be had, or it broke before the message was handed over: the message was not taken.
    #[error("the next hop: {0}")]
    Connection(#[from] client::Trouble),
    /// The message was handed over whole, and no answer came: it may have been taken.
    #[error("the next hop, after the end of the message, which it may have taken: {0}")]
    Unknown(client::Trouble),
    /// All connections were in use for the whole time limit.
    #[error("all connections to the next hop are in use")]
    NoPlace,
    /// The next hop answered what it was not asked; the answer.
    #[error("the next hop answered out of step: {0}")]
    OutOfStep(client::Reply),
    /// The message needs an extension that this connection does not offer.
    #[error("the next hop does not offer {0}")]
    NotOffered(&'static str),
    /// Gatepost is shutting down.
    #[error("the way to the next hop is closed")]
    Closed,
}

impl Trouble {
    /// Whether a connection fails until somebody changes something: log-in, certificate, what is offered.
    pub fn needs_its_operator(&self) -> bool {
        use client::Trouble as T;
        match self {
            Trouble::Connection(T::Refused(reply)) => reply.code >= 500,
            Trouble::Connection(trouble) => matches!(
                trouble,
                T::NoStartTls | T::Certificate(..) | T::NoMechanism(_) | T::InClear | T::NotSmtp(_)
            ),
            _ => false,
        }
    }

    /// Whether the message may have been taken.
    pub fn is_after_the_dot(&self) -> bool {
        matches!(self, Trouble::Unknown(_))
    }
}
