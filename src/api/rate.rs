//! How many requests an organization may send: so many in a second, and so many at once (a token bucket), on each node.

use std::collections::HashMap;
use std::time::Instant;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use parking_lot::Mutex;

use super::failure::Failure;
use crate::id::OrganizationId;

/// Organizations that are remembered at most; then those with a full bucket are forgotten.
const MOST: usize = 10_000;

/// Shared by all requests of a process.
#[derive(Debug)]
pub struct Rate {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<OrganizationId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// What is left of an organization's rate after a request.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    granted: bool,
    limit: u64,
    remaining: u64,
    /// Seconds until the bucket is full again.
    reset: u64,
}

impl Rate {
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: per_second.into(), burst: burst.into(), buckets: Mutex::default() }
    }

    pub fn take(&self, organization: OrganizationId) -> Allowance {
        self.take_at(organization, Instant::now())
    }

    fn take_at(&self, organization: OrganizationId, now: Instant) -> Allowance {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MOST {
            buckets.retain(|_, bucket| self.refilled(*bucket, now) < self.burst);
        }
        let fresh = Bucket { left: self.burst, at: now };
        let bucket = buckets.entry(organization).or_insert(fresh);
        *bucket = Bucket { left: self.refilled(*bucket, now), at: now };
        let granted = bucket.left >= 1.0;
        bucket.left -= if granted { 1.0 } else { 0.0 };
        Allowance {
            granted,
            limit: whole(self.burst),
            remaining: whole(bucket.left.floor()),
            reset: whole(((self.burst - bucket.left) / self.per_second).ceil()),
        }
    }

    fn refilled(&self, bucket: Bucket, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        (bucket.left + gained).min(self.burst)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number, not below zero")]
fn whole(number: f64) -> u64 {
    number as u64
}

impl Allowance {
    pub fn is_granted(&self) -> bool {
        self.granted
    }

    pub fn refusal(&self) -> Failure {
        let message = "Too many requests, rate limited.".to_owned();
        Failure { status: StatusCode::TOO_MANY_REQUESTS, message, retry_after: Some(1) }
    }

    /// Puts it into the answer's headers (draft-ietf-httpapi-ratelimit-headers-07).
    pub fn told(&self, mut response: Response) -> Response {
        for (name, value) in [
            ("ratelimit-limit", self.limit),
            ("ratelimit-remaining", self.remaining),
            ("ratelimit-reset", self.reset),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_the_bucket_fills_again() {
        let (rate, organization, start) = (Rate::new(10, 3), OrganizationId::new(), Instant::now());
        let left: Vec<_> = (0..3).map(|_| rate.take_at(organization, start).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = rate.take_at(organization, start);
        assert!(!refused.is_granted() && refused.reset == 1);
        assert!(rate.take_at(OrganizationId::new(), start).is_granted(), "each organization has its own");
        assert!(rate.take_at(organization, start + Duration::from_millis(100)).is_granted());
        assert!(!rate.take_at(organization, start + Duration::from_millis(100)).is_granted());
        let later = rate.take_at(organization, start + Duration::from_secs(60));
        assert_eq!((later.remaining, later.limit), (2, 3));
    }
}
