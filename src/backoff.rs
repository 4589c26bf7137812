//! Delays between attempts of deliveries and of other work that is tried again.

use std::time::Duration;

/// Delays in seconds after the doubled ones: 5 min, 15 min, 1 h, 6 h, 24 h.
const LONG_DELAYS: [u64; 5] = [300, 900, 3_600, 21_600, 86_400];

/// Number of delays that double from the first: 0.5 s grows to 64 s.
const DOUBLED: u32 = 8;

/// Returns the delay after a failed attempt, counted from 1; none after the last one.
pub fn retry_delay(attempt: i32, base_ms: u64) -> Option<Duration> {
    let previous = u32::try_from(attempt.max(1)).unwrap_or(1) - 1;
    if previous < DOUBLED {
        return Some(Duration::from_millis(base_ms << previous));
    }
    let seconds = LONG_DELAYS.get((previous - DOUBLED) as usize)?;
    Some(Duration::from_secs(*seconds))
}

/// Adds to the reason of the last failure that there will be no further attempt.
pub fn exhausted_message(reason: String, attempts: i32) -> String {
    format!("{reason} (given up after {attempts} attempts; run `lectern outbox retry` to try again)")
}

/// Returns the delay while Administrate cannot be used at all, 15 s by default. It does not grow, so that delivery resumes
/// soon after an outage of any length.
pub fn outage_delay(base_ms: u64) -> Duration {
    Duration::from_millis(base_ms * 30)
}

/// Returns how long Administrate may still carry out a creation after its connection or its worker broke off: 10 s by
/// default. The caller limits it to the HTTP timeout.
pub fn in_flight_window(base_ms: u64) -> Duration {
    Duration::from_millis(base_ms * 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_grows_until_the_last_attempt() {
        for (attempt, expected) in [
            (0, Some(500)),
            (1, Some(500)),
            (2, Some(1_000)),
            (8, Some(64_000)),
            (9, Some(300_000)),
            (13, Some(86_400_000)),
            (14, None),
        ] {
            assert_eq!(retry_delay(attempt, 500), expected.map(Duration::from_millis), "attempt {attempt}");
        }
    }
}
