//! Prints the steps of the demo and how long each took.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::error::Result;

/// The steps of one demo.
#[derive(Debug)]
pub struct Steps<'a> {
    console: &'a Console,
    total: usize,
    started: usize,
    began: Instant,
}

impl<'a> Steps<'a> {
    /// Starts a sequence of `total` steps.
    pub fn new(console: &'a Console, total: usize) -> Self {
        Self { console, total, started: 0, began: Instant::now() }
    }

    /// Prints a step, runs it and prints how long it took.
    pub async fn run<T>(&mut self, what: impl Display, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.start(what);
        self.run_timed(work).await
    }

    /// Prints a step that starts now.
    pub fn start(&mut self, what: impl Display) {
        self.started += 1;
        self.console.notify(format_args!("{}/{}  {what}", self.started, self.total));
    }

    /// Like [`run`](Self::run), for a part of a step that is not always necessary.
    pub async fn run_extra<T>(&mut self, what: impl Display, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.note(what);
        self.run_timed(work).await
    }

    async fn run_timed<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let result = work.await?;
        self.console.notify(format_args!("     {}", duration_text(began.elapsed())));
        Ok(result)
    }

    /// Prints a detail of the last step.
    pub fn note(&self, what: impl Display) {
        for line in what.to_string().lines() {
            self.console.notify(format_args!("     {line}"));
        }
    }

    /// Returns the time since the first step.
    pub fn elapsed(&self) -> String {
        duration_text(self.began.elapsed())
    }
}

fn duration_text(time: Duration) -> String {
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
    fn durations_are_printed_in_suitable_unit() {
        for (millis, expected) in [(3, "3 ms"), (1234, "1.2 s"), (61_000, "1 min 01 s")] {
            assert_eq!(duration_text(Duration::from_millis(millis)), expected);
        }
    }
}
