//! Points in time, from people.

use cairn_events::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

pub use cairn_events::moment::utc;

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

#[cfg(test)]
mod tests {
    use super::*;

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
