//! The server's rate limit concerns every call: while it holds, one call at a time finds out whether it has lifted, and
//! after so many refusals in a row nobody asks any more for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::MutexGuard;

/// What all calls know of the limit.
pub(crate) struct Limit {
    after: u32,
    rest: Duration,
    /// Held by the call that finds out.
    finding_out: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// Refusals in a row of calls that were alone on their way.
    refusals: u32,
    /// Until when nobody asks.
    until: Option<Timestamp>,
}

/// Leave to send one request.
pub(crate) struct Leave<'a> {
    /// Held by a call that is alone on its way.
    alone: Option<MutexGuard<'a, ()>>,
}

impl Limit {
    pub(crate) fn new(after: u32, rest: Duration) -> Self {
        Self { after: after.max(1), rest, finding_out: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    /// Waits for leave to send; gives the refusals in a row where nobody asks any more.
    pub(crate) async fn leave(&self, now: impl Fn() -> Timestamp) -> Result<Leave<'_>, u32> {
        let State { refusals, until } = self.state();
        if refusals == 0 && until.is_none() {
            return Ok(Leave { alone: None });
        }
        let alone = self.finding_out.lock().await;
        let State { refusals, until } = self.state();
        match until {
            Some(until) if now() < until => Err(refusals),
            // Who waited while another call found out that the limit has lifted need not be alone.
            _ => Ok(Leave { alone: (refusals > 0).then_some(alone) }),
        }
    }

    /// The server let a call pass.
    pub(crate) fn lifted(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The server refused a call; whether it is given up, after too many or because it would take too long (`is_bearable`
    /// says). What was on its way beside others counts once.
    pub(crate) fn refused(&self, leave: &Leave<'_>, now: Timestamp, is_bearable: bool) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if leave.alone.is_some() || state.refusals == 0 {
            state.refusals += 1;
        }
        let is_enough = state.refusals >= self.after || !is_bearable;
        if is_enough {
            state.until = Some(now.checked_add(self.rest).unwrap_or(Timestamp::MAX));
        }
        is_enough
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_call_finds_out_and_all_hear_of_it() {
        let limit = Limit::new(3, Duration::from_secs(30));
        let at = |second: i64| Timestamp::new(second, 0).expect("a timestamp");
        let beside = [limit.leave(|| at(0)).await.expect("free"), limit.leave(|| at(0)).await.expect("free")];
        for leave in &beside {
            assert!(!limit.refused(leave, at(0), true), "together they count once");
        }
        for (second, is_enough) in [(1, false), (2, true)] {
            let alone = limit.leave(|| at(second)).await.expect("one finds out");
            assert!(limit.finding_out.try_lock().is_err(), "nobody beside it");
            assert_eq!(limit.refused(&alone, at(second), true), is_enough);
        }
        assert_eq!(limit.leave(|| at(31)).await.err(), Some(3), "nobody asks");
        let alone = limit.leave(|| at(32)).await.expect("after the rest one finds out");
        limit.lifted();
        drop(alone);
        assert!(limit.leave(|| at(33)).await.is_ok_and(|leave| leave.alone.is_none()));
    }
}
