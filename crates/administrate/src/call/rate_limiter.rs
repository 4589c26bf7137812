//! How many requests we allow ourselves.
//!
//! Administrate permits 6,000 requests in five minutes and address; whoever goes beyond is shut out for a while. Several
//! processes share that, so the real allowance lives where all of them see it; the one here serves one process alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::call::clock::Clock;
use crate::call::transport::BoxFuture;

/// The allowance could not be asked, for a reason of its keeper.
pub type AllowanceError = Box<dyn std::error::Error + Send + Sync>;

/// Permits for requests. Every request takes one: queries, mutations, logins, introspection, retries.
pub trait Allowance: Send + Sync {
    /// Returns once one request may be sent.
    ///
    /// # Errors
    /// Only where the keeper of the allowance itself cannot be asked.
    fn take(&self) -> BoxFuture<'_, Result<(), AllowanceError>>;

    /// The server asked for rest: nobody gets a permit for `duration` from now.
    ///
    /// # Errors
    /// Only where the keeper of the allowance itself cannot be asked.
    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), AllowanceError>>;
}

/// A token bucket in this process's memory, full at first, so that a short burst goes out at once.
pub struct TokenBucket {
    clock: Arc<dyn Clock>,
    /// Most permits held, and how many grow back in `window`.
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
    /// A bucket of `permits` (at least one) that refills evenly over `window`.
    pub fn new(clock: Arc<dyn Clock>, permits: u32, window: Duration) -> Self {
        let permits = f64::from(permits.max(1));
        let now = clock.now();
        let level = Level { permits, at: now, paused_until: now };
        Self { clock, permits, window, level: Mutex::new(level) }
    }

    /// Takes a permit, or tells how long to wait before asking again.
    fn try_take(&self) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now < level.paused_until {
            return Err(since(level.paused_until, now));
        }
        let grown = since(now, level.at).as_secs_f64() * self.per_second();
        level.permits = (level.permits + grown).min(self.permits);
        level.at = now;
        if level.permits >= 1.0 {
            level.permits -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - level.permits) / self.per_second();
        Err(Duration::from_secs_f64(wait).max(Duration::from_millis(1)))
    }

    fn per_second(&self) -> f64 {
        self.permits / self.window.as_secs_f64().max(0.001)
    }
}

impl Allowance for TokenBucket {
    fn take(&self) -> BoxFuture<'_, Result<(), AllowanceError>> {
        Box::pin(async {
            while let Err(wait) = self.try_take() {
                self.clock.sleep(wait).await;
            }
            Ok(())
        })
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), AllowanceError>> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let until = self.clock.now().saturating_add(duration);
        level.paused_until = level.paused_until.max(until.unwrap_or(Timestamp::MAX));
        Box::pin(std::future::ready(Ok(())))
    }
}

fn since(later: Timestamp, earlier: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
