//! What commands print: on standard output, all at once. A reader that has gone is an error only where something is lost.

mod own_words;

use std::io::{ErrorKind, Write, stderr, stdout};

use clap::Args;

use crate::model::name::is_deceptive_character;
pub use own_words::{Name, in_own_words};

/// How a new secret is printed.
#[derive(Clone, Copy, Debug, Args)]
pub struct Form {
    /// Print it as lines of an .env file
    #[arg(long, conflicts_with = "json")]
    pub env: bool,
}

pub fn write(bytes: &[u8]) -> std::io::Result<()> {
    match print(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

pub fn line(text: &str) -> std::io::Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// A line that is not to be had again: it may hold a new secret.
pub fn only_line(text: &str) -> std::io::Result<()> {
    print(format!("{text}\n").as_bytes())
}

/// Something to know beside what is printed: on standard error.
pub fn remark(text: &str) -> std::io::Result<()> {
    stderr().write_all(format!("gatepost: {text}\n").as_bytes())
}

fn print(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Names and values for people, one a line.
pub fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = facts.iter().map(|(name, value)| format!("{name:<width$}  {}", harmless(value)));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A time, or that there was none.
pub fn or_never(at: Option<String>) -> String {
    at.unwrap_or_else(|| "never".to_owned())
}

/// `global`, or the domains; all of them may have been removed.
pub fn domains(scope: &str, domains: &[String]) -> String {
    match (scope, domains) {
        ("scoped", []) => "none".to_owned(),
        ("scoped", domains) => domains.join(","),
        (scope, _) => scope.to_owned(),
    }
}

/// Strangers write subjects and addresses: what a terminal would obey is taken out.
pub fn harmless(text: &str) -> String {
    text.replace(is_deceptive_character, "\u{fffd}")
}

/// A table for people: columns as wide as they need, two spaces between them.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let head: Vec<String> = head.iter().map(|title| title.to_uppercase()).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| harmless(cell)).collect()).collect();
    let all = || std::iter::once(&head).chain(&rows);
    let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    write(text.as_bytes())
}
