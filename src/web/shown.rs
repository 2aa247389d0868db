//! How values look on pages: times relative with the exact one on hover and for screen readers, scopes, browsers.

use std::fmt;
use std::time::Duration;

use askama::filters::HtmlSafe;

use crate::clock::Timestamp;
use crate::model::credential::{Credential, Scope};
use crate::model::denial::{Door, Reason};
use crate::model::domain;
use crate::model::usage::Month;
use crate::smtp::probe::{Line, Speaker};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// What was used within a day is still in use.
pub fn is_recent(at: &Timestamp, now: &Timestamp) -> bool {
    now.since(*at) < Duration::from_secs(DAY)
}

/// With its first letter large: `active` as `Active`.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// `1 credential`, `2 credentials`.
pub fn count(number: &i64, what: &str) -> String {
    let ending = if *number == 1 { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// `12,345`.
pub fn number(number: &i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if *number < 0 { format!("-{text}") } else { text }
}

/// `November 2026`.
pub fn month(month: &Month) -> String {
    format!("{} {}", month_name(month), month.year())
}

/// `Nov`.
pub fn month_short(month: &Month) -> String {
    month_name(month).chars().take(3).collect()
}

fn month_name(month: &Month) -> String {
    time::Month::try_from(month.number()).map(|month| month.to_string()).unwrap_or_default()
}

/// `30 days`: how long something is kept.
pub fn days(kept: &Duration) -> String {
    count(&i64::try_from(kept.as_secs().div_ceil(DAY)).unwrap_or(i64::MAX), "day")
}

/// `a`, `a and b`, `a, b and c`.
pub fn enumerated(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A time seen from now, both ways: `2 min ago`, `in 3 h`.
pub struct Ago(Timestamp, Timestamp);

pub fn ago(at: &Timestamp, now: &Timestamp) -> Ago {
    Ago(*at, *now)
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(at, now) = *self;
        let text = match (now.since(at).as_secs(), at.since(now).as_secs()) {
            (0..MINUTE, 0) => "just now".to_owned(),
            (past, 0) => format!("{} ago", span(past)),
            (_, 1..MINUTE) => "in a moment".to_owned(),
            (_, future) => format!("in {}", span(future.div_ceil(MINUTE) * MINUTE)),
        };
        write_time(f, at, &text)
    }
}

impl HtmlSafe for Ago {}

/// The day of a time: `3 May`, with its year where that is not this one.
pub struct Day(Timestamp, Timestamp);

pub fn day(at: &Timestamp, now: &Timestamp) -> Day {
    Day(*at, *now)
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, today) = (self.0.utc().date(), self.1.utc().date());
        let month = &day.month().to_string()[..3];
        let text = match day.year() == today.year() {
            true => format!("{} {month}", day.day()),
            false => format!("{} {month} {}", day.day(), day.year()),
        };
        write_time(f, self.0, &text)
    }
}

impl HtmlSafe for Day {}

/// `2026-05-03 09:12 UTC`: for a time that someone acts upon.
pub struct Exact(Timestamp);

pub fn exact(at: &Timestamp) -> Exact {
    Exact(*at)
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.0.rfc3339();
        let (day, hour) = (iso.get(..10).unwrap_or_default(), iso.get(11..16).unwrap_or_default());
        write!(f, r#"<time datetime="{iso}">{day} {hour} UTC</time>"#)
    }
}

impl HtmlSafe for Exact {}

/// As an `<input type="datetime-local">` takes it, in UTC.
pub fn datetime_local(at: Option<Timestamp>) -> String {
    at.map(|at| at.rfc3339()).and_then(|iso| iso.get(..16).map(str::to_owned)).unwrap_or_default()
}

/// Text is plain and comes from this file: nothing in it needs escaping.
fn write_time(f: &mut fmt::Formatter<'_>, at: Timestamp, text: &str) -> fmt::Result {
    let iso = at.rfc3339();
    let exact = iso.replace('T', " ").replace('Z', " UTC");
    write!(f, r#"<time datetime="{iso}" title="{exact}">{text}<span class="unseen"> ({exact})</span></time>"#)
}

/// How long something lasted, in words: `2 minutes`, `1 hour`, `3 days`.
pub fn lasted(time: Duration) -> String {
    let (number, unit) = match time.as_secs() {
        seconds @ ..HOUR => (seconds / MINUTE, "minute"),
        seconds @ HOUR..DAY => (seconds / HOUR, "hour"),
        seconds => (seconds / DAY, "day"),
    };
    count(&i64::try_from(number).unwrap_or(i64::MAX), unit)
}

fn span(seconds: u64) -> String {
    let (number, unit) = match seconds {
        ..HOUR => return format!("{} min", seconds / MINUTE),
        HOUR..DAY => return format!("{} h", seconds / HOUR),
        DAY..MONTH => (seconds / DAY, "day"),
        MONTH..YEAR => (seconds / MONTH, "month"),
        YEAR.. => (seconds / YEAR, "year"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `Global`, the one domain as it reads, or how many.
pub fn scope(credential: &Credential) -> String {
    match (credential.scope, credential.domains.as_slice()) {
        (Scope::Global, _) => "Global".to_owned(),
        (Scope::Scoped, []) => "No domain".to_owned(),
        (Scope::Scoped, [only]) => domain::unicode(only).unwrap_or_else(|| only.clone()),
        (Scope::Scoped, domains) => format!("{} domains", domains.len()),
    }
}

/// Domains in text, each as it reads and in A-labels.
pub fn domains(names: &[String]) -> String {
    names.iter().map(|name| domain::displayed(name)).collect::<Vec<_>>().join(", ")
}

/// What was true of a denied log-in, as a sentence.
pub fn truth(reason: &Reason) -> &'static str {
    match reason {
        Reason::UnknownUsername => "There is no credential with this username.",
        Reason::WrongPassword => "The password is not that of this credential.",
        Reason::MalformedPassword => "That is not a password that Gatepost made.",
        Reason::Revoked => "The credential is revoked.",
        Reason::Expired => "The credential has expired.",
        Reason::Throttled => "Too many log-ins failed before this one, so the password was not looked at.",
        Reason::NotEncrypted => {
            "The connection was not encrypted: what was sent may have been read on the way."
        }
        Reason::ForeignIdentity => {
            "The application asked to act for another user (an authorization identity), so the password was not looked at."
        }
        Reason::Unavailable => "Gatepost was not able to decide at the moment.",
    }
}

/// What to do about it.
pub fn cure(reason: &Reason) -> &'static str {
    match reason {
        Reason::UnknownUsername => {
            "Compare it with the table, letter by letter; a deleted credential can’t be had again."
        }
        Reason::WrongPassword => {
            "Copy it again from where it is stored. If it is lost, rotate the credential."
        }
        Reason::MalformedPassword => {
            "It is sk_ and 32 letters and digits, without a space at either end. If it is lost, rotate the credential."
        }
        Reason::Revoked => "Re-enable it, and the same password works again.",
        Reason::Expired => "Give it a later expiry, and the same password works again.",
        Reason::Throttled => "Wait a minute and try again, best with a password copied anew.",
        Reason::NotEncrypted => {
            "Let the application use STARTTLS, or implicit TLS on the port for it; if it sent the password, rotate the credential."
        }
        Reason::ForeignIdentity => {
            "Leave the authorization identity (authzid) empty, or set it to the username."
        }
        Reason::Unavailable => "Try again in a moment; the password may be right.",
    }
}

/// A line of an SMTP session: who said it, and what.
pub fn spoken(line: &Line) -> String {
    let mark = match line.from {
        Speaker::Client => "→",
        Speaker::Server => "←",
        Speaker::Note => " ",
    };
    format!("{mark} {}", line.text)
}

/// `0.4 ms`, `12 ms`, `1.2 s`.
pub fn millis(took: &Duration) -> String {
    match took.as_secs_f64() * 1e3 {
        short @ ..10.0 => format!("{:.1} ms", short.max(0.1)),
        long @ ..1_000.0 => format!("{long:.0} ms"),
        longer => format!("{:.1} s", longer / 1e3),
    }
}

pub fn door(door: &Door) -> &'static str {
    match door {
        Door::Smtp => "SMTP",
        Door::Api => "the API",
        Door::Dashboard => "the dashboard",
    }
}

/// A client that gave no name.
pub fn unnamed(door: &Door) -> &'static str {
    match door {
        Door::Smtp => "unnamed",
        Door::Api => "an API key",
        Door::Dashboard => "the dashboard",
    }
}

/// Why a log-in was denied, for the organization's own eyes.
pub fn reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::UnknownUsername => "Unknown username",
        Reason::WrongPassword => "Wrong password",
        Reason::MalformedPassword => "Not of a password’s form",
        Reason::Revoked => "Revoked",
        Reason::Expired => "Expired",
        Reason::Throttled => "Too many failures before",
        Reason::NotEncrypted => "Not encrypted",
        Reason::ForeignIdentity => "Asked to act for another user",
        Reason::Unavailable => "Gatepost was not able to decide",
    }
}

/// `Firefox on Linux`, from a User-Agent; good enough to know one's own browsers by.
pub fn browser(agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let program = find(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_777_799_564_000_000);

    #[test]
    fn a_time_is_told_by_its_distance() {
        for (seconds, told) in [
            (5, "just now"),
            (125, "2 min ago"),
            (3 * HOUR, "3 h ago"),
            (DAY, "1 day ago"),
            (40 * DAY, "1 month ago"),
            (800 * DAY, "2 years ago"),
        ] {
            let text = Ago(NOW.minus(Duration::from_secs(seconds)), NOW).to_string();
            assert!(text.contains(&format!(">{told}<")), "{text}");
        }
        assert!(Ago(NOW.plus(Duration::from_secs(23 * HOUR - 5)), NOW).to_string().contains(">in 23 h<"));
    }

    #[test]
    fn a_number_is_read_in_groups_of_three() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(number(&value), text);
        }
    }

    #[test]
    fn a_day_of_another_year_says_so() {
        assert!(Day(NOW, NOW).to_string().contains(">3 May<"));
        assert!(Day(NOW.minus(Duration::from_secs(YEAR)), NOW).to_string().contains(">3 May 2025<"));
    }

    #[test]
    fn a_browser_is_known_by_its_user_agent() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser("curl/8.1"), "curl");
        assert_eq!(browser(""), "Unknown browser");
    }
}
