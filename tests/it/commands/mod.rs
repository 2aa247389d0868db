//! The command line through the API of a server.

mod acme;
mod edits;
mod events;
mod manual;
mod own_words;
mod remote;
mod same;
mod source;
mod users;
