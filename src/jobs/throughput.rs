//! How fast something gets on, and how long the rest takes at that pace. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back the pace is measured: a pause or a burst is forgotten after so long.
const MEMORY: Duration = Duration::from_secs(15);

/// What was seen of late: when, and how many were done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pace(VecDeque<(Duration, i64)>);

impl Pace {
    /// Notes how many are done at a time, counted from any moment; gives how many are done a second, where that is known.
    pub(crate) fn note(&mut self, at: Duration, done: i64) -> Option<f64> {
        if self.0.back().is_some_and(|(_, before)| *before > done) {
            // It begins anew.
            self.0.clear();
        }
        self.0.push_back((at, done));
        // One look from before the memory stays, to measure from.
        while self.0.get(1).is_some_and(|(seen, _)| at.saturating_sub(*seen) >= MEMORY) {
            self.0.pop_front();
        }
        let (first, before) = *self.0.front()?;
        let time = at.saturating_sub(first).as_secs_f64();
        (time > 0.0).then(|| (done - before) as f64 / time)
    }
}

/// In how many seconds the rest is done; none where nothing moves.
pub(crate) fn seconds_left(rest: i64, per_second: f64) -> Option<i64> {
    (per_second > 0.0).then(|| (rest as f64 / per_second).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_late() {
        let mut pace = Pace::default();
        for (at_ms, done, expected) in [
            (0, 0, None),
            (500, 10, Some(20.0)),
            (1_000, 20, Some(20.0)),
            (16_000, 20, Some(0.0)),
            (17_000, 21, Some(1.0 / 16.0)),
            (40_000, 67, Some(2.0)),
            (41_000, 3, None),
        ] {
            let told = pace.note(Duration::from_millis(at_ms), done);
            let same = match (told, expected) {
                (Some(told), Some(expected)) => (told - expected).abs() < 1e-9,
                (told, expected) => told.is_none() && expected.is_none(),
            };
            assert!(same, "{at_ms}: {told:?}, {expected:?}");
        }
    }

    #[test]
    fn the_rest_takes_its_time() {
        for (rest, pace, expected) in [(100, 20.0, Some(5)), (101, 20.0, Some(6)), (0, 3.0, Some(0)), (9, 0.0, None)] {
            assert_eq!(seconds_left(rest, pace), expected);
        }
    }
}
