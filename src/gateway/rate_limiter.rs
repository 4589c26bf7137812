//! The rate limiter in PostgreSQL: a token bucket that all processes share.

use std::time::Duration;

use administrate::{BoxFuture, RateLimiter, RateLimiterError};
use sqlx::PgPool;

use super::store;
use crate::error::Result;

/// Administrate counts requests in windows of five minutes.
const WINDOW_SECONDS: f64 = 300.0;

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
    fn acquire(&self) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        Box::pin(async {
            loop {
                let wait = store::take_token(&self.pool, self.permits, self.permits / WINDOW_SECONDS).await?;
                let Some(seconds) = wait else { return Ok(()) };
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            }
        })
    }

    fn pause(&self, duration: Duration) -> BoxFuture<'_, Result<(), RateLimiterError>> {
        Box::pin(async move { Ok(store::pause_rate_limiter(&self.pool, duration.as_secs_f64()).await?) })
    }
}
