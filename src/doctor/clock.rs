//! The clocks of this machine, the database and Administrate.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;

use super::{CheckResult, store};
use crate::error::Result;

/// A greater difference is a deviation.
const LIMIT: SignedDuration = SignedDuration::from_secs(30);

/// The times of two clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockReading {
    pub own: Timestamp,
    pub other: Timestamp,
}

impl ClockReading {
    /// Creates a reading of another clock from the times before and after it was read.
    pub fn between(before: Timestamp, other: Timestamp, after: Timestamp) -> ClockReading {
        let own = before.checked_add(after.duration_since(before) / 2).unwrap_or(before);
        ClockReading { own, other }
    }

    fn difference(&self) -> SignedDuration {
        self.other.duration_since(self.own)
    }

    fn deviates(&self) -> bool {
        self.difference().abs() > LIMIT
    }
}

/// Reads the clock of the database.
pub(super) async fn of_database(pool: &PgPool) -> Result<Option<ClockReading>> {
    // Opening the connection would count as a part of the reading.
    let mut seconds = store::clock(pool).await?;
    let before = Timestamp::now();
    seconds = store::clock(pool).await.unwrap_or(seconds);
    let after = Timestamp::now();
    let other = SignedDuration::try_from_secs_f64(seconds).ok().and_then(|since| Timestamp::from_duration(since).ok());
    Ok(other.map(|other| ClockReading::between(before, other, after)))
}

/// Compares the clocks that could be read with the one of this machine.
pub(super) fn check(readings: &[(&str, Option<ClockReading>)], now: Timestamp) -> CheckResult {
    let shown: Vec<String> = readings.iter().map(|(whose, reading)| describe(whose, *reading)).collect();
    let deviating = readings.iter().any(|(_, reading)| reading.is_some_and(|reading| reading.deviates()));
    if !deviating {
        return CheckResult::good(format!("this machine {}, {}", second(now), shown.join(", ")));
    }
    CheckResult::bad(
        shown.join(", "),
        "let the machine whose clock is wrong set it by NTP (Linux with systemd: timedatectl set-ntp true)",
    )
}

fn describe(whose: &str, reading: Option<ClockReading>) -> String {
    let Some(reading) = reading else { return format!("{whose} not read") };
    if !reading.deviates() {
        return match reading.difference().as_secs() {
            0 => format!("{whose} ±0 s"),
            seconds => format!("{whose} {seconds:+} s"),
        };
    }
    let direction = if reading.difference().is_positive() { "ahead of" } else { "behind" };
    format!(
        "{whose} is {} s {direction} this machine: {} and {}",
        reading.difference().abs().as_secs(),
        second(reading.other),
        second(reading.own)
    )
}

/// Formats a time without the parts of a second.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_deviates_is_shown_with_both_times() {
        let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
        let own = at("2026-02-01T10:00:00Z");
        let reading = |other: &str| Some(ClockReading { own, other: at(other) });
        let good = check(&[("database", reading("2026-02-01T10:00:29Z")), ("Administrate", None)], own);
        assert!(good.ok, "{good:?}");
        assert_eq!(good.detail, "this machine 2026-02-01T10:00:00Z, database +29 s, Administrate not read");
        let bad = check(&[("database", reading("2026-02-01T09:58:00Z"))], own);
        assert!(!bad.ok && bad.fix.is_some());
        assert_eq!(bad.detail, "database is 120 s behind this machine: 2026-02-01T09:58:00Z and 2026-02-01T10:00:00Z");
    }
}
