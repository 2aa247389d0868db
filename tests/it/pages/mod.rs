//! The dashboard as people use it: in a browser, with and without scripts, large and small, by mouse and by keyboard.

mod answers;
mod api_keys;
mod arriving;
mod checker;
mod credentials;
mod domains;
mod keyboard;
mod list;
mod members;
mod messages;
mod phone;
mod reference;
mod settings;
mod usage;
mod whole;
mod without_scripts;

const HOME: &str = "/settings/smtp-credentials";
