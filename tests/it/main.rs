//! Tests through the doors that people and programs use: one binary, a file a subject, names that are sentences.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can't go on fails")]

mod smtp;
