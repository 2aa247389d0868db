//! The message log: the table and what appears in it, one message, and what hostile ones can't do.

mod content;
mod list;

const HOME: &str = "/messages";
