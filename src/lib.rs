//! Gatepost issues SMTP credentials from a web dashboard and checks them at the SMTP door.
//!
//! Arrows go down only: `cli → server → {web, api, smtp, jobs} → {model, gate} → {db, secret, clock, id}`.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod examples;
pub mod gate;
mod http;
pub mod id;
pub mod jobs;
pub mod model;
pub mod secret;
pub mod server;
pub mod smtp;
pub mod telemetry;
pub mod tls;
pub mod web;
