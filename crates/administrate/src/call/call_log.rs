//! Who is told of every call: the audit log of whoever uses this crate.

use std::time::Duration;

use jiff::Timestamp;

use crate::call::transport::BoxFuture;

/// Is told of every request that was made, one record an attempt, after its answer was judged.
pub trait Ledger: Send + Sync {
    /// Takes note of `call`. It cannot fail: a log that is full must not turn a write that succeeded into a failure.
    fn record(&self, call: Call) -> BoxFuture<'_, ()>;
}

/// One request and what became of it. Holds no secret: neither token nor client secret, and no body of a login.
#[derive(Debug, Clone)]
pub struct Call {
    /// What was asked, as in [`crate::OPERATIONS`]: `locations`, `event.createBlended`, `login`.
    pub operation: &'static str,
    /// Whether it was meant to change something in Administrate.
    pub is_mutation: bool,
    /// The GraphQL document; empty for a login.
    pub document: String,
    /// The variables of the document; null for a login. They hold personal data: the ledger redacts what it keeps.
    pub variables: serde_json::Value,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// Whether it did what was asked.
    pub succeeded: bool,
    /// The sentence of the error, where it did not.
    pub error: Option<String>,
    /// When the request was sent.
    pub started: Timestamp,
    /// From sending to the last byte.
    pub duration: Duration,
    /// The answer's body; none for a login. It holds personal data.
    pub response: Option<String>,
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLedger;

impl Ledger for NoLedger {
    fn record(&self, _call: Call) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
