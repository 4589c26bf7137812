//! Shows on stderr what a command waits for while Administrate does not accept requests.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use administrate::{Wait, WaitObserver, WaitReason};

use crate::console;

/// The shortest time between two lines: concurrent calls wait for the same.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// A shorter wait for a permit is the normal pace.
const MIN_OWN_WAIT: Duration = Duration::from_secs(2);

/// Prints one line for each wait, and none for waits of other calls during it.
#[derive(Default)]
pub(super) struct WaitNotices {
    /// The end of the wait that was shown last.
    shown_until: Mutex<Option<Instant>>,
}

impl WaitObserver for WaitNotices {
    fn begin_wait(&self, wait: &Wait) {
        if wait.reason == WaitReason::OwnLimit && wait.duration < MIN_OWN_WAIT {
            return;
        }
        let now = Instant::now();
        let mut shown_until = self.shown_until.lock().unwrap_or_else(PoisonError::into_inner);
        if shown_until.is_some_and(|until| now < until) {
            return;
        }
        *shown_until = now.checked_add(wait.duration.max(MIN_INTERVAL));
        drop(shown_until);
        console::notify(line(wait));
    }
}

fn line(wait: &Wait) -> String {
    let cause = match wait.reason {
        WaitReason::Status(status) => format!("Administrate answers {status}"),
        WaitReason::NoAnswer => "Administrate does not answer".to_owned(),
        WaitReason::OwnLimit => {
            return format!("waiting {} for the next permitted request to Administrate", seconds(wait.duration));
        }
    };
    let attempts = wait.attempts.map(|(next, most)| format!(" ({next} of {most})")).unwrap_or_default();
    format!("{cause}: retrying in {}{attempts}", seconds(wait.duration))
}

/// Formats a duration: whole seconds, and tenths below one second.
fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        short if short < 0.95 => format!("{:.1} s", short.max(0.1)),
        long => format!("{long:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_names_cause_duration_and_attempt() {
        let line = |reason, milliseconds, attempts| {
            line(&Wait { reason, duration: Duration::from_millis(milliseconds), attempts })
        };
        for (shown, expected) in [
            (line(WaitReason::Status(429), 7_040, Some((2, 8))), "Administrate answers 429: retrying in 7 s (2 of 8)"),
            (line(WaitReason::Status(503), 260, Some((3, 6))), "Administrate answers 503: retrying in 0.3 s (3 of 6)"),
            (line(WaitReason::NoAnswer, 1_000, Some((2, 6))), "Administrate does not answer: retrying in 1 s (2 of 6)"),
            (line(WaitReason::OwnLimit, 60_000, None), "waiting 60 s for the next permitted request to Administrate"),
        ] {
            assert_eq!(shown, expected);
        }
    }
}
