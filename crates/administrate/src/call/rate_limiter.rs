//! The client's own limit on requests.
//!
//! Administrate permits 6,000 requests in five minutes per address and blocks a client that exceeds this for a while.
//! Several processes on one address share that limit, so their rate limiter must be shared too; [`TokenBucket`] serves
//! a single process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::call::clock::Clock;
use crate::call::transport::BoxFuture;

/// Why a rate limiter could not be used, e.g. because the database that backs it failed.
pub type RateLimiterError = Box<dyn std::error::Error + Send + Sync>;

/// Issues permits for requests. Every request takes one: queries, mutations, logins, introspection, retries.
pub trait RateLimiter: Send + Sync {
    /// Returns once one request may be sent.
    ///
    /// # Errors
    /// Only if the rate limiter's own storage fails.
    fn acquire(&self) -> BoxFuture<'_, Result<(), RateLimiterError>>;

    /// Issues no permit to any caller for `duration` from now, as the server requested.
    ///
    /// # Errors
    /// Only if the rate limiter's own storage fails.
    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>>;
}

/// A token bucket in this process's memory. It starts full, so that a short burst is sent at once.
pub struct TokenBucket {
    clock: Arc<dyn Clock>,
    /// Capacity, and how many permits are refilled in `window`.
    permits: f64,
    window: Duration,
    level: Mutex<Level>,
}

struct Level {
    permits: f64,
    at: Timestamp,
    paused_until: Timestamp,
}

impl TokenBucket {
    /// Creates a bucket of `permits` (at least one) that refills evenly over `window`.
    pub fn new(clock: Arc<dyn Clock>, permits: u32, window: Duration) -> Self {
        let permits = f64::from(permits.max(1));
        let now = clock.now();
        let level = Level { permits, at: now, paused_until: now };
        Self { clock, permits, window, level: Mutex::new(level) }
    }

    /// Takes a permit, or returns how long to wait before the next try.
    fn try_acquire(&self) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now < level.paused_until {
            return Err(duration_between(now, level.paused_until));
        }
        let refilled = duration_between(level.at, now).as_secs_f64() * self.permits_per_second();
        level.permits = (level.permits + refilled).min(self.permits);
        level.at = now;
        if level.permits >= 1.0 {
            level.permits -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - level.permits) / self.permits_per_second();
        Err(Duration::from_secs_f64(wait).max(Duration::from_millis(1)))
    }

    fn permits_per_second(&self) -> f64 {
        self.permits / self.window.as_secs_f64().max(0.001)
    }
}

impl RateLimiter for TokenBucket {
    fn acquire(&self) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        Box::pin(async {
            while let Err(wait) = self.try_acquire() {
                self.clock.sleep(wait).await;
            }
            Ok(())
        })
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let until = self.clock.now().saturating_add(duration);
        level.paused_until = level.paused_until.max(until.unwrap_or(Timestamp::MAX));
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Returns zero if `later` is before `earlier`.
fn duration_between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
