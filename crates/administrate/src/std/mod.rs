//! Standard implementations of the environment: reqwest, tokio and the operating system.
//!
//! No other file of this crate uses them directly.

mod clock;
mod http;
mod random;

use std::sync::Arc;
use std::time::Duration;

pub use clock::SystemClock;
pub use http::HttpTransport;
pub use random::OsRandomness;

use crate::call::call_log::NoCallLog;
use crate::call::rate_limiter::TokenBucket;
use crate::call::waits::NoWaitObserver;
use crate::environment::Environment;
use crate::error::Error;

impl Environment {
    /// Creates the environment of a single process: `requests` are permitted in five minutes, and no call is logged.
    ///
    /// Replace the rate limiter if several processes share one address, and the call log if calls are audited.
    ///
    /// # Errors
    /// [`Error::Setup`] if HTTPS cannot be set up.
    pub fn standard(requests: u32) -> Result<Self, Error> {
        let clock = Arc::new(SystemClock);
        Ok(Self {
            transport: Arc::new(HttpTransport::new()?),
            randomness: Arc::new(OsRandomness),
            rate_limiter: Arc::new(TokenBucket::new(clock.clone(), requests, Duration::from_secs(300))),
            waits: Arc::new(NoWaitObserver),
            call_log: Arc::new(NoCallLog),
            clock,
        })
    }
}
