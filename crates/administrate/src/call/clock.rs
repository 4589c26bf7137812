//! Time as an argument.

use std::time::Duration;

use jiff::Timestamp;

use crate::call::transport::BoxFuture;

/// The only source of time in this crate: the current instant, the time that has passed, and waiting.
pub trait Clock: Send + Sync {
    /// Returns the current instant. It may jump in both directions when the machine's clock is set.
    fn now(&self) -> Timestamp;

    /// Returns the time since an arbitrary moment. It never goes back, so limits and pauses are measured with it.
    fn elapsed(&self) -> Duration;

    /// Returns once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}
