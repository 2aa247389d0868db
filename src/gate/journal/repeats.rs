//! Keeps a flood of attempts that cost a client nothing from filling the journal: beyond a few lines a minute for one network and
//! one username, or for one network and no username in particular, the last line stands for the further ones.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::gate::{Reference, network};

/// Lines that are written in each [`WINDOW`].
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Pairs of network and username that are remembered at most.
const MAX_PAIRS: usize = 10_000;

#[derive(Debug, Default)]
pub struct Repeats(Mutex<HashMap<(IpAddr, Option<String>), Lines>>);

#[derive(Debug)]
struct Lines {
    since: Timestamp,
    written: u32,
    last: Reference,
}

impl Repeats {
    /// The line that stands for this attempt too; none when it is to have `fresh`, a line of its own.
    /// `username`: none for all of them together.
    pub fn stands_for(
        &self,
        (client, username): (IpAddr, Option<String>),
        fresh: &Reference,
        now: Timestamp,
    ) -> Option<Reference> {
        let mut pairs = self.0.lock();
        if pairs.len() >= MAX_PAIRS {
            pairs.retain(|_, lines| now.since(lines.since) < WINDOW);
        }
        if pairs.len() >= MAX_PAIRS {
            pairs.clear();
        }
        let first = || Lines { since: now, written: 0, last: fresh.clone() };
        let lines = pairs.entry((network(client), username)).or_insert_with(first);
        if now.since(lines.since) >= WINDOW {
            *lines = first();
        }
        if lines.written >= LINES {
            return Some(lines.last.clone());
        }
        (lines.written, lines.last) = (lines.written + 1, fresh.clone());
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_is_throttled_fills_a_few_lines_a_minute_for_each_username() {
        let (repeats, now) = (Repeats::default(), Timestamp::from_micros(1_000_000_000));
        let [flood, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let reference = |number: u32| Reference(format!("R{number}"));
        for number in 0..LINES {
            assert_eq!(repeats.stands_for((flood, None), &reference(number), now), None);
        }
        let last = reference(LINES - 1);
        assert_eq!(repeats.stands_for((flood, None), &reference(99), now), Some(last));
        assert_eq!(repeats.stands_for((flood, Some("smtp_shop".to_owned())), &reference(99), now), None);
        assert_eq!(repeats.stands_for((other, None), &reference(99), now), None);
        assert_eq!(repeats.stands_for((flood, None), &reference(99), now.plus(WINDOW)), None);
    }
}
