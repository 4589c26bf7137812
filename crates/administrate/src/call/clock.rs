//! Time as an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::call::transport::BoxFuture;

/// Tells the time and lets it pass. Nothing else in this crate does either.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Returns once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// What has passed since `earlier`; zero where the clock was set back.
pub(crate) fn elapsed(clock: &dyn Clock, earlier: Timestamp) -> Duration {
    Duration::try_from(clock.now().duration_since(earlier)).unwrap_or_default()
}
