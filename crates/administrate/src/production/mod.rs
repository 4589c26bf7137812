//! The production parts: reqwest, tokio and the operating system. Nothing outside this folder reaches for them.

mod http;
mod os_randomness;
mod system_clock;

use std::sync::Arc;
use std::time::Duration;

pub use http::HttpTransport;
pub use os_randomness::OsRandomness;
pub use system_clock::SystemClock;

use crate::allowance::TokenBucket;
use crate::client::Surroundings;
use crate::error::Error;
use crate::ledger::NoLedger;

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
