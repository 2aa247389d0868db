//! The SMTP door: listens, protects the channel, hears a username and password, asks the gate, and takes mail.
//!
//! From the wire inwards: [`listener`] accepts within the limits of [`admission`]; [`connection`] is bytes, cut into
//! lines by [`line`]; [`conversation`] is the loop that writes, counts and limits; [`session`] answers each
//! [`command`], with [`sasl`] for AUTH, and [`reply`] holds every word that is said. [`crate::tls`]
//! protects it all.
//!
//! Mail: a [`transaction`] from MAIL on, within what all sessions share ([`submission`]); [`senders`] says from which domains;
//! [`data`] is what a message is made of; [`delivery`] what becomes of it; [`onward`] the way to the next hop, command by command;
//! [`settling`] how its answer comes into the log; [`refusals`] what is logged of mail that was not taken.
//!
//! The other side is [`client`]: with it [`probe`] checks a credential step by step, and [`relay`] hands messages to the
//! next hop.

pub mod admission;
pub mod client;
pub mod command;
pub mod connection;
pub mod conversation;
pub mod data;
pub mod delivery;
pub mod line;
pub mod listener;
pub mod onward;
pub mod probe;
pub mod refusals;
pub mod relay;
pub mod reply;
pub mod sasl;
pub mod senders;
pub mod session;
pub mod settling;
pub mod submission;
pub mod transaction;

pub use listener::Door;
