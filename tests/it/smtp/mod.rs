//! The SMTP door, over real sockets.

mod certificate;
mod dialogs;
mod door;
mod limits;
mod lines;
mod next_hop;
mod onward;
mod probe;
mod secrets;
mod sequences;
mod sessions;
mod wire;
