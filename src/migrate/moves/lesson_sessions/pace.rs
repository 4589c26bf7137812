//! How fast rows are copied. Others who write wait for processor and disk behind a batch, so batches are small while they
//! do.

use std::time::{Duration, Instant};

use super::options::LessonOptions;

/// How long others count as writing after one of their writes.
const WRITING: Duration = Duration::from_secs(1);

/// How many times smaller batches are while others write.
const SHARE: i64 = 20;

/// The size of the next batch.
pub struct Pace {
    rows: i64,
    /// The newest note on a write of others that was seen.
    newest: Option<i64>,
    writing_until: Option<Instant>,
}

impl Pace {
    pub fn new(options: &LessonOptions) -> Pace {
        Pace { rows: options.batch_rows, newest: None, writing_until: None }
    }

    /// Takes note of the newest write of others, at a time.
    pub fn see(&mut self, newest: i64, now: Instant) {
        if self.newest.replace(newest).is_some_and(|known| known != newest) {
            self.writing_until = Some(now + WRITING);
        }
    }

    /// Returns how many rows are copied at once.
    pub fn rows(&self, now: Instant) -> i64 {
        let is_shared = self.writing_until.is_some_and(|until| now < until);
        if is_shared { (self.rows / SHARE).max(1) } else { self.rows }
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
        pace.rows = 5;
        pace.see(5, at(2000));
        assert_eq!(pace.rows(at(2000)), 1);
    }
}
