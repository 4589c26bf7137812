//! Days, times and time zones.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::Value;

use super::text::line;
use super::{violated, wrong_type};
use crate::resources::problems::Problems;

/// Returns an instant. `is_end`: whether a day alone is its last second or its first; None: the time is necessary.
pub(super) fn instant(value: &Value, is_end: Option<bool>, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str().map(str::trim) else { return wrong_type(at, "a time (RFC 3339)", problems) };
    let time = if is_end == Some(true) { "23:59:59" } else { "00:00:00" };
    let read = match text.parse::<Date>() {
        Ok(date) if text.len() == 10 && is_end.is_some() => format!("{date}T{time}Z").parse::<Timestamp>(),
        _ => text.parse::<Timestamp>(),
    };
    match read {
        Ok(instant) if (1..=9999).contains(&instant.to_zoned(jiff::tz::TimeZone::UTC).year()) => {
            Some(instant.round(jiff::Unit::Microsecond).unwrap_or(instant).to_string().into())
        }
        Ok(_) => violated(at, "must be in the years 1 to 9999", problems),
        Err(_) => {
            let message = match is_end {
                Some(_) => "must be a date or a time with its offset, like 2026-04-01 or 2026-04-01T09:00:00+01:00",
                None => "must be a time with its offset, like 2026-04-01T09:00:00+01:00",
            };
            problems.malformed(at, "invalid_date", message);
            None
        }
    }
}

pub(super) fn date(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str().map(str::trim) else {
        return wrong_type(at, "a day like \"2026-04-01\"", problems);
    };
    match text.parse::<Date>() {
        Ok(date) if text.len() == 10 && date.year() > 0 => Some(date.to_string().into()),
        _ => {
            problems.malformed(at, "invalid_date", "must be a day like 2026-04-01");
            None
        }
    }
}

/// Returns a time of the day with seconds.
pub(super) fn clock_time(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str().map(str::trim) else { return wrong_type(at, "a time like \"17:00\"", problems) };
    let parsed = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| Time::strptime(format, text).ok());
    match parsed.filter(|_| [5, 8].contains(&text.len())) {
        Some(time) => Some(time.strftime("%H:%M:%S").to_string().into()),
        None => {
            problems.malformed(at, "invalid_date", "must be a time of the day like 17:00");
            None
        }
    }
}

pub(super) fn time_zone(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let text = line(value, 100, at, problems)?;
    match text.as_str().and_then(|name| jiff::tz::TimeZone::get(name).ok()) {
        Some(zone) => Some(zone.iana_name().map_or(text, Value::from)),
        None => violated(at, "must be the name of a time zone like Europe/London", problems),
    }
}
