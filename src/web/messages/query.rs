//! What stands in the address of the table of messages: search, filters, page.

use std::time::Duration;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::HOME;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CredentialId;
use crate::model::Turn;
use crate::model::credential::Mode;
use crate::model::message::{Filter, Listing, Outcome};
use crate::model::page::PAGE_SIZE;
use crate::web::shown;
use crate::web::urlencoded;

const DAY: Duration = Duration::from_secs(86_400);

/// As it was typed or linked; what can't be understood is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub q: String,
    pub credential: String,
    pub mode: String,
    pub outcome: String,
    /// The first day, `2026-05-03`, in UTC.
    pub since: String,
    /// The last day.
    pub until: String,
    pub after: String,
    pub before: String,
    /// What the page that asks for news shows; see [`super::list`].
    pub seen: String,
}

impl Query {
    pub fn filter(&self) -> Filter {
        Filter {
            search: self.q.clone(),
            credential: self.credential.parse::<CredentialId>().ok(),
            mode: self.mode.parse::<Mode>().ok(),
            outcome: self.outcome.parse::<Outcome>().ok(),
            within: None,
            from: midnight(&self.since),
            until: midnight(&self.until).map(|day| day.plus(DAY)),
        }
    }

    /// # Errors
    /// [`crate::error::Error::Invalid`] on a cursor that is none.
    pub fn listing(&self) -> Result<Listing> {
        let turn = Turn::new(Some(&self.after), Some(&self.before), PAGE_SIZE)?;
        Ok(Listing { filter: self.filter(), turn })
    }

    /// Whether this is where new messages appear.
    pub fn is_first_page(&self) -> bool {
        self.after.is_empty() && self.before.is_empty()
    }

    /// The address of this very list.
    pub fn address(&self) -> String {
        let text = urlencoded::query(&[
            ("q", self.q.trim()),
            ("credential", &self.credential),
            ("mode", &self.mode),
            ("outcome", &self.outcome),
            ("since", &self.since),
            ("until", &self.until),
            ("after", &self.after),
            ("before", &self.before),
            ("seen", &self.seen),
        ]);
        if text.is_empty() { HOME.to_owned() } else { format!("{HOME}?{text}") }
    }

    /// The page behind a cursor.
    pub fn turned_to(&self, after: &str) -> String {
        Self { after: after.to_owned(), before: String::new(), ..self.clone() }.address()
    }

    /// The page before a cursor.
    pub fn turned_back_to(&self, before: &str) -> String {
        Self { before: before.to_owned(), after: String::new(), ..self.clone() }.address()
    }

    /// Where to ask what is new since a page showed this.
    pub fn news_since(&self, seen: &str) -> String {
        Self { seen: seen.to_owned(), ..self.clone() }.address()
    }

    /// The first page without one of its filters: each with what it is called then.
    pub fn without_one(&self) -> Vec<(&'static str, Self)> {
        let first = Self { after: String::new(), before: String::new(), seen: String::new(), ..self.clone() };
        let all = [
            ("Any text", Self { q: String::new(), ..first.clone() }),
            ("Any credential", Self { credential: String::new(), ..first.clone() }),
            ("Any mode", Self { mode: String::new(), ..first.clone() }),
            ("Any outcome", Self { outcome: String::new(), ..first.clone() }),
            ("Any time", Self { since: String::new(), until: String::new(), ..first.clone() }),
        ];
        let whole = first.address();
        all.into_iter().filter(|(_, less)| less.address() != whole).collect()
    }

    /// Whether the first day is later than the last.
    pub fn has_swapped_days(&self) -> bool {
        midnight(&self.since).zip(midnight(&self.until)).is_some_and(|(since, until)| until < since)
    }

    /// The first page from the earlier of the two days to the later.
    pub fn with_days_swapped(&self) -> String {
        let (since, until) = (self.until.clone(), self.since.clone());
        Self { since, until, after: String::new(), before: String::new(), ..self.clone() }.address()
    }

    /// What is sought, as the end of the sentence “No message …”.
    pub fn sought(&self) -> String {
        let filter = self.filter();
        let mut parts = Vec::new();
        if !self.q.trim().is_empty() {
            parts.push(format!("has “{}” in its addresses, subject or Message-ID", self.q.trim()));
        }
        if filter.credential.is_some() {
            parts.push("came from this credential".to_owned());
        }
        if let Some(mode) = filter.mode {
            parts.push(format!("was in {mode} mode"));
        }
        if let Some(outcome) = filter.outcome {
            parts.push(format!("was {}", super::outcome(&outcome).to_lowercase()));
        }
        if filter.from.is_some() || filter.until.is_some() {
            parts.push("came in that time".to_owned());
        }
        shown::enumerated(&parts)
    }
}

/// The beginning of a day in UTC.
fn midnight(day: &str) -> Option<Timestamp> {
    let date = Date::parse(day, &format_description!("[year]-[month]-[day]")).ok()?;
    Some(date.midnight().assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_only_what_differs_from_the_plain_list() {
        assert_eq!(Query::default().address(), HOME);
        let query = Query { q: " a@b ".to_owned(), outcome: "failed".to_owned(), ..Query::default() };
        assert_eq!(query.address(), format!("{HOME}?q=a%40b&outcome=failed"));
    }

    #[test]
    fn the_last_day_counts_whole() {
        let day = "2026-05-03".to_owned();
        let filter = Query { since: day.clone(), until: day, ..Query::default() }.filter();
        let (from, until) = (filter.from.map(Timestamp::rfc3339), filter.until.map(Timestamp::rfc3339));
        assert_eq!(from.as_deref(), Some("2026-05-03T00:00:00Z"));
        assert_eq!(until.as_deref(), Some("2026-05-04T00:00:00Z"));
    }

    #[test]
    fn each_filter_can_be_dropped_by_itself() {
        let query = Query { q: "x".to_owned(), mode: "sandbox".to_owned(), ..Query::default() };
        let dropped: Vec<String> = query.without_one().iter().map(|(_, less)| less.address()).collect();
        assert_eq!(dropped, [format!("{HOME}?mode=sandbox"), format!("{HOME}?q=x")]);
    }
}
