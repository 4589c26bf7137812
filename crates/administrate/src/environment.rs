//! Everything outside the client that it uses, as arguments.

use std::sync::Arc;

use crate::call::call_log::CallLog;
use crate::call::clock::Clock;
use crate::call::random::Randomness;
use crate::call::rate_limiter::RateLimiter;
use crate::call::transport::Transport;
use crate::call::waits::WaitObserver;

/// The dependencies of a client. [`Environment::standard`] provides real ones; tests and the simulator provide their own.
#[derive(Clone)]
pub struct Environment {
    /// Sends requests.
    pub transport: Arc<dyn Transport>,
    /// Provides the current time and waits.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries.
    pub randomness: Arc<dyn Randomness>,
    /// Issues permits for requests.
    pub rate_limiter: Arc<dyn RateLimiter>,
    /// Receives every wait when it begins.
    pub waits: Arc<dyn WaitObserver>,
    /// Receives a record of every attempt.
    pub call_log: Arc<dyn CallLog>,
}
