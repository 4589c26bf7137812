//! Time as an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::call::transport::BoxFuture;

/// The only source of time in this crate: the current instant, and waiting.
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;

    /// Returns once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Returns the time since `earlier`; zero if the clock was set back.
pub(crate) fn elapsed(clock: &dyn Clock, earlier: Timestamp) -> Duration {
    Duration::try_from(clock.now().duration_since(earlier)).unwrap_or_default()
}
