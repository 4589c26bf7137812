//! A breaker: when Administrate is down, everybody hears of it at once instead of knocking in turn.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Counts failures in a row; beyond a bound it refuses calls for a while, then lets one probe through.
pub(crate) struct Breaker {
    after: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    last: String,
    /// When the next call may probe; none while closed.
    opens_until: Option<Timestamp>,
}

/// The breaker is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub failures: u32,
    pub last: String,
}

impl Breaker {
    pub(crate) fn new(after: u32, rest: Duration) -> Self {
        Self { after: after.max(1), rest, state: Mutex::default() }
    }

    /// Lets a call pass, or says why not. A probe that passes holds back the others for another rest.
    pub(crate) fn admit(&self, now: Timestamp) -> Result<(), Open> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.opens_until {
            Some(until) if now < until => Err(Open { failures: state.failures, last: state.last.clone() }),
            Some(_) => {
                state.opens_until = Some(self.end_of_rest(now));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Administrate answered.
    pub(crate) fn succeeded(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// Administrate was down.
    pub(crate) fn failed(&self, now: Timestamp, why: String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        state.last = why;
        if state.failures >= self.after {
            state.opens_until = Some(self.end_of_rest(now));
        }
    }

    fn end_of_rest(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.rest).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through() {
        let breaker = Breaker::new(2, Duration::from_secs(30));
        let at = |second: i64| Timestamp::new(second, 0).expect("a timestamp");
        breaker.failed(at(0), "reset".into());
        breaker.succeeded();
        breaker.failed(at(1), "reset".into());
        assert!(breaker.admit(at(1)).is_ok(), "one failure in a row");
        breaker.failed(at(2), "timeout".into());
        let open = breaker.admit(at(31)).expect_err("open");
        assert_eq!((open.failures, open.last.as_str()), (2, "timeout"));
        assert!(breaker.admit(at(32)).is_ok(), "the probe");
        assert!(breaker.admit(at(33)).is_err(), "nobody beside the probe");
        breaker.succeeded();
        assert!(breaker.admit(at(33)).is_ok());
    }
}
