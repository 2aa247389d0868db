//! What stands in the address of the table of credentials: search, filters, order, page.

use serde::Deserialize;

use super::HOME;
use crate::error::Result;
use crate::model::Turn;
use crate::model::credential::{Filter, Listing, Mode, Sort, State};
use crate::model::page::PAGE_SIZE;
use crate::web::urlencoded;

/// A credential that was not used for so long may be forgotten.
const UNUSED: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

/// As it was typed or linked; what can't be understood is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    pub q: String,
    pub status: String,
    pub mode: String,
    pub unused: String,
    pub sort: String,
    pub order: String,
    pub after: String,
    pub before: String,
}

impl Query {
    pub fn sort(&self) -> Sort {
        self.sort.parse().unwrap_or(Sort::Name)
    }

    pub fn is_descending(&self) -> bool {
        self.order == "desc"
    }

    pub fn is_unused(&self) -> bool {
        !self.unused.is_empty()
    }

    pub fn filter(&self) -> Filter {
        Filter {
            search: self.q.clone(),
            state: self.status.parse::<State>().ok(),
            mode: self.mode.parse::<Mode>().ok(),
            unused_for: self.is_unused().then_some(UNUSED),
            within: None,
        }
    }

    /// # Errors
    /// [`crate::error::Error::Invalid`] on a cursor that is none.
    pub fn listing(&self) -> Result<Listing> {
        let turn = Turn::new(Some(&self.after), Some(&self.before), PAGE_SIZE)?;
        Ok(Listing { filter: self.filter(), sort: self.sort(), descending: self.is_descending(), turn })
    }

    /// The address of this very list.
    pub fn address(&self) -> String {
        let text = urlencoded::query(&[
            ("q", self.q.trim()),
            ("status", &self.status),
            ("mode", &self.mode),
            ("unused", &self.unused),
            ("sort", &self.sort),
            ("order", &self.order),
            ("after", &self.after),
            ("before", &self.before),
        ]);
        if text.is_empty() { HOME.to_owned() } else { format!("{HOME}?{text}") }
    }

    /// The first page sorted by a column; a second time the other way round.
    pub fn sorted_by(&self, column: &Sort) -> String {
        let again = self.sort() == *column;
        // What happened last is looked for first.
        let newest_first = matches!(column, Sort::LastUsed | Sort::Created);
        let descending = if again { !self.is_descending() } else { newest_first };
        let order = if descending { "desc" } else { "" };
        let sort = if *column == Sort::Name { "" } else { column.as_str() };
        let (after, before) = (String::new(), String::new());
        Self { sort: sort.to_owned(), order: order.to_owned(), after, before, ..self.clone() }.address()
    }

    /// The page behind a cursor.
    pub fn turned_to(&self, after: &str) -> String {
        Self { after: after.to_owned(), before: String::new(), ..self.clone() }.address()
    }

    /// Whether it is another page than the first.
    pub fn is_turned(&self) -> bool {
        !self.after.is_empty() || !self.before.is_empty()
    }

    /// The page before a cursor.
    pub fn turned_back_to(&self, before: &str) -> String {
        Self { before: before.to_owned(), after: String::new(), ..self.clone() }.address()
    }

    /// What is sought, as the end of the sentence “No credential …”.
    pub fn sought(&self) -> String {
        let mut parts = Vec::new();
        if !self.q.trim().is_empty() {
            parts.push(format!("has “{}” in its name or username", self.q.trim()));
        }
        if self.status.parse::<State>().is_ok() {
            parts.push(format!("is {}", self.status));
        }
        if self.mode.parse::<Mode>().is_ok() {
            parts.push(format!("is in {} mode", self.mode));
        }
        if self.is_unused() {
            parts.push("has been unused for 90 days".to_owned());
        }
        parts.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_only_what_differs_from_the_plain_list() {
        assert_eq!(Query::default().address(), HOME);
        let query = Query { q: " a b ".to_owned(), status: "active".to_owned(), ..Query::default() };
        assert_eq!(query.address(), format!("{HOME}?q=a%20b&status=active"));
    }

    #[test]
    fn a_column_is_sorted_the_other_way_the_second_time() {
        let plain = Query::default();
        assert_eq!(plain.sorted_by(&Sort::Name), format!("{HOME}?order=desc"));
        assert_eq!(plain.sorted_by(&Sort::LastUsed), format!("{HOME}?sort=last_used&order=desc"));
        let newest = Query { sort: "last_used".to_owned(), order: "desc".to_owned(), ..plain };
        assert_eq!(newest.sorted_by(&Sort::LastUsed), format!("{HOME}?sort=last_used"));
    }

    #[test]
    fn a_new_order_begins_at_the_first_page() {
        let query = Query { after: "x".to_owned(), ..Query::default() };
        assert_eq!(query.sorted_by(&Sort::Username), format!("{HOME}?sort=username"));
    }
}
