//! Times and numbers as people in Britain write them, always with the zone.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The zone in which pages show times, and the present.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    now: Timestamp,
}

/// A moment as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownTime {
    /// RFC 3339, for `datetime`.
    pub iso: String,
    /// `Mon 30 Nov 2026, 12:05 GMT`
    pub text: String,
    /// `5 minutes ago`
    pub age: String,
}

impl Clock {
    /// Creates a clock of the present.
    pub fn new(zone: TimeZone) -> Clock {
        Clock { zone, now: Timestamp::now() }
    }

    /// Returns the day of today in the zone.
    pub fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }

    /// Returns a stored time, which is RFC 3339, as pages show it; none if it is no time.
    pub fn time(&self, stored: &str) -> Option<ShownTime> {
        let at: Timestamp = stored.parse().ok()?;
        let zoned = at.to_zoned(self.zone.clone());
        Some(ShownTime { iso: stored.to_owned(), text: self.moment(&zoned), age: age(self.now, at) })
    }

    /// Returns a stored time that may be absent.
    pub fn time_of(&self, stored: Option<&String>) -> Option<ShownTime> {
        self.time(stored?)
    }

    /// Formats a moment. The year is left out where it is the present one.
    pub fn moment(&self, at: &Zoned) -> String {
        let format = if at.year() == self.today().year() { "%a %-d %b, %H:%M %Z" } else { "%-d %b %Y, %H:%M %Z" };
        at.strftime(format).to_string()
    }

    /// Returns the seconds since a stored time; none if it is no time.
    pub fn seconds_since(&self, stored: &str) -> Option<f64> {
        let at: Timestamp = stored.parse().ok()?;
        Some(self.now.duration_since(at).as_secs_f64())
    }
}

/// Returns how long ago a moment was, roughly.
fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    let rough = |seconds: i64| match seconds {
        0..60 => "less than a minute".to_owned(),
        60..3600 => plural(seconds / 60, "minute"),
        3600..172_800 => plural(seconds / 3600, "hour"),
        _ => plural(seconds / 86_400, "day"),
    };
    match seconds < 0 {
        false => format!("{} ago", rough(seconds)),
        true => format!("in {}", rough(-seconds)),
    }
}

/// Returns a day as pages show it: `Thu 1 Apr 2027`. What is no day stays as it is.
pub fn day_label(stored: &str) -> String {
    stored.parse::<Date>().map_or_else(|_| stored.to_owned(), |day| day.strftime("%a %-d %b %Y").to_string())
}

/// Returns `1 event`, `1,288 events`.
pub fn plural(count: i64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(count), if count == 1 { "" } else { "s" })
}

/// Returns a number with a comma between thousands.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}

/// Returns a message with a capital letter, unless it begins with a name.
pub fn sentence(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    let is_plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    match is_plain && !word.is_empty() {
        true => text[..1].to_uppercase() + &text[1..],
        false => text.to_owned(),
    }
}

/// Returns a duration in words that fit a table: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..10 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_zone_and_numbers_their_commas() {
        let zone = TimeZone::get("Europe/London").expect("a zone");
        let now: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        let clock = Clock { zone, now };
        let shown = |stored: &str| clock.time(stored).map(|time| (time.text, time.age));
        let expected = ("Wed 1 Jul, 12:30 BST".to_owned(), "30 minutes ago".to_owned());
        assert_eq!(shown("2026-07-01T11:30:00+00:00"), Some(expected));
        let expected = ("30 Nov 2025, 09:05 GMT".to_owned(), "213 days ago".to_owned());
        assert_eq!(shown("2025-11-30T09:05:00Z"), Some(expected));
        assert_eq!(shown("2026-07-01T12:10:00Z").map(|time| time.1), Some("in 10 minutes".to_owned()));
        assert_eq!(shown("never"), None);
        assert_eq!([0, 999, 1000, 1_234_567, -4500].map(thousands), ["0", "999", "1,000", "1,234,567", "−4,500"]);
        assert_eq!(["no location", "x.xlsx is", "é", ""].map(sentence), ["No location", "x.xlsx is", "é", ""]);
        assert_eq!([400, 12_000, 185_000, 7_800_000].map(duration), ["0.4 s", "12 s", "3 min 5 s", "2 h 10 min"]);
    }
}
