//! Tests through the doors that people and programs use: one binary, a file a subject, names that are sentences.
//!
//! Each test has a database of its own: SQLite, or with TEST_DATABASE_URL a schema on that PostgreSQL server. `tests/run` runs
//! them on both.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod api;
mod browser;
mod clients;
mod commands;
mod configuration;
mod crash;
mod domains;
mod gate;
mod halfway;
mod nodes;
mod pages;
mod sending;
mod smtp;
mod support;
mod terminal;
mod timing;
mod usage;
mod webhooks;
