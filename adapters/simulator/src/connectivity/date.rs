//! Dates as text: written in UTC, and read in every documented form.

use std::time::Duration;

use thingspace_core::Timestamp;

const DAY: u64 = 86_400;

/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Writes a moment in whole seconds, for example `2020-05-01T15:00:00Z`. A moment after
/// the year 9999 is written as the end of that year.
pub(super) fn written(moment: Timestamp) -> String {
    let seconds = (moment.as_millis() / 1000).min(LAST_SECOND);
    let (year, month, day) = civil(seconds / DAY);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a date with a time and a zone: `Z`, `+hh:mm`, `+hhmm` or `+hh`, and also an
/// offset with a `Z` behind it, as some documented examples have it. A fraction of a
/// second is ignored. A moment before 1970 is read as the start of that year.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = text.split_once(['T', 't'])?;
    let mut parts = date.splitn(3, '-').map(|part| digits(part, part.len()));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_date = (1..=9999).contains(&year) && (1..=12).contains(&month);
    if !is_date || day < 1 || day > month_length(year, month) {
        return None;
    }
    let (time, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let time = time.split_once('.').map_or(time, |(whole, _)| whole);
    let mut parts = time.splitn(3, ':').map(|part| digits(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds =
        days(year, month, day) * i64::try_from(DAY).ok()? + hour * 3600 + minute * 60 + second
            - offset_seconds(offset)?;
    let since_epoch = u64::try_from(seconds).unwrap_or_default();
    Some(Timestamp::default() + Duration::from_secs(since_epoch))
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let offset = offset.strip_suffix(['Z', 'z']).unwrap_or(offset);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let length = offset.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match length.split_once(':') {
        Some(parts) => parts,
        None if length.len() == 4 => length.split_at_checked(2)?,
        None => (length, "00"),
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Reads a number of exactly this many digits, four at most.
fn digits(text: &str, count: usize) -> Option<i64> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    (are_digits && (1..=4).contains(&count))
        .then(|| text.parse().ok())
        .flatten()
}

fn month_length(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the number of days from 1970-01-01 to a date of the Gregorian calendar. Years
/// are counted from March, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Returns the year, month and day of a number of days after 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        for text in [
            "2020-05-01T23:00:00Z",
            "2020-05-01T23:00:00.123Z",
            "2020-05-01T15:00:00-08:00",
            "2020-05-01T15:00:00-0800",
            "2020-05-01T15:00:00-08",
            "2020-05-01T15:00:00-08:00Z",
            "2020-05-02T00:30:00+01:30",
        ] {
            let moment = read(text).map(Timestamp::as_millis);
            assert_eq!(moment, Some(1_588_374_000_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "soon",
            "2020-05-01",
            "2020-05-01T23:00:00",
            "2020-02-30T23:00:00Z",
            "2021-02-29T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-05-01T24:00:00Z",
            "2020-05-01T00:00:00+1",
            "2020-05-01T00:00:00+\u{e9}9",
            "99999-05-01T00:00:00Z",
            "+2020-05-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_that_was_written_is_read_again() {
        for seconds in (0..LAST_SECOND).step_by(86_400 * 13 + 4_567) {
            let moment = Timestamp::from_millis(seconds * 1000);
            assert_eq!(read(&written(moment)), Some(moment), "{seconds}");
        }
        assert_eq!(written(Timestamp::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(
            written(Timestamp::from_millis(951_782_400_000)),
            "2000-02-29T00:00:00Z"
        );
    }
}
