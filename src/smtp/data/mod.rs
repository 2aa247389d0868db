//! What a message is made of, and what is made of it: received within bounds ([`incoming`], [`memory`]), its header cut and
//! mended ([`header`]), the addresses of its senders read ([`mailbox`]).

pub mod header;
pub mod incoming;
pub mod mailbox;
pub mod memory;
