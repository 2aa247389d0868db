//! Pages of a list by cursor: stable under inserts, as fast at the end as at the start.
//!
//! A list is ordered by one column and then by id; a page begins behind (or before) the pair of the last row that was seen.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::QueryAs;

use crate::error::{Error, Result};

/// Rows on one page of the dashboard.
pub const PAGE_SIZE: usize = 50;

/// Where in a list to read, and how many rows.
#[derive(Clone, Debug)]
pub struct Turn {
    cursor: Option<Cursor>,
    direction: Direction,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Direction {
    /// The field that a cursor for it comes in.
    const fn field(self) -> &'static str {
        match self {
            Self::Forward => "after",
            Self::Backward => "before",
        }
    }
}

/// The place of one row in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    key: String,
    id: String,
}

impl Turn {
    /// The first page, or the one after or before a cursor that [`Page`] gave out.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a cursor that is none, or on both.
    pub fn new(after: Option<&str>, before: Option<&str>, limit: usize) -> Result<Self> {
        let (cursor, direction) = match (after.filter(|c| !c.is_empty()), before.filter(|c| !c.is_empty())) {
            (None, None) => (None, Direction::Forward),
            (Some(after), None) => {
                (Some(Cursor::decode(Direction::Forward.field(), after)?), Direction::Forward)
            }
            (None, Some(before)) => {
                (Some(Cursor::decode(Direction::Backward.field(), before)?), Direction::Backward)
            }
            (Some(_), Some(_)) => {
                return Err(Error::invalid("before", "after and before exclude each other."));
            }
        };
        Ok(Self { cursor, direction, limit })
    }

    /// The page out of all rows of a short list, newest first; `place` gives a row's time and id.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a cursor that belongs to another list.
    pub fn pick<T>(&self, rows: Vec<T>, place: impl Fn(&T) -> (i64, String)) -> Result<Page<T>> {
        Ok(Keyset::new(Order::newest_first("created_at"), self)?.pick(rows, place))
    }

    /// The first rows.
    pub fn first(limit: usize) -> Self {
        Self { cursor: None, direction: Direction::Forward, limit }
    }
}

impl Cursor {
    fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.id, self.key))
    }

    fn decode(field: &'static str, text: &str) -> Result<Self> {
        let refused = || Error::invalid(field, "this is not a cursor that Gatepost gave out.");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let text = String::from_utf8(bytes).map_err(|_| refused())?;
        let (id, key) = text.split_once('\n').ok_or_else(refused)?;
        if key.contains('\0') || id.contains('\0') {
            return Err(refused());
        }
        Ok(Self { key: key.to_owned(), id: id.to_owned() })
    }
}

/// Some rows of a list, with cursors to what stands before and behind them.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// For `before`; none on the first page.
    pub previous: Option<String>,
    /// For `after`; none on the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// How many rows there are in all, where this page shows them all.
    pub fn total(&self) -> Option<i64> {
        let is_whole = self.previous.is_none() && self.next.is_none();
        is_whole.then(|| i64::try_from(self.rows.len()).unwrap_or(i64::MAX))
    }
}

/// A column that a list is ordered by.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Its name in SQL.
    pub column: &'static str,
    /// Whether it is a BIGINT (else TEXT).
    pub is_number: bool,
    pub descending: bool,
}

impl Order {
    /// Newest first by a column of times.
    pub const fn newest_first(column: &'static str) -> Self {
        Self { column, is_number: true, descending: true }
    }
}

/// What is bound to a statement that is put together from conditions.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Number(i64),
}

/// A query that reads rows of type `T`.
pub type Rows<'q, T> = QueryAs<'q, Any, T, AnyArguments>;

impl Value {
    pub fn bind<T>(self, query: Rows<'_, T>) -> Rows<'_, T> {
        match self {
            Self::Text(text) => query.bind(text),
            Self::Number(number) => query.bind(number),
        }
    }
}

/// The SQL of one page, and what is bound to it.
#[derive(Debug)]
pub struct Keyset<'a> {
    order: Order,
    turn: &'a Turn,
    number: i64,
}

impl<'a> Keyset<'a> {
    /// # Errors
    /// [`Error::Invalid`] on a cursor that belongs to another order.
    pub fn new(order: Order, turn: &'a Turn) -> Result<Self> {
        let number = match &turn.cursor {
            Some(cursor) if order.is_number => cursor.key.parse().map_err(|_| {
                Error::invalid(turn.direction.field(), "this cursor belongs to another order.")
            })?,
            _ => 0,
        };
        Ok(Self { order, turn, number })
    }

    /// What ends the statement: the condition with its parameters from `$first`, the order and the limit.
    pub fn tail(&self, first: usize) -> String {
        format!("{} LIMIT {}", self.ordered(first), self.turn.limit + 1)
    }

    /// The same for a statement that reads the one row that stands `skipped` rows behind the first one.
    pub fn tail_behind(&self, first: usize, skipped: usize) -> String {
        format!("{} LIMIT 1 OFFSET {skipped}", self.ordered(first))
    }

    /// The condition that a row does not stand behind the one whose values are bound to `$first` and the next parameter.
    pub fn not_behind(&self, first: usize) -> String {
        let compare = if self.is_descending() { ">=" } else { "<=" };
        format!(" AND ({}, id) {compare} (${first}, ${})", self.order.column, first + 1)
    }

    fn is_descending(&self) -> bool {
        self.order.descending != (self.turn.direction == Direction::Backward)
    }

    fn ordered(&self, first: usize) -> String {
        let column = self.order.column;
        let (compare, order) = if self.is_descending() { ("<", "DESC") } else { (">", "ASC") };
        let condition = match self.turn.cursor {
            Some(_) => format!(" AND ({column}, id) {compare} (${first}, ${})", first + 1),
            None => String::new(),
        };
        format!("{condition} ORDER BY {column} {order}, id {order}")
    }

    /// Binds the cursor, where there is one, to the parameters that [`Keyset::tail`] named.
    pub fn bind<'q, T>(&self, query: Rows<'q, T>) -> Rows<'q, T>
    where
        'a: 'q,
    {
        match &self.turn.cursor {
            None => query,
            Some(cursor) if self.order.is_number => query.bind(self.number).bind(&cursor.id),
            Some(cursor) => query.bind(&cursor.key).bind(&cursor.id),
        }
    }

    /// Makes the page of the rows that were read; `place` gives a row's value in the ordering column, and its id.
    pub fn page<T>(&self, mut rows: Vec<T>, place: impl Fn(&T) -> (String, String)) -> Page<T> {
        let more = rows.len() > self.turn.limit;
        rows.truncate(self.turn.limit);
        let came_from_somewhere = self.turn.cursor.is_some();
        let (has_previous, has_next) = match self.turn.direction {
            Direction::Forward => (came_from_somewhere, more),
            Direction::Backward => {
                rows.reverse();
                (more, came_from_somewhere)
            }
        };
        let cursor = |row: Option<&T>| {
            row.map(|row| {
                let (key, id) = place(row);
                Cursor { key, id }.encode()
            })
        };
        Page {
            previous: cursor(rows.first()).filter(|_| has_previous),
            next: cursor(rows.last()).filter(|_| has_next),
            rows,
        }
    }

    /// The page, out of a list that was read whole because it is short; `place` gives a row's time and id.
    fn pick<T>(&self, rows: Vec<T>, place: impl Fn(&T) -> (i64, String)) -> Page<T> {
        let begins = |row: &T| {
            let (at, id) = place(row);
            match &self.turn.cursor {
                None => true,
                Some(cursor) if self.is_descending() => (at, &id) < (self.number, &cursor.id),
                Some(cursor) => (at, &id) > (self.number, &cursor.id),
            }
        };
        let mut rows: Vec<T> = rows.into_iter().filter(begins).collect();
        rows.sort_by_cached_key(&place);
        if self.is_descending() {
            rows.reverse();
        }
        rows.truncate(self.turn.limit + 1);
        self.page(rows, |row| {
            let (at, id) = place(row);
            (at.to_string(), id)
        })
    }

    /// Whether so many rows leave room on the page.
    pub fn has_room(&self, rows: usize) -> bool {
        rows <= self.turn.limit
    }

    /// The page, when the rows were looked for only as far as a place in the order: where the page has room left, it goes on
    /// behind that place.
    pub fn page_until<T>(
        &self,
        rows: Vec<T>,
        place: impl Fn(&T) -> (String, String),
        end: (String, String),
    ) -> Page<T> {
        let has_room = self.has_room(rows.len());
        let mut page = self.page(rows, place);
        if has_room {
            let cursor = Some(Cursor { key: end.0, id: end.1 }.encode());
            match self.turn.direction {
                Direction::Forward => page.next = cursor,
                Direction::Backward => page.previous = cursor,
            }
        }
        page
    }
}

/// What a search that was typed matches as part of a text in lower case, for `LIKE $n ESCAPE '\\'`; nothing was typed: none.
/// `longest`: characters of the longest text that there is. Control characters stand in none, and PostgreSQL takes no NUL.
pub fn part_of_text(typed: &str, longest: usize) -> Option<Value> {
    let part: String = typed.trim().chars().filter(|c| !c.is_control()).take(longest).collect();
    let escaped = part.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    (!part.is_empty()).then(|| Value::Text(format!("%{escaped}%")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_given_out() {
        let cursor = Cursor { key: "Shop\n1 ü".to_owned(), id: "0190-x".to_owned() };
        assert_eq!(Cursor::decode("after", &cursor.encode()).ok(), Some(cursor));
    }

    #[test]
    fn what_is_no_cursor_is_refused_by_name() {
        for text in ["§", "AAAA", "bm8", "////"] {
            let refusal = Turn::new(Some(text), None, 10).err().map(|error| error.to_string());
            assert!(refusal.is_some_and(|text| text.starts_with("after: ")), "{text}");
        }
    }
}
