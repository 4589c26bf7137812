//! The client's own limit on requests.
//!
//! Administrate permits 6,000 requests in five minutes per address and blocks a client that exceeds this for a while.
//! Several processes on one address share that limit, so their rate limiter must be shared too; [`TokenBucket`] serves
//! a single process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::clock::Clock;
use crate::call::transport::BoxFuture;

/// Why a rate limiter could not be used, e.g. because the database that backs it failed.
pub type RateLimiterError = Box<dyn std::error::Error + Send + Sync>;

/// Is called with the length of a wait that begins.
pub type OnWait<'a> = dyn Fn(Duration) + Send + Sync + 'a;

/// Issues permits for requests. Every request takes one: queries, mutations, logins, introspection, retries.
pub trait RateLimiter: Send + Sync {
    /// Returns once one request may be sent. Calls `on_wait` before each wait.
    ///
    /// # Errors
    /// Only if the rate limiter's own storage fails.
    fn acquire<'a>(&'a self, on_wait: &'a OnWait<'a>) -> BoxFuture<'a, Result<(), RateLimiterError>>;

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
    /// Times that have passed on the clock.
    at: Duration,
    paused_until: Duration,
}

impl TokenBucket {
    /// Creates a bucket of `permits` (at least one) that refills evenly over `window`.
    pub fn new(clock: Arc<dyn Clock>, permits: u32, window: Duration) -> Self {
        let permits = f64::from(permits.max(1));
        let now = clock.elapsed();
        let level = Level { permits, at: now, paused_until: now };
        Self { clock, permits, window, level: Mutex::new(level) }
    }

    /// Takes a permit, or returns how long to wait before the next try.
    fn try_acquire(&self) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        if now < level.paused_until {
            return Err(level.paused_until - now);
        }
        let refilled = now.saturating_sub(level.at).as_secs_f64() * self.permits_per_second();
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
    fn acquire<'a>(&'a self, on_wait: &'a OnWait<'a>) -> BoxFuture<'a, Result<(), RateLimiterError>> {
        Box::pin(async move {
            while let Err(wait) = self.try_acquire() {
                on_wait(wait);
                self.clock.sleep(wait).await;
            }
            Ok(())
        })
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        level.paused_until = level.paused_until.max(self.clock.elapsed().saturating_add(duration));
        Box::pin(std::future::ready(Ok(())))
    }
}
