//! How fast rows are copied. Others who write wait for processor and disk behind a batch, so batches are small while they
//! do.

use std::time::{Duration, Instant};

use super::options::LessonOptions;

/// How long others count as writing after one of their writes.
const WRITING: Duration = Duration::from_secs(1);

/// How many times smaller batches are while others write.
const SHARE: i64 = 20;
/// Notes that are dealt with in one transaction.
const NOTES: i64 = 500;

/// The size of the next batch.
pub struct Pace {
    rows: i64,
    pause: Duration,
    /// The newest note on a write of others that was seen; 0 for none.
    newest: Option<i64>,
    writing_until: Option<Instant>,
    /// How many times more notes are dealt with at once, because others write faster than few are.
    haste: i64,
    /// The notes that were left last.
    left: i64,
}

impl Pace {
    pub fn new(options: &LessonOptions) -> Pace {
        let (rows, pause) = (options.batch_rows, options.pause);
        Pace { rows, pause, newest: None, writing_until: None, haste: 1, left: i64::MAX }
    }

    /// Takes note of the newest write of others, at a time.
    pub fn see(&mut self, newest: i64, now: Instant) {
        if self.newest.replace(newest).is_some_and(|known| known != newest) {
            self.writing_until = Some(now + WRITING);
        }
    }

    /// Returns the newest note that was seen.
    pub fn newest(&self) -> i64 {
        self.newest.unwrap_or_default()
    }

    fn is_shared(&self, now: Instant) -> bool {
        self.writing_until.is_some_and(|until| now < until)
    }

    /// Returns how many rows are copied at once.
    pub fn rows(&self, now: Instant) -> i64 {
        if self.is_shared(now) { (self.rows / SHARE).max(1) } else { self.rows }
    }

    /// Begins to deal with notes: few at once, whatever was needed the last time.
    pub fn begin_notes(&mut self) {
        (self.haste, self.left) = (1, i64::MAX);
    }

    /// Takes note of how many notes are left, at most.
    pub fn see_left(&mut self, left: i64) {
        if left >= self.left {
            self.haste = (self.haste * 2).min(SHARE);
        }
        self.left = left;
    }

    /// Returns how many notes are dealt with at once.
    pub fn notes(&self, now: Instant) -> i64 {
        if self.is_shared(now) { NOTES / SHARE * self.haste } else { NOTES }
    }

    /// Returns the pause before the next notes.
    pub fn pause_between_notes(&self, now: Instant) -> Duration {
        if self.is_shared(now) { self.pause } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_small_while_others_write() {
        let mut pace = Pace::new(&LessonOptions { batch_rows: 500, ..LessonOptions::default() });
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        for (newest, milliseconds, rows) in
            [(0, 0, 500), (0, 10, 500), (1, 20, 25), (1, 30, 25), (4, 900, 25), (4, 1800, 25), (4, 1901, 500)]
        {
            pace.see(newest, at(milliseconds));
            assert_eq!(pace.rows(at(milliseconds)), rows, "{newest} at {milliseconds} ms");
        }
        assert_eq!((pace.notes(at(1800)), pace.notes(at(1901))), (25, 500));
        for (left, notes) in
            [(900, 25), (800, 25), (800, 50), (700, 50), (701, 100), (900, 200), (901, 400), (902, 500)]
        {
            pace.see_left(left);
            assert_eq!(pace.notes(at(1800)), notes, "{left} left");
        }
        pace.begin_notes();
        pace.see_left(902);
        assert_eq!(pace.notes(at(1800)), 25);
        pace.rows = 5;
        pace.see(5, at(2000));
        assert_eq!(pace.rows(at(2000)), 1);
    }
}
