//! The table of messages: search, filters, pages by cursor, newest first. It takes the same time whatever was sent before:
//! one filter reads its own index; a search, and filters beyond the first, look through a bounded number of lines. What became of
//! recipients apart from their message is marked in its line.

use sqlx::AnyConnection;

use super::{COLUMNS, Message, Outcome};
use crate::clock::Timestamp;
use crate::db::places;
use crate::error::Result;
use crate::id::{CredentialId, MessageId, OrganizationId};
use crate::model::credential::Mode;
use crate::model::page::{Keyset, Order, Page, Rows, Turn, Value, part_of_text};

/// How many lines a page looks through for those that match; it says so, and the next page goes on behind them.
const REACH: usize = 20_000;
/// Characters of a search: as many as the longest address has (RFC 5321 section 4.5.3.1).
const MAX_SEARCH_CHARACTERS: usize = 320;

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the sender, the From header's addresses, a recipient, the subject or the Message-ID, in any case; empty: all.
    pub search: String,
    pub credential: Option<CredentialId>,
    pub mode: Option<Mode>,
    /// Of the message; of what is marked ([`Outcome::mark`]), or of one of its recipients.
    pub outcome: Option<Outcome>,
    /// Only those that were sent from one of these domains.
    pub within: Option<Vec<String>>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// A list to read: what, and which page.
#[derive(Clone, Debug)]
pub struct Listing {
    pub filter: Filter,
    pub turn: Turn,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct Found {
    pub page: Page<Message>,
    /// The oldest line (going back: the newest) that was looked at, where the page ends before it is full and before the log does.
    pub reached: Option<Timestamp>,
}

/// Conditions of a statement, with their parameters from `$2` on (`$1` is the organization).
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn new() -> Self {
        Self { sql: " WHERE organization = $1".to_owned(), values: Vec::new() }
    }

    /// The parameter after the last one.
    fn next(&self) -> usize {
        self.values.len() + 2
    }

    fn and(&mut self, left: &str, value: Value, right: &str) {
        self.sql.push_str(&format!(" AND {left} ${}{right}", self.next()));
        self.values.push(value);
    }

    /// One of these texts; with none of them no line is meant.
    fn and_one_of(&mut self, column: &str, texts: &[String]) {
        let names = if texts.is_empty() { "NULL".to_owned() } else { places(self.next(), texts.len()) };
        self.sql.push_str(&format!(" AND {column} || '' IN ({names})"));
        self.values.extend(texts.iter().cloned().map(Value::Text));
    }

    /// Not kept as prepared: PostgreSQL would plan it for average values, and read a million lines to find that none has a rare one.
    fn bind<T>(&self, query: Rows<'static, T>, organization: OrganizationId) -> Rows<'static, T> {
        let query = query.persistent(false).bind(organization);
        self.values.iter().cloned().fold(query, |query, value| value.bind(query))
    }
}

impl Filter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.search.trim().is_empty()
            && self.equalities().is_empty()
            && self.within.is_none()
            && self.from.is_none()
            && self.until.is_none()
    }

    /// The columns that must have one value, first the one that leaves the fewest lines: most messages are delivered. The domain
    /// of a key that is for one domain stands before all others: what it may not see costs it nothing.
    fn equalities(&self) -> Vec<(&'static str, Value)> {
        let outcome = self.outcome.map(|outcome| match outcome.mark() {
            Some(mark) => (mark, Value::Text("1".to_owned())),
            None => ("outcome", Value::Text(outcome.to_string())),
        });
        let credential = self.credential.map(|id| ("credential", Value::Text(id.to_string())));
        let mode = self.mode.map(|mode| ("mode", Value::Text(mode.to_string())));
        let domain = match self.within.as_deref() {
            Some([only]) => Some(("sender_domain", Value::Text(only.clone()))),
            _ => None,
        };
        let in_order = match self.outcome {
            Some(Outcome::Delivered) => [domain, credential, mode, outcome],
            _ => [domain, outcome, credential, mode],
        };
        in_order.into_iter().flatten().collect()
    }

    /// What an index answers.
    fn indexed(&self) -> Conditions {
        let mut conditions = Conditions::new();
        let mark = self.outcome.and_then(Outcome::mark);
        match self.equalities().into_iter().next() {
            // As its index says it, which holds no other lines.
            Some((column, _)) if Some(column) == mark => {
                conditions.sql.push_str(&format!(" AND {column} = 1"))
            }
            Some((column, value)) => conditions.and(&format!("{column} ="), value, ""),
            None => {}
        }
        for (compare, at) in [("at >=", self.from), ("at <", self.until)] {
            if let Some(at) = at {
                conditions.and(compare, Value::Number(at.as_micros()), "");
            }
        }
        conditions
    }

    /// What each line is looked at for; returns whether there is any such thing.
    fn add_looked_for(&self, conditions: &mut Conditions) -> bool {
        let before = conditions.values.len();
        for (column, value) in self.equalities().into_iter().skip(1) {
            // As an expression, so that no database takes the index of this column instead of that of the first.
            conditions.and(&format!("{column} || '' ="), value, "");
        }
        if let Some(within) = self.within.as_ref().filter(|within| within.len() != 1) {
            conditions.and_one_of("sender_domain", within);
        }
        if let Some(part) = part_of_text(&self.search, MAX_SEARCH_CHARACTERS) {
            conditions.and("search LIKE", part, " ESCAPE '\\'");
        }
        conditions.values.len() > before
    }
}

impl Message {
    pub async fn list(
        connection: &mut AnyConnection,
        organization: OrganizationId,
        listing: &Listing,
    ) -> Result<Found> {
        let keyset = Keyset::new(Order::newest_first("at"), &listing.turn)?;
        let mut conditions = listing.filter.indexed();
        let indexed = Conditions { sql: conditions.sql.clone(), values: conditions.values.clone() };
        let end = match listing.filter.add_looked_for(&mut conditions) {
            true => end_of_reach(connection, organization, (&keyset, &indexed)).await?,
            false => None,
        };
        if let Some((at, id)) = end {
            conditions.sql.push_str(&keyset.not_behind(conditions.next()));
            conditions.values.extend([Value::Number(at.as_micros()), Value::Text(id.to_string())]);
        }
        let sql =
            format!("SELECT {COLUMNS} FROM messages{}{}", conditions.sql, keyset.tail(conditions.next()));
        let query = conditions.bind(sqlx::query_as(sqlx::AssertSqlSafe(sql)), organization);
        let rows = keyset.bind(query).fetch_all(connection).await?;
        Ok(found(&keyset, rows, end))
    }
}

fn found(keyset: &Keyset<'_>, rows: Vec<Message>, end: Option<(Timestamp, MessageId)>) -> Found {
    let place = |at: Timestamp, id: MessageId| (at.as_micros().to_string(), id.to_string());
    let place_of = |message: &Message| place(message.at, message.id);
    let Some((at, id)) = end else { return Found { page: keyset.page(rows, place_of), reached: None } };
    let reached = keyset.has_room(rows.len()).then_some(at);
    Found { page: keyset.page_until(rows, place_of, place(at, id)), reached }
}

/// The last line that the page may look at; none when there are not so many.
async fn end_of_reach(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    (keyset, indexed): (&Keyset<'_>, &Conditions),
) -> Result<Option<(Timestamp, MessageId)>> {
    let tail = keyset.tail_behind(indexed.next(), REACH - 1);
    let sql = format!("SELECT at, id FROM messages{}{tail}", indexed.sql);
    let query = indexed.bind(sqlx::query_as(sqlx::AssertSqlSafe(sql)), organization);
    Ok(keyset.bind(query).fetch_optional(connection).await?)
}
