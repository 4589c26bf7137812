//! The rate limiter in PostgreSQL: a token bucket that all processes share.

use std::time::Duration;

use administrate::{BoxFuture, OnWait, RateLimiter, RateLimiterError};
use sqlx::PgPool;

use super::store;
use crate::error::Result;

/// The longest pause, in seconds. Administrate's limit lifts after five minutes, and a longer `Retry-After` is an error.
const MAX_PAUSE_SECONDS: f64 = 330.0;

/// Administrate counts requests in windows of five minutes.
pub(super) const WINDOW_SECONDS: f64 = 300.0;

/// A bucket with the permits of one window. It is full at first, so that a short burst is not delayed.
pub(crate) struct SharedRateLimiter {
    pool: PgPool,
    permits: f64,
}

impl SharedRateLimiter {
    pub(crate) async fn open(pool: &PgPool, permits: u32) -> Result<Self> {
        store::fill_bucket(pool, permits.into()).await?;
        Ok(SharedRateLimiter { pool: pool.clone(), permits: permits.into() })
    }
}

impl RateLimiter for SharedRateLimiter {
    fn acquire<'a>(&'a self, on_wait: &'a OnWait<'a>) -> BoxFuture<'a, Result<(), RateLimiterError>> {
        Box::pin(async move {
            loop {
                let rate = self.permits / WINDOW_SECONDS;
                let wait = store::take_token(&self.pool, self.permits, rate, MAX_PAUSE_SECONDS).await?;
                let Some(seconds) = wait else { return Ok(()) };
                let wait = Duration::from_secs_f64(seconds);
                on_wait(wait);
                tokio::time::sleep(wait).await;
            }
        })
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        Box::pin(async move {
            let seconds = duration.as_secs_f64().min(MAX_PAUSE_SECONDS);
            Ok(store::pause_rate_limiter(&self.pool, seconds).await?)
        })
    }
}
