//! What each credential sent in each month, counted in the transaction that logs the message.

mod read;

use std::fmt;

pub use read::{Counts, CredentialCounts, Span, UsageRow};

use super::credential::{LABEL, Mode};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CredentialId, OrganizationId};

/// A month of the calendar, UTC: `2026-11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u8,
}

/// Whose use, in which month.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    pub organization: OrganizationId,
    pub credential: CredentialId,
    pub month: Month,
    pub mode: Mode,
}

impl Month {
    pub fn of(at: Timestamp) -> Self {
        let date = at.utc().date();
        Self { year: date.year(), month: date.month().into() }
    }

    pub const fn year(self) -> i32 {
        self.year
    }

    /// 1 to 12.
    pub const fn number(self) -> u8 {
        self.month
    }

    /// So many months before it.
    pub fn back(self, months: u32) -> Self {
        Self::counted(self.count() - i64::from(months))
    }

    /// So many months after it.
    pub fn ahead(self, months: u32) -> Self {
        Self::counted(self.count() + i64::from(months))
    }

    /// How many months it comes after another; 0 when it does not.
    pub fn months_since(self, earlier: Self) -> u32 {
        u32::try_from(self.count() - earlier.count()).unwrap_or(0)
    }

    /// Months since the beginning of the year 0.
    fn count(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }

    fn counted(count: i64) -> Self {
        let year = i32::try_from(count.div_euclid(12)).unwrap_or(0);
        Self { year, month: u8::try_from(count.rem_euclid(12)).unwrap_or(0) + 1 }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl std::str::FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = |text: &str| {
            let (year, month) = text.split_once('-')?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let fits = year.len() == 4 && month.len() == 2 && digits(year) && digits(month);
            let (year, month) = (year.parse().ok()?, month.parse().ok()?);
            (fits && (1..=12).contains(&month)).then_some(Self { year, month })
        };
        read(text).ok_or_else(|| format!("“{text}” is not a month such as 2026-11"))
    }
}

crate::db::stored_as_text!(Month);

impl Usage {
    /// Counts a message to so many recipients.
    pub async fn add(&self, tx: &mut Tx, recipients: i64) -> Result<()> {
        self.change(tx, 1, recipients).await
    }

    /// Takes back what was counted for a message that was not accepted after all.
    pub async fn take_back(&self, tx: &mut Tx, recipients: i64) -> Result<()> {
        self.change(tx, -1, -recipients).await
    }

    async fn change(&self, tx: &mut Tx, messages: i64, recipients: i64) -> Result<()> {
        // SQLite reads an upsert after SELECT only behind a WHERE.
        let sql = format!(
            "INSERT INTO usage (organization, month, credential, mode, messages, recipients, credential_label) \
             SELECT $1, $2, $3, $4, $5, $6, COALESCE((SELECT {LABEL} FROM credentials WHERE organization = $1 AND id = $3), '') WHERE 1 = 1 \
             ON CONFLICT (organization, month, credential, mode) DO UPDATE SET \
             messages = usage.messages + excluded.messages, recipients = usage.recipients + excluded.recipients, \
             credential_label = CASE WHEN excluded.credential_label = '' THEN usage.credential_label \
             ELSE excluded.credential_label END"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.organization)
            .bind(self.month)
            .bind(self.credential)
            .bind(self.mode)
            .bind(messages)
            .bind(recipients)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_as_it_is_written() {
        for text in ["2026-11", "0999-01", "2026-12"] {
            assert_eq!(text.parse::<Month>().map(|month| month.to_string()).as_deref(), Ok(text));
        }
        for text in ["2026-13", "2026-00", "2026-1", "26-01", "2026", "+026-01", ""] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
        assert_eq!(Month::of(Timestamp::from_micros(0)).to_string(), "1970-01");
    }

    #[test]
    fn months_are_counted_over_the_turn_of_the_year() {
        let [november, february] = ["2026-11", "2027-02"].map(|text| text.parse::<Month>().unwrap());
        assert_eq!((february.back(3), november.ahead(3)), (november, february));
        assert_eq!((february.months_since(november), november.months_since(february)), (3, 0));
        let span = Span::up_to(february, 4);
        let months: Vec<String> = span.months().map(|month| month.to_string()).collect();
        assert_eq!(months, ["2027-02", "2027-01", "2026-12", "2026-11"]);
    }
}
