//! Parses cron expressions.

use cronexpr::{Crontab, MakeTimestamp, ParseOptions};
use jiff::Timestamp;

/// A parsed cron expression.
#[derive(Debug, Clone)]
pub struct CronSchedule(Crontab);

impl CronSchedule {
    /// Parses five fields, in the time zone that a sixth field names, else in `zone` (an IANA name).
    ///
    /// # Errors
    /// Returns the message of the parser.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, String> {
        let expression = expression.trim();
        let fields = expression.split_whitespace().count();
        let with_zone = if fields == 5 { format!("{expression} {zone}") } else { expression.to_owned() };
        let parsed = cronexpr::parse_crontab_with(&with_zone, ParseOptions::default());
        parsed.map(CronSchedule).map_err(|error| error.to_string())
    }

    /// Returns the first due time after `after`, if the expression ever matches again.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.0.find_next(MakeTimestamp(after)).ok().map(|due| due.timestamp())
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
    fn invalid_expressions_are_refused() {
        for invalid in ["nightly", "* * * *", "61 * * * *", "* * * * * Mars/Base"] {
            assert!(CronSchedule::parse(invalid, "Europe/London").is_err(), "{invalid}");
        }
    }
}
