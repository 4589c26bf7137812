//! Times of events and sessions: shown in the zone of the event, and read from forms in it.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::tutorials::zone_of;
use crate::web::typed_time::resolve;

/// When a session is, in the zone of its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionTimes {
    pub day: String,
    /// `09:30 to 17:00 GMT`
    pub hours: String,
    /// When it begins: `09:30`
    pub from: String,
}

/// Returns a stored time in a zone.
pub(super) fn in_zone(stored: &str, zone: &TimeZone) -> Option<Zoned> {
    stored.parse::<Timestamp>().ok().map(|at| at.to_zoned(zone.clone()))
}

/// Returns when a session is.
pub(super) fn session_times(start: &str, end: &str, zone: &str) -> SessionTimes {
    let zone = zone_of(zone);
    let (Some(start), Some(end)) = (in_zone(start, &zone), in_zone(end, &zone)) else {
        return SessionTimes { day: String::new(), hours: String::new(), from: String::new() };
    };
    let end_format = if start.date() == end.date() { "%H:%M %Z" } else { "%a %-d %b %Y, %H:%M %Z" };
    SessionTimes {
        day: start.strftime("%a %-d %b %Y").to_string(),
        hours: format!("{} to {}", start.strftime("%H:%M"), end.strftime(end_format)),
        from: start.strftime("%H:%M").to_string(),
    }
}

/// Returns the days of an event.
pub(super) fn days_label(start: &str, end: &str) -> String {
    match (start.parse::<Date>(), end.parse::<Date>()) {
        (Ok(start), Ok(end)) if start == end => start.strftime("%-d %b %Y").to_string(),
        (Ok(start), Ok(end)) if start.year() == end.year() => {
            format!("{} to {}", start.strftime("%-d %b"), end.strftime("%-d %b %Y"))
        }
        (Ok(start), Ok(end)) => format!("{} to {}", start.strftime("%-d %b %Y"), end.strftime("%-d %b %Y")),
        _ => String::new(),
    }
}

/// Reads a day and a time of the day that were typed, as RFC 3339.
///
/// # Errors
/// What is wrong with the day or the time, in words.
pub(super) fn read_time(day: &str, time: &str, zone: &TimeZone) -> Result<String, TimeFault> {
    let day: Date = day.parse().map_err(|_| TimeFault::Day("Enter a day like 2026-04-01.".to_owned()))?;
    let time = match time.len() {
        5 => Time::strptime("%H:%M", time),
        _ => time.parse(),
    };
    let time = time.map_err(|_| TimeFault::Time("Enter a time like 17:30.".to_owned()))?;
    resolve(day.to_datetime(time), zone).map_err(TimeFault::Time)
}

/// What is wrong with a day and a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeFault {
    Day(String),
    Time(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::typed_time::read_date_time;

    #[test]
    fn session_is_shown_in_the_zone_of_its_event() {
        let shown = session_times("2026-07-04T08:30:00Z", "2026-07-04T16:00:00Z", "Europe/London");
        assert_eq!((shown.day.as_str(), shown.hours.as_str()), ("Sat 4 Jul 2026", "09:30 to 17:00 BST"));
        let shown = session_times("2026-01-03T22:00:00Z", "2026-01-04T01:00:00Z", "Europe/London");
        assert_eq!(shown.hours, "22:00 to Sun 4 Jan 2026, 01:00 GMT");
        assert_eq!(days_label("2026-01-03", "2026-02-01"), "3 Jan to 1 Feb 2026");
        assert_eq!(days_label("2026-12-30", "2027-01-01"), "30 Dec 2026 to 1 Jan 2027");
    }

    #[test]
    fn typed_time_is_one_of_the_zone_and_exists_once() {
        let zone = zone_of("Europe/London");
        assert_eq!(read_time("2026-07-04", "09:30", &zone), Ok("2026-07-04T08:30:00Z".to_owned()));
        assert_eq!(read_date_time("2026-01-04T09:30", &zone), Ok("2026-01-04T09:30:00Z".to_owned()));
        for (day, time, is_day) in [("4.7.2026", "09:30", true), ("2026-07-04", "9.30", false), ("", "", true)] {
            let fault = read_time(day, time, &zone).expect_err("it is no time");
            assert_eq!(matches!(fault, TimeFault::Day(_)), is_day, "{day} {time}");
        }
        for (day, time) in [("2026-03-29", "01:30"), ("2026-10-25", "01:30")] {
            assert!(matches!(read_time(day, time, &zone), Err(TimeFault::Time(_))), "{day}");
        }
    }
}
