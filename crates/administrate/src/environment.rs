//! What a client touches outside of itself, as arguments.

use std::sync::Arc;

use crate::call::call_log::Ledger;
use crate::call::clock::Clock;
use crate::call::random::Randomness;
use crate::call::rate_limiter::Allowance;
use crate::call::transport::Transport;

/// Everything outside that a client touches. The production parts come from [`Surroundings::production`].
#[derive(Clone)]
pub struct Surroundings {
    /// Sends requests.
    pub transport: Arc<dyn Transport>,
    /// Tells the time and lets it pass.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries.
    pub randomness: Arc<dyn Randomness>,
    /// Gives permits for requests.
    pub allowance: Arc<dyn Allowance>,
    /// Is told of every call.
    pub ledger: Arc<dyn Ledger>,
}
