//! Randomness as an argument: it spreads retries, nothing here is secret.

use std::time::Duration;

/// A source of evenly distributed numbers.
pub trait Randomness: Send + Sync {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;
}

/// A duration between zero and `limit`, both possible ("full jitter").
pub(crate) fn up_to(source: &dyn Randomness, limit: Duration) -> Duration {
    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(source.next_u64() % (nanos + 1))
}
