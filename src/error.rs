//! What can go wrong, in the product's words. Each door turns it into its own answer, in one place of its own.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input that was refused: which field, and why, in a sentence for its author.
    #[error("{0}")]
    Invalid(Problems),
    /// There is no such thing in this organization.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The thing is not in a state that allows this; a sentence.
    #[error("{0}")]
    Conflict(String),
    /// Whoever asks may not do this; a sentence.
    #[error("{0}")]
    Forbidden(String),
    /// Temporary: the same request may succeed in a moment.
    #[error("temporarily unavailable: {0}")]
    Unavailable(String),
    /// The program can't start as it is configured; a sentence.
    #[error("{0}")]
    Setup(String),
    /// A fault of Gatepost or its database: logged, never shown.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(Problems(vec![Problem { field, message: message.into(), taken: false }]))
    }

    /// The value itself is fine, and another has it.
    pub fn taken(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(Problems(vec![Problem { field, message: message.into(), taken: true }]))
    }

    /// What was wrong with the input; any other error stays one.
    pub fn problems(self) -> Result<Problems> {
        match self {
            Self::Invalid(problems) => Ok(problems),
            error => Err(error),
        }
    }

    pub fn setup(message: impl Into<String>) -> Self {
        Self::Setup(message.into())
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(message.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut | E::PoolClosed | E::Io(_) | E::WorkerCrashed | E::Tls(_) => {
                Self::Unavailable(format!("database: {error}"))
            }
            E::Database(refusal) if is_temporary(refusal.code().as_deref()) => {
                Self::Unavailable(format!("database: {error}"))
            }
            _ => Self::Internal(format!("database: {error}")),
        }
    }
}

/// SQLite: 5 BUSY, 6 LOCKED, 8 READONLY, 10 IOERR, 13 FULL, 14 CANTOPEN. PostgreSQL (appendix A): 08 connection, 53 resources, 57 operator, 40 rollback, 55P03 lock.
fn is_temporary(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.len() {
        5 => matches!(&code[..2], "08" | "53" | "57" | "40") || code == "55P03",
        _ => code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)),
    }
}

/// Whether the database refused a value because it is there already.
pub fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.is_unique_violation())
}

/// Whether another transaction held what this one waited for, for too long (PostgreSQL).
pub fn is_held_by_another(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|refusal| refusal.code()).as_deref() == Some("55P03")
}

/// Whether the database refused to remove a row that others name.
pub fn is_still_named(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|refusal| refusal.is_foreign_key_violation())
}

const MOST_PROBLEMS: usize = 20;

/// Why input was refused, field by field.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

#[derive(Debug)]
pub struct Problem {
    /// The field's name as it stands in the form, the JSON body and the command line.
    pub field: &'static str,
    /// A sentence.
    pub message: String,
    /// Whether the value itself is fine, and another has it.
    pub taken: bool,
}

impl Problems {
    /// Nobody reads more than [`MOST_PROBLEMS`].
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        if self.0.len() == MOST_PROBLEMS {
            return;
        }
        self.0.push(Problem { field, message: message.into(), taken: false });
    }

    /// # Errors
    /// [`Error::Invalid`] when there is a problem.
    pub fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    /// Whether nothing is wrong but that another has the value.
    pub fn is_taken(&self) -> bool {
        self.0.iter().all(|problem| problem.taken)
    }

    /// The message for a field, if it was refused.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{}: {}", problem.field, problem.message)?;
        }
        Ok(())
    }
}
