//! Throughput over the last seconds, and the remaining time at that throughput. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

/// The period over which the throughput is measured.
const WINDOW: Duration = Duration::from_secs(15);

/// Recent measurements: the time of each, and the number of delivered events at that time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Throughput(VecDeque<(Duration, i64)>);

impl Throughput {
    /// Records the number of delivered events at a time. Returns the events per second if it can be computed.
    pub(super) fn record(&mut self, at: Duration, done: i64) -> Option<f64> {
        if self.0.back().is_some_and(|(_, before)| *before > done) {
            // The count restarted.
            self.0.clear();
        }
        self.0.push_back((at, done));
        // The last measurement before the period remains as its start.
        while self.0.get(1).is_some_and(|(measured, _)| at.saturating_sub(*measured) >= WINDOW) {
            self.0.pop_front();
        }
        let (first, before) = *self.0.front()?;
        let time = at.saturating_sub(first).as_secs_f64();
        (time > 0.0).then(|| (done - before) as f64 / time)
    }
}

/// Returns the seconds until the rest is delivered; `None` at a throughput of zero.
pub(super) fn seconds_left(rest: i64, per_second: f64) -> Option<i64> {
    (per_second > 0.0).then(|| (rest as f64 / per_second).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_covers_the_last_seconds() {
        let mut throughput = Throughput::default();
        for (at_ms, done, expected) in [
            (0, 0, None),
            (500, 10, Some(20.0)),
            (1_000, 20, Some(20.0)),
            (16_000, 20, Some(0.0)),
            (17_000, 21, Some(1.0 / 16.0)),
            (40_000, 67, Some(2.0)),
            (41_000, 3, None),
        ] {
            let actual = throughput.record(Duration::from_millis(at_ms), done);
            let is_equal = match (actual, expected) {
                (Some(actual), Some(expected)) => (actual - expected).abs() < 1e-9,
                (actual, expected) => actual.is_none() && expected.is_none(),
            };
            assert!(is_equal, "{at_ms}: {actual:?}, {expected:?}");
        }
    }

    #[test]
    fn seconds_left_follow_from_the_throughput() {
        for (rest, per_second, expected) in
            [(100, 20.0, Some(5)), (101, 20.0, Some(6)), (0, 3.0, Some(0)), (9, 0.0, None)]
        {
            assert_eq!(seconds_left(rest, per_second), expected);
        }
    }
}
