//! Waits of the client as an argument: the caller can show them.

use std::time::Duration;

/// Why the client waits before it sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// The server answered with this status: 429, or one of a server that cannot answer now.
    Status(u16),
    /// There was no complete answer.
    NoAnswer,
    /// The [`RateLimiter`](crate::RateLimiter) has no permit, or all callers pause.
    OwnLimit,
}

/// A wait that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Why.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// The attempt that follows, and the number of attempts that are allowed; none if no attempt has failed.
    pub attempts: Option<(u32, u32)>,
}

/// Receives every wait when it begins. Concurrent calls report their waits separately.
pub trait WaitObserver: Send + Sync {
    /// Is called before the wait. It must not block.
    fn begin_wait(&self, wait: &Wait);
}

/// An observer that ignores waits.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWaitObserver;

impl WaitObserver for NoWaitObserver {
    fn begin_wait(&self, _wait: &Wait) {}
}
