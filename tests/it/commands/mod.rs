//! The command line through the API of a server.

mod events;
mod manual;
mod remote;
mod same;
