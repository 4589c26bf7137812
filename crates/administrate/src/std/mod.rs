//! The production parts: reqwest, tokio and the operating system. Nothing outside this folder reaches for them.

mod clock;
mod http;
mod random;

use std::sync::Arc;
use std::time::Duration;

pub use clock::SystemClock;
pub use http::HttpTransport;
pub use random::OsRandomness;

use crate::call::call_log::NoLedger;
use crate::call::rate_limiter::TokenBucket;
use crate::environment::Surroundings;
use crate::error::Error;

impl Surroundings {
    /// The real world, with an allowance of `requests` in five minutes for this process alone and no ledger. Replace
    /// these two where several processes share one address, or where calls are audited.
    ///
    /// # Errors
    /// [`Error::Setup`] where HTTPS cannot be set up.
    pub fn production(requests: u32) -> Result<Self, Error> {
        let clock = Arc::new(SystemClock);
        Ok(Self {
            transport: Arc::new(HttpTransport::new()?),
            randomness: Arc::new(OsRandomness),
            allowance: Arc::new(TokenBucket::new(clock.clone(), requests, Duration::from_secs(300))),
            ledger: Arc::new(NoLedger),
            clock,
        })
    }
}
