//! Gatepost issues SMTP credentials from a web dashboard and checks them at the SMTP door.
//!
//! Arrows go down only: `cli → server → {web, api, smtp, jobs} → {model, gate, verification} → {db, dns, secret, network, clock,
//! id}`.
//!
//! * [`cli`]: the commands, `serve` among them. [`config`]: every setting. [`server`]: binds, runs and stops everything.
//!   [`app`]: what every request and every SMTP session shares. [`telemetry`]: logs and metrics.
//! * The doors. [`web`]: pages for people, with [`examples`] of how applications sign in. [`api`]: what programs ask over
//!   HTTP, and the command line in its own process. [`smtp`]: the SMTP server that checks credentials, and the probe that checks it; [`tls`] protects it. `http`:
//!   what both HTTP doors stand on. [`jobs`]: what Gatepost does by itself.
//! * [`model`]: the nouns, one a file, each with its type, its rules and its SQL. [`gate`]: decides whether a username and
//!   password may enter, remembers, slows guessing down. [`verification`]: looks up whose a domain is.
//! * [`db`]: SQLite or PostgreSQL, and transactions. [`dns`]: asks the DNS. [`secret`]: draws, hashes, seals and masks.
//!   [`network`]: names networks. `mime`: takes messages apart. [`clock`] and [`id`]: the only sources of time and of ids. [`error`]: what can go wrong.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod dns;
pub mod error;
pub mod examples;
pub mod gate;
mod http;
pub mod id;
pub mod jobs;
mod mime;
pub mod model;
pub mod network;
pub mod secret;
pub mod server;
pub mod smtp;
pub mod telemetry;
pub mod tls;
pub mod verification;
pub mod web;
