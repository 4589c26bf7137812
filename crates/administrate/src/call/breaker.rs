//! A circuit breaker: while Administrate is down, calls fail at once instead of each trying for itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counts consecutive failures. From a threshold on it refuses calls for a cooldown, then lets one probe through.
pub(crate) struct Breaker {
    failure_threshold: u32,
    cooldown: Duration,
    state: Mutex<BreakerState>,
}

#[derive(Default)]
struct BreakerState {
    failures: u32,
    last_failure: String,
    /// When the next call may probe, as time that has passed on the clock; none while closed.
    open_until: Option<Duration>,
}

/// The error of a call that the open breaker refused.
#[derive(Debug)]
pub(crate) struct BreakerOpen {
    pub failures: u32,
    pub last_failure: String,
}

impl Breaker {
    pub(crate) fn new(failure_threshold: u32, cooldown: Duration) -> Self {
        Self { failure_threshold: failure_threshold.max(1), cooldown, state: Mutex::default() }
    }

    /// Lets a call pass unless the breaker is open. A probe that passes keeps it open for another cooldown.
    pub(crate) fn admit(&self, now: Duration) -> Result<(), BreakerOpen> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if now < until => {
                Err(BreakerOpen { failures: state.failures, last_failure: state.last_failure.clone() })
            }
            Some(_) => {
                state.open_until = Some(now + self.cooldown);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Records that Administrate responded, and closes the breaker.
    pub(crate) fn record_success(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = BreakerState::default();
    }

    /// Records that Administrate was down.
    pub(crate) fn record_failure(&self, now: Duration, failure: String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        state.last_failure = failure;
        if state.failures >= self.failure_threshold {
            state.open_until = Some(now + self.cooldown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaker_after_failures_in_a_row_opens_and_lets_one_probe_through() {
        let breaker = Breaker::new(2, Duration::from_secs(30));
        let at = Duration::from_secs;
        breaker.record_failure(at(0), "reset".into());
        breaker.record_success();
        breaker.record_failure(at(1), "reset".into());
        assert!(breaker.admit(at(1)).is_ok(), "one failure in a row");
        breaker.record_failure(at(2), "timeout".into());
        let open = breaker.admit(at(31)).expect_err("open");
        assert_eq!((open.failures, open.last_failure.as_str()), (2, "timeout"));
        assert!(breaker.admit(at(32)).is_ok(), "the probe");
        assert!(breaker.admit(at(33)).is_err(), "no other call during the probe");
        breaker.record_success();
        assert!(breaker.admit(at(33)).is_ok());
    }
}
