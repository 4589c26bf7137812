//! Times of day.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Error, ToSpan};

/// The first day number of Excel that is taken for a date with a time, in 1927. Smaller ones are hours.
const FIRST_DATE: f64 = 10_000.0;

/// The last day number of Excel and one more.
const DATES_END: f64 = 2_958_466.0;

const SECONDS_PER_DAY: i64 = 86_400;

/// A time of day. 24:00 is midnight of the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockTime {
    time: Time,
    is_next_day: bool,
}

impl ClockTime {
    /// Converts a part of a day, or a day number with a part, to a time, rounded to the second.
    ///
    /// None for more than 24 hours.
    pub fn of_serial(days: f64) -> Option<Self> {
        let seconds = (days * SECONDS_PER_DAY as f64).round();
        match days {
            FIRST_DATE..DATES_END => ClockTime::of_seconds(seconds as i64 % SECONDS_PER_DAY),
            _ if (0.0..=SECONDS_PER_DAY as f64).contains(&seconds) => ClockTime::of_seconds(seconds as i64),
            _ => None,
        }
    }

    fn of_seconds(seconds: i64) -> Option<Self> {
        let is_next_day = seconds == SECONDS_PER_DAY;
        let time = Time::midnight().checked_add((seconds % SECONDS_PER_DAY).seconds()).ok()?;
        (0..=SECONDS_PER_DAY).contains(&seconds).then_some(ClockTime { time, is_next_day })
    }

    /// Parses HH:MM or HH:MM:SS with optional am or pm, also the time of an ISO 8601 date, whose zone is ignored.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('P') {
            return ClockTime::of_serial(spreadsheet::days_of_duration(text)?);
        }
        let (date, time) = split_date(text);
        let clock = ClockTime::parse_clock(time)?;
        // A hair short of midnight is midnight of the date that is meant.
        Some(ClockTime { is_next_day: clock.is_next_day && (date.is_empty() || !clock.is_rounded_up(time)), ..clock })
    }

    /// Reports whether rounding made the time, written as this text, that of the next day.
    pub fn is_rounded_up(self, text: &str) -> bool {
        self.is_next_day && !text.starts_with("24")
    }

    fn parse_clock(text: &str) -> Option<Self> {
        let clock = without_zone(text);
        let lower = clock.to_ascii_lowercase();
        let (clock, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
            (Some(clock), _) => (clock, Some(0)),
            (_, Some(clock)) => (clock, Some(12)),
            _ => (lower.as_str(), None),
        };
        let mut parts = clock.trim().split(':');
        let hour = number(parts.next()?, 1..=2)?;
        let minute = number(parts.next()?, 2..=2)?;
        let second = parts.next().unwrap_or("00");
        let (second, fraction) = second.split_once(['.', ',']).unwrap_or((second, "0"));
        let second = number(second, 2..=2)?;
        let fraction: f64 = format!("0.{fraction}").parse().ok()?;
        if parts.next().is_some() || minute > 59 || second > 59 {
            return None;
        }
        let hour = match half {
            None => hour,
            Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
            Some(_) => return None,
        };
        ClockTime::of_seconds(hour * 3600 + minute * 60 + second + fraction.round() as i64)
    }

    /// Returns the time on a date.
    ///
    /// # Errors
    /// After the last day that can be computed.
    pub fn on(self, date: Date) -> Result<DateTime, Error> {
        let date = if self.is_next_day { date.tomorrow()? } else { date };
        Ok(date.to_datetime(self.time))
    }
}

/// Splits a date from the time after it, as ISO 8601 and most programs write them. Either may be "".
pub fn split_date(text: &str) -> (&str, &str) {
    match text.split_once(['T', 't', ' ']) {
        // "9:30 am" has a space too, and "1. 2. 2027" two of them.
        Some((date, time)) if date.is_empty() || date.contains(['-', '/', '.']) && !date.contains(':') => {
            (date.trim_end_matches(','), time.trim())
        }
        _ if text.find(':') < text.find(['-', '/', '.']).or(Some(usize::MAX)) && text.contains(':') => ("", text),
        _ => (text, ""),
    }
}

/// Removes the zone of an ISO 8601 time: Z, UTC, +01:00 or -0100.
fn without_zone(clock: &str) -> &str {
    let clock = clock.trim();
    let utc = ["UTC", "GMT", "Z", "z"].iter().find_map(|zone| clock.strip_suffix(zone));
    let clock = utc.unwrap_or(clock).trim_end();
    match clock.rfind(['+', '-']) {
        Some(at) if at >= 5 => clock[..at].trim_end(),
        _ => clock,
    }
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(time: Option<ClockTime>) -> Option<String> {
        let moment = time?.on(Date::constant(2027, 6, 30)).ok()?;
        Some(moment.strftime("%d %H:%M:%S").to_string())
    }

    #[test]
    fn written_times_are_rounded_to_the_second() {
        for (text, expected) in [
            ("9:30", Some("30 09:30:00")),
            ("09:30:15", Some("30 09:30:15")),
            ("9:30 pm", Some("30 21:30:00")),
            ("12:00am", Some("30 00:00:00")),
            ("09:29:59.9999", Some("30 09:30:00")),
            ("09:30:00.000", Some("30 09:30:00")),
            ("1899-12-30T09:30:00.000Z", Some("30 09:30:00")),
            ("2027-06-30T09:30:00+01:00", Some("30 09:30:00")),
            ("2027-06-30 09:30", Some("30 09:30:00")),
            ("30/06/2027 9:30 AM", Some("30 09:30:00")),
            ("30/06/2027, 09:30:00 pm", Some("30 21:30:00")),
            ("2027-06-30t09:30z", Some("30 09:30:00")),
            ("2027-06-30 09:30:00 +0000", Some("30 09:30:00")),
            ("2027-06-30 09:30:00 UTC", Some("30 09:30:00")),
            ("T09:30", Some("30 09:30:00")),
            ("2027-06-29T23:59:59.9999", Some("30 00:00:00")),
            ("P0Y0M0DT9H30M0S", Some("30 09:30:00")),
            ("2027-06-30", None),
            ("24:00", Some("01 00:00:00")),
            ("2027-06-30 24:00", Some("01 00:00:00")),
            ("23:59:59.9", Some("01 00:00:00")),
            ("PT9H30M", Some("30 09:30:00")),
            ("PT09H29M59.9999S", Some("30 09:30:00")),
            ("PT", None),
            ("24:01", None),
            ("33:30", None),
            ("25:00", None),
            ("9:60", None),
            ("9", None),
            ("13:00 pm", None),
            ("noon", None),
            ("09:30:00.x", None),
        ] {
            assert_eq!(shown(ClockTime::parse(text)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn day_numbers_are_times_up_to_a_day() {
        for (days, expected) in [
            (9.5 / 24.0, Some("30 09:30:00")),
            (34_199.999_999_896 / 86_400.0, Some("30 09:30:00")),
            (1.0, Some("01 00:00:00")),
            (1.000_000_000_1, Some("01 00:00:00")),
            (-0.000_000_000_1, Some("30 00:00:00")),
            (46_418.999_999_999, Some("30 00:00:00")),
            (33.5 / 24.0, None),
            (46_419.395_833_333_33, Some("30 09:30:00")),
            (-0.5, None),
            (f64::NAN, None),
        ] {
            assert_eq!(shown(ClockTime::of_serial(days)).as_deref(), expected, "{days}");
        }
    }
}
