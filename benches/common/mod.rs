//! What the benchmarks share: databases of a known size, a server on one, medians.

#![expect(dead_code, reason = "each benchmark uses a part of it")]
#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark that can't go on fails")]

pub mod letters;
mod running;
mod seed;
mod store;

use std::time::{Duration, Instant};

pub use running::Running;
pub use store::Store;

#[path = "../../tests/it/support/http.rs"]
pub mod http;
#[path = "../../tests/it/support/smtp.rs"]
pub mod smtp;

/// How long anything that a client waits for may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The median of some measurements.
#[derive(Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub async fn measure<T>(&mut self, what: impl AsyncFnOnce() -> T) -> T {
        let began = Instant::now();
        let outcome = what().await;
        self.0.push(began.elapsed());
        outcome
    }

    /// In microseconds.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let middle = sorted.get(sorted.len() / 2).expect("something was measured");
        middle.as_secs_f64() * 1e6
    }
}
