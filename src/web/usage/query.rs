//! What stands in the address of the page: whose usage, in which month.

use serde::Deserialize;

use super::HOME;
use crate::id::CredentialId;
use crate::model::usage::{Month, Span};
use crate::web::urlencoded;

/// Months of one chart.
pub const MONTHS: u32 = 12;

/// As it was typed or linked; what can't be understood is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub month: String,
    pub credential: String,
    pub after: String,
    pub before: String,
}

impl Query {
    /// The chosen month, none later than this one.
    pub fn month(&self, now: Month) -> Month {
        self.month.parse().unwrap_or(now).min(now)
    }

    /// The year of months that is shown: the one up to now, or an earlier one that holds the chosen month.
    pub fn span(&self, now: Month) -> Span {
        let years = now.months_since(self.month(now)) / MONTHS;
        Span::up_to(now.back(years * MONTHS), MONTHS)
    }

    pub fn credential(&self) -> Option<CredentialId> {
        self.credential.parse().ok()
    }

    /// The same page at another month.
    pub fn at(&self, month: &Month) -> String {
        self.address(&month.to_string(), ("", ""))
    }

    /// The page behind a cursor.
    pub fn turned_to(&self, after: &str) -> String {
        self.address(&self.month, (after, ""))
    }

    /// The page before a cursor.
    pub fn turned_back_to(&self, before: &str) -> String {
        self.address(&self.month, ("", before))
    }

    fn address(&self, month: &str, (after, before): (&str, &str)) -> String {
        let pairs =
            [("credential", &*self.credential), ("month", month), ("after", after), ("before", before)];
        format!("{HOME}?{}", urlencoded::query(&pairs))
    }
}

/// The page of one credential's usage.
pub fn of_credential(id: &CredentialId) -> String {
    format!("{HOME}?credential={id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_that_is_shown_holds_the_chosen_month() {
        let now: Month = "2026-11".parse().unwrap();
        for (chosen, first, last) in [
            ("", "2025-12", "2026-11"),
            ("2025-12", "2025-12", "2026-11"),
            ("2025-11", "2024-12", "2025-11"),
            ("2030-01", "2025-12", "2026-11"),
            ("nonsense", "2025-12", "2026-11"),
        ] {
            let query = Query { month: chosen.to_owned(), ..Query::default() };
            let span = query.span(now);
            assert_eq!((span.first.to_string(), span.last.to_string()), (first.to_owned(), last.to_owned()));
        }
    }
}
