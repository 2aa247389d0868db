//! The command line through the API of a server.

mod manual;
mod remote;
mod same;
