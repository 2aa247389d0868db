//! Bars of messages a month, drawn on the server. The numbers themselves stand in a table beside it.

use crate::model::usage::{Counts, Month};

/// A bar for each month, from left to right, in a field 10 wide for each and 100 high.
#[derive(Clone, Debug)]
pub struct Chart {
    pub bars: Vec<Bar>,
    /// Messages in the month with most.
    pub most: i64,
}

#[derive(Clone, Debug)]
pub struct Bar {
    pub month: Month,
    pub counts: Counts,
    /// Of its left side.
    pub x: usize,
    /// Heights of its two parts; the one for sandbox messages stands on the other.
    pub production: f64,
    pub sandbox: f64,
}

impl Chart {
    /// `months`: newest first.
    pub fn of(months: &[(Month, Counts)]) -> Self {
        let most = months.iter().map(|(_, counts)| counts.messages()).max().unwrap_or(0);
        let bar = |(index, (month, counts)): (usize, &(Month, Counts))| Bar {
            month: *month,
            counts: *counts,
            x: index * 10,
            production: height(counts.production, most),
            sandbox: height(counts.sandbox, most),
        };
        Self { bars: months.iter().rev().enumerate().map(bar).collect(), most }
    }

    /// The same in words, for those who don't see it: messages a month, oldest first.
    pub fn words(&self) -> String {
        let numbers: Vec<String> = self.bars.iter().map(|bar| bar.counts.messages().to_string()).collect();
        format!("Messages a month, oldest first: {}", numbers.join(", "))
    }

    pub fn width(&self) -> usize {
        self.bars.len() * 10
    }
}

impl Bar {
    /// Where its two parts begin, from the top.
    pub fn tops(&self) -> (String, String) {
        let production = 100.0 - self.production;
        (format!("{production:.2}"), format!("{:.2}", (production - self.sandbox).max(0.0)))
    }

    pub fn heights(&self) -> (String, String) {
        (format!("{:.2}", self.production), format!("{:.2}", self.sandbox))
    }
}

/// Of 100. What is there can be seen.
fn height(messages: i64, most: i64) -> f64 {
    match (messages, most) {
        (0, _) | (_, 0) => 0.0,
        (messages, most) => (messages as f64 / most as f64 * 100.0).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_with_most_is_as_high_as_the_chart_and_little_is_still_seen() {
        let month: Month = "2026-11".parse().unwrap();
        let counts = |production, sandbox| Counts { production, sandbox, recipients: production };
        let months =
            [(month, counts(750, 250)), (month.back(1), counts(1, 0)), (month.back(2), counts(0, 0))];
        let chart = Chart::of(&months);
        let heights: Vec<_> = chart.bars.iter().map(|bar| (bar.x, bar.production, bar.sandbox)).collect();
        assert_eq!(heights, [(0, 0.0, 0.0), (10, 1.0, 0.0), (20, 75.0, 25.0)]);
        assert_eq!(chart.bars[2].tops(), ("25.00".to_owned(), "0.00".to_owned()));
        assert_eq!(chart.words(), "Messages a month, oldest first: 0, 1, 1000");
        assert_eq!((chart.most, chart.width()), (1_000, 30));
    }
}
