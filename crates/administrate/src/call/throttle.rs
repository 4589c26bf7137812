//! The reaction to the server's rate limit (HTTP 429), shared by all calls.
//!
//! After a 429 one call at a time probes whether the limit has lifted. After too many refusals in a row no call is sent
//! until a cooldown has passed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;

/// Lets calls pass freely, one at a time, or not at all, depending on the server's refusals.
pub(crate) struct ServerThrottle {
    max_refusals: u32,
    cooldown: Duration,
    /// Locked by the call that probes the limit.
    probe: tokio::sync::Mutex<()>,
    state: Mutex<ThrottleState>,
}

#[derive(Clone, Copy, Default)]
struct ThrottleState {
    /// Consecutive refusals of probing calls.
    refusals: u32,
    /// No call is sent before this time has passed on the clock.
    closed_until: Option<Duration>,
}

/// Permission to send one request.
pub(crate) struct Permit<'a> {
    /// Present if this call is the probe.
    probe: Option<MutexGuard<'a, ()>>,
}

impl ServerThrottle {
    pub(crate) fn new(max_refusals: u32, cooldown: Duration) -> Self {
        Self {
            max_refusals: max_refusals.max(1),
            cooldown,
            probe: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Waits for a permit; returns the number of consecutive refusals while the throttle is closed.
    pub(crate) async fn acquire(&self, now: impl Fn() -> Duration) -> Result<Permit<'_>, u32> {
        let ThrottleState { refusals, closed_until } = self.state();
        if refusals == 0 && closed_until.is_none() {
            return Ok(Permit { probe: None });
        }
        let probe = self.probe.lock().await;
        let ThrottleState { refusals, closed_until } = self.state();
        match closed_until {
            Some(until) if now() < until => Err(refusals),
            // If another call found meanwhile that the limit has lifted, this one need not be a probe.
            _ => Ok(Permit { probe: (refusals > 0).then_some(probe) }),
        }
    }

    /// Records that the server accepted a call.
    pub(crate) fn record_success(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = ThrottleState::default();
    }

    /// Records a 429. Returns whether to give up: after too many, or if the requested wait is not acceptable.
    ///
    /// Refusals of calls that were sent at the same time count as one.
    pub(crate) fn record_refusal(&self, permit: &Permit<'_>, now: Duration, is_acceptable_wait: bool) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if permit.probe.is_some() || state.refusals == 0 {
            state.refusals += 1;
        }
        let is_closed = state.refusals >= self.max_refusals || !is_acceptable_wait;
        if is_closed {
            state.closed_until = Some(now + self.cooldown);
        }
        is_closed
    }

    fn state(&self) -> ThrottleState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn throttle_after_refusal_lets_one_call_probe_for_all() {
        let throttle = ServerThrottle::new(3, Duration::from_secs(30));
        let at = Duration::from_secs;
        let concurrent =
            [throttle.acquire(|| at(0)).await.expect("free"), throttle.acquire(|| at(0)).await.expect("free")];
        for permit in &concurrent {
            assert!(!throttle.record_refusal(permit, at(0), true), "concurrent refusals count once");
        }
        for (second, is_closed) in [(1, false), (2, true)] {
            let probe = throttle.acquire(|| at(second)).await.expect("a probe");
            assert!(throttle.probe.try_lock().is_err(), "no other call at the same time");
            assert_eq!(throttle.record_refusal(&probe, at(second), true), is_closed);
        }
        assert_eq!(throttle.acquire(|| at(31)).await.err(), Some(3), "no call during the cooldown");
        let probe = throttle.acquire(|| at(32)).await.expect("a probe after the cooldown");
        throttle.record_success();
        drop(probe);
        assert!(throttle.acquire(|| at(33)).await.is_ok_and(|permit| permit.probe.is_none()));
    }
}
