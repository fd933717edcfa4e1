//! Points in time, for people.

use cairn_events::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The present, by this machine's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Reads `2026-11-21T14:05:09Z` or `2026-11-21`, in UTC.
///
/// # Errors
/// What is expected.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    read(text).ok_or_else(|| format!("{text:?} is no time like 2026-11-21T14:05:09Z, nor a day like 2026-11-21"))
}

fn read(text: &str) -> Option<Timestamp> {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days from 1 March of year 0, as in `date`.
    let (from_march, year) = if month > 2 { (month - 3, year) } else { (month.checked_add(9)?, year.checked_sub(1)?) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second;
    let time = Timestamp(seconds.checked_mul(1_000_000_000)?);
    // Months of 13, days of 32, other signs between the numbers: nothing but what is written the same way again.
    (utc(time) == text).then_some(time)
}

/// `2026-11-21T14:05:09Z`.
pub fn utc(time: Timestamp) -> String {
    let seconds = time.0 / 1_000_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date `days` after 1 January 1970. Counts from 1 March of year 0, so that leap days come last, in eras of 400
/// years.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        let at = |seconds: u64| utc(Timestamp(seconds * 1_000_000_000));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(at(4_102_444_799), "2099-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_written_is_read() {
        for seconds in (0..4_102_444_799).step_by(86_399 * 17) {
            let time = Timestamp(seconds * 1_000_000_000);
            assert_eq!(parse(&utc(time)), Ok(time));
        }
        assert_eq!(parse("2000-02-29"), Ok(Timestamp(951_782_400_000_000_000)));
        let wrong = ["", "2001-02-29", "2000-13-01", "2000-00-01", "2000-01-00", "2000-01-01T24:00:00Z", "1969-12-31"];
        for text in [&wrong[..], &["2000-01-01 00:00:00Z", "2000-01-01T00:00:00", "2000-01-01T00:00:00Zé"]].concat() {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
