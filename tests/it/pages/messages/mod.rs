//! The message log: the table and what appears in it, one message, and what hostile ones can't do.

mod content;
mod door;
mod hostile;
mod kept;
mod list;

const HOME: &str = "/messages";

/// One pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
