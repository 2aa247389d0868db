//! `--grace`: how long an old password goes on working.

use std::time::Duration;

use crate::model::credential::Grace;

/// The API's longest.
const LONGEST: Duration = Grace::SevenDays.duration();

/// `now`, or a number of seconds, minutes, hours or days: `90s`, `90m`, `3h`, `2d`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let grace = if text == "now" { Some(Duration::ZERO) } else { duration(text) };
    let grace = grace.filter(|grace| *grace <= LONGEST);
    grace.ok_or_else(|| format!("“{text}” is no time from now to 7d, such as 90m, 3h or 2d"))
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_any_time_up_to_seven_days() {
        for (text, seconds) in
            [("now", 0), ("1s", 1), ("90m", 5_400), ("1h", 3_600), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "h", "-1h", "1.5h", "8d", "604801s", "500ms", "1 h", "99999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_words_of_the_dashboard_mean_the_same_here() {
        for grace in Grace::ALL {
            assert_eq!(parse(grace.as_str()), Ok(grace.duration()));
        }
    }
}
