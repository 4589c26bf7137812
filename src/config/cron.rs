//! Parses cron expressions.

use cronexpr::{Crontab, MakeTimestamp, ParseOptions};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// Checks an expression of `[schedule]`; an empty one means never.
///
/// # Errors
/// [`Error::Usage`] where it is no cron expression or never comes.
pub(super) fn check(name: &str, expression: &str, zone: &str) -> Result<()> {
    if expression.trim().is_empty() {
        return Ok(());
    }
    let refuse =
        |reason: String| Error::Usage(format!("schedule.{name}: \"{expression}\" {reason}: write one like 30 3 * * *"));
    let schedule = CronSchedule::parse(expression, zone)
        .map_err(|reason| refuse(format!("is not a cron expression ({reason})")))?;
    match schedule.next_after(Timestamp::now()) {
        Some(_) => Ok(()),
        None => Err(refuse("never comes, because there is no such day".to_owned())),
    }
}

/// A parsed cron expression.
///
/// An expression with fixed hours names times of the wall clock: each comes once a day, also when the clocks change. Where
/// it is skipped, it comes when the clocks change; where it exists twice, it comes at the first one. An expression with a
/// `*` in the hours names intervals, which go on through a change of the clocks.
#[derive(Debug, Clone)]
pub struct CronSchedule {
    fields: Crontab,
    /// The zone of the wall clock; none for intervals, whose fields contain the zone.
    wall_clock: Option<TimeZone>,
}

impl CronSchedule {
    /// Parses five fields, in the time zone that a sixth field names, else in `zone` (an IANA name).
    ///
    /// # Errors
    /// Returns the message of the parser.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, String> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let (fields, zone) = match fields.split_last() {
            Some((zone, fields)) if fields.len() == 5 => (fields, *zone),
            _ => (&fields[..], zone),
        };
        let parse = |zone: &str| {
            let text = format!("{} {zone}", fields.join(" "));
            cronexpr::parse_crontab_with(&text, ParseOptions::default()).map_err(|error| error.to_string())
        };
        let intervals = parse(zone)?;
        if fields.get(1).is_some_and(|hours| hours.contains('*')) {
            return Ok(CronSchedule { fields: intervals, wall_clock: None });
        }
        let wall_clock = TimeZone::get(zone).map_err(|error| error.to_string())?;
        Ok(CronSchedule { fields: parse("UTC")?, wall_clock: Some(wall_clock) })
    }

    /// Returns the first due time after `after`, if the expression ever matches again.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = |after: Timestamp| self.fields.find_next(MakeTimestamp(after)).ok().map(|due| due.timestamp());
        let Some(zone) = &self.wall_clock else { return next(after) };
        // The fields are read as UTC: `reading` is what the clock on the wall shows. Clocks change by less than a day.
        let mut reading =
            zone.to_datetime(after).to_zoned(TimeZone::UTC).ok()?.timestamp() - SignedDuration::from_hours(24);
        loop {
            reading = next(reading)?;
            let due = instant_of(zone, TimeZone::UTC.to_datetime(reading))?;
            if due > after {
                return Some(due);
            }
        }
    }
}

/// Returns the instant of a time on the wall: the first of two, or the change of the clocks that skips it.
fn instant_of(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(time);
    match found.offset() {
        AmbiguousOffset::Gap { after, .. } => {
            let before_change = after.to_timestamp(time).ok()?;
            zone.following(before_change).next().map(|change| change.timestamp())
        }
        _ => found.compatible().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn due_times_follow_wall_clock_of_zone() {
        let nightly = CronSchedule::parse("30 3 * * *", "Europe/London").expect("valid");
        for (after, expected) in [
            ("2026-01-10T00:00:00Z", "2026-01-10T03:30:00Z"),
            ("2026-01-10T03:30:00Z", "2026-01-11T03:30:00Z"),
            ("2026-07-10T00:00:00Z", "2026-07-10T02:30:00Z"),
        ] {
            assert_eq!(nightly.next_after(at(after)), Some(at(expected)), "{after}");
        }
        let abroad = CronSchedule::parse("30 3 * * * Asia/Tokyo", "Europe/London").expect("valid");
        assert_eq!(abroad.next_after(at("2026-01-10T00:00:00Z")), Some(at("2026-01-10T18:30:00Z")));
    }

    #[test]
    fn fixed_time_comes_once_a_day_when_the_clocks_change() {
        // London, 2026: 01:00 becomes 02:00 on 29 March, 02:00 becomes 01:00 on 25 October.
        for (expression, from, expected) in [
            ("30 1 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
            ("30 1 * * *", "2026-03-29T00:59:59Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
            ("30 1 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
            ("30 1 * * *", "2026-10-25T01:10:00Z", ["2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"]),
            ("0,30 1,2 * * *", "2026-03-29T00:30:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
            ("*/30 * * * *", "2026-10-25T00:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"]),
            ("*/30 * * * *", "2026-03-29T00:30:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
        ] {
            let schedule = CronSchedule::parse(expression, "Europe/London").expect("valid");
            let first = schedule.next_after(at(from)).expect("due");
            assert_eq!([first, schedule.next_after(first).expect("due")], expected.map(at), "{expression} {from}");
        }
    }

    #[test]
    fn day_that_does_not_exist_never_comes() {
        for (expression, comes) in [("0 0 30 2 *", false), ("0 0 31 4,6,9,11 *", false), ("0 0 29 2 *", true)] {
            let schedule = CronSchedule::parse(expression, "Europe/London");
            let next = schedule.ok().and_then(|schedule| schedule.next_after(at("2026-01-10T00:00:00Z")));
            assert_eq!(next.is_some(), comes, "{expression}");
        }
    }

    #[test]
    fn invalid_expressions_are_refused() {
        for invalid in ["nightly", "* * * *", "61 * * * *", "* * * * * Mars/Base"] {
            assert!(CronSchedule::parse(invalid, "Europe/London").is_err(), "{invalid}");
        }
    }
}
