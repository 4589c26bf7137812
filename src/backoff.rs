//! When an effect is tried again.

use std::time::Duration;

/// Later waits, in seconds, once the doubled first wait has grown to minutes: 5 min, 15 min, 1 h, 6 h, 24 h (seed 004's
/// successor system used the same for attendance).
const LATER: [u64; 5] = [300, 900, 3_600, 21_600, 86_400];

/// How many waits are doubled from the first: 0.5 s grows to 64 s.
const DOUBLED: u32 = 8;

/// How long to wait after the given attempt (from 1) failed; none when it was the last.
pub fn retry_delay(attempt: i32, base_ms: u64) -> Option<Duration> {
    let made = u32::try_from(attempt.max(1)).unwrap_or(1) - 1;
    if made < DOUBLED {
        return Some(Duration::from_millis(base_ms << made));
    }
    let later = LATER.get((made - DOUBLED) as usize)?;
    Some(Duration::from_secs(*later))
}

/// Why the last attempt failed, with what this means.
pub fn exhausted_message(why: String, attempts: i32) -> String {
    format!("{why} (given up after {attempts} attempts; `lectern outbox retry` begins anew)")
}

/// How long to wait after Administrate could not be used at all, 15 s by default: that is nobody's failed attempt, and
/// however long it lasts, everything goes on soon after it.
pub fn outage_delay(base_ms: u64) -> Duration {
    Duration::from_millis(base_ms * 30)
}

/// How long a creation of which nobody saw the end, because the connection or we ourselves broke off, is taken for being
/// under way over there: 10 s by default, at most as long as an answer may take.
pub fn in_flight_window(base_ms: u64) -> Duration {
    Duration::from_millis(base_ms * 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
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
