//! Saying what is being done, step by step, with how long each took.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::error::Result;

/// The steps of one demo.
#[derive(Debug)]
pub struct Steps<'a> {
    console: &'a Console,
    total: usize,
    taken: usize,
    began: Instant,
}

impl<'a> Steps<'a> {
    /// So many steps are to come.
    pub fn new(console: &'a Console, total: usize) -> Self {
        Self { console, total, taken: 0, began: Instant::now() }
    }

    /// Says what is done, does it, says how long it took.
    pub async fn take<T>(&mut self, what: impl Display, doing: impl Future<Output = Result<T>>) -> Result<T> {
        self.next(what);
        self.timed(doing).await
    }

    /// Says what is done from here on.
    pub fn next(&mut self, what: impl Display) {
        self.taken += 1;
        self.console.say(format_args!("{}/{}  {what}", self.taken, self.total));
    }

    /// The same as [`take`](Self::take) for something that only some demos have to do.
    pub async fn also<T>(&mut self, what: impl Display, doing: impl Future<Output = Result<T>>) -> Result<T> {
        self.remark(what);
        self.timed(doing).await
    }

    async fn timed<T>(&self, doing: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let done = doing.await?;
        self.console.say(format_args!("     {}", lasted(began.elapsed())));
        Ok(done)
    }

    /// Says something about the step just taken.
    pub fn remark(&self, what: impl Display) {
        for line in what.to_string().lines() {
            self.console.say(format_args!("     {line}"));
        }
    }

    /// Since the first step began.
    pub fn elapsed(&self) -> String {
        lasted(self.began.elapsed())
    }
}

fn lasted(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (millis, said) in [(3, "3 ms"), (1234, "1.2 s"), (61_000, "1 min 01 s")] {
            assert_eq!(lasted(Duration::from_millis(millis)), said);
        }
    }
}
