//! Points in time, for people.

use crate::Timestamp;

/// `2026-11-21T14:05:09Z` (RFC 3339), the second within which it lies.
pub fn utc(time: Timestamp) -> String {
    let seconds = time.0 / 1_000_000_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-21T14:05:09.000000001Z`: the whole of it.
pub fn exact(time: Timestamp) -> String {
    let second = utc(time);
    format!("{}.{:09}Z", second.trim_end_matches('Z'), time.0 % 1_000_000_000)
}

/// A time in both forms: as people read it, and in nanoseconds, as the log has it.
pub fn both(time: &Timestamp) -> String {
    format!("{} ({time} ns)", exact(*time))
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
        assert_eq!(exact(Timestamp(1_700_000_000_000_000_042)), "2023-11-14T22:13:20.000000042Z");
        assert_eq!(exact(Timestamp(u64::MAX)), "2554-07-21T23:34:33.709551615Z");
    }
}
