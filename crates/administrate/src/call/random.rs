//! Randomness as an argument. It spreads retries; no secret depends on it.

use std::time::Duration;

/// A source of evenly distributed numbers.
pub trait Randomness: Send + Sync {
    /// Returns the next 64 random bits.
    fn next_u64(&self) -> u64;
}

/// Returns a duration from zero to `limit`, both included ("full jitter").
pub(crate) fn duration_up_to(source: &dyn Randomness, limit: Duration) -> Duration {
    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(source.next_u64() % (nanos + 1))
}
