//! The caller's log of API calls, e.g. an audit log.

use std::time::Duration;

use jiff::Timestamp;

use crate::call::transport::BoxFuture;

/// Receives one record for each attempt of each request, after its response was parsed.
pub trait CallLog: Send + Sync {
    /// Records `call`. It cannot fail: a full log must not turn a successful write into a failure.
    fn record(&self, call: CallRecord) -> BoxFuture<'_, ()>;
}

/// One request and its result. Contains no secret: neither token nor client secret, and no body of a login.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Operation name, one of [`crate::OPERATIONS`]: `locations`, `event.createBlended`, `login`.
    pub operation: &'static str,
    /// Whether it was meant to change something in Administrate.
    pub is_mutation: bool,
    /// The GraphQL document; empty for a login.
    pub document: String,
    /// The variables of the document; null for a login. They contain personal data, which the log must redact.
    pub variables: serde_json::Value,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// HTTP status; none if there was no response.
    pub status: Option<u16>,
    /// Whether the operation succeeded.
    pub succeeded: bool,
    /// The error message if it did not succeed.
    pub error: Option<String>,
    /// When the request was sent.
    pub started: Timestamp,
    /// Time from sending to the last byte of the response.
    pub duration: Duration,
    /// The response body; none for a login. It contains personal data.
    pub response: Option<String>,
}

/// A call log that stores nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCallLog;

impl CallLog for NoCallLog {
    fn record(&self, _call: CallRecord) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
