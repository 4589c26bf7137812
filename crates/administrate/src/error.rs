//! The errors of the client. Their messages are sentences for a user who has to fix the cause.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a failed write can have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing changed in Administrate; the write may be repeated.
    NotApplied,
    /// It may have taken effect: check Administrate before repeating it.
    InDoubt,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token endpoint refused the client credentials, or is not a token endpoint.
    #[error("Administrate refused the login at {url}: {detail}. Check {check}")]
    Login {
        /// The token endpoint.
        url: String,
        /// What it returned, without any secret.
        detail: String,
        /// The settings to check.
        check: &'static str,
    },
    /// The API did not accept a token that had just been issued.
    #[error(
        "Administrate does not accept the token it has just issued for {operation}: check that ADMINISTRATE_API_URL and ADMINISTRATE_AUTH_URL belong to the same tenant"
    )]
    Unauthorized {
        /// The operation.
        operation: &'static str,
    },
    /// The rate limit did not end within the permitted number of attempts.
    #[error(
        "Administrate's rate limit stopped {operation} ({attempts} attempts): try again in five minutes, or lower ADMINISTRATE_RATE_LIMIT"
    )]
    RateLimited {
        /// The operation.
        operation: &'static str,
        /// Attempts made.
        attempts: u32,
    },
    /// No connection could be established.
    #[error("cannot reach Administrate at {url} for {operation}: {detail}. Check the network and {setting}")]
    Unreachable {
        /// The operation.
        operation: &'static str,
        /// The address.
        url: String,
        /// The cause.
        detail: String,
        /// The setting that contains the address.
        setting: &'static str,
    },
    /// The request was sent, but no complete response came back.
    #[error("no response from Administrate to {operation}: {detail}{}", retry_note(*outcome))]
    Interrupted {
        /// The operation.
        operation: &'static str,
        /// The cause: timeout, reset, …
        detail: String,
        /// Whether it may have taken effect.
        outcome: Outcome,
    },
    /// An HTTP status that is not a success.
    #[error("Administrate answered {operation} with HTTP status {status}{}", status_note(*status, *outcome))]
    Status {
        /// The operation.
        operation: &'static str,
        /// The status.
        status: u16,
        /// Whether it may have taken effect.
        outcome: Outcome,
    },
    /// The response is not valid GraphQL, or lacks a required value.
    #[error("cannot read Administrate's response to {operation}: {detail}{}", in_doubt_note(*outcome))]
    Unreadable {
        /// The operation.
        operation: &'static str,
        /// What is wrong, and where.
        detail: String,
        /// Whether it may have taken effect.
        outcome: Outcome,
    },
    /// Top-level GraphQL errors.
    #[error("Administrate rejected {operation}: {}{}", join_messages(errors), in_doubt_note(*outcome))]
    Graphql {
        /// The operation.
        operation: &'static str,
        /// The errors, at least one.
        errors: Vec<GraphqlError>,
        /// Whether it may have taken effect.
        outcome: Outcome,
    },
    /// The mutation's payload contains errors and no object: the write was rejected.
    #[error("Administrate refused {operation}: {}", join_messages(errors))]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The errors, at least one.
        errors: Vec<PayloadError>,
    },
    /// A list was inconsistent when fetched, twice.
    #[error("cannot fetch {what} completely from Administrate: {detail}. Nothing was changed; try again later")]
    Incomplete {
        /// What was fetched.
        what: String,
        /// How it was inconsistent.
        detail: String,
    },
    /// This tenant's API has no such operation.
    #[error("this Administrate does not support {operation}: do it manually in Administrate")]
    Unsupported {
        /// The operation.
        operation: &'static str,
    },
    /// An argument is invalid; nothing was sent.
    #[error("cannot send {operation} to Administrate: {detail}")]
    Argument {
        /// The operation.
        operation: &'static str,
        /// Which argument is invalid, and why.
        detail: String,
    },
    /// This client has used up its budget of requests.
    #[error("the budget of {budget} requests to Administrate is used up; {operation} was not sent")]
    Budget {
        /// The operation.
        operation: &'static str,
        /// The budget from the settings.
        budget: u64,
    },
    /// The circuit breaker is open after too many failures in a row; nothing was sent.
    #[error(
        "Administrate has failed {failures} times in a row (last: {last}); {operation} was not sent. Try again later"
    )]
    BreakerOpen {
        /// The operation.
        operation: &'static str,
        /// Consecutive failures.
        failures: u32,
        /// The message of the last failure.
        last: String,
    },
    /// The rate limiter failed; nothing was sent.
    #[error("cannot get a permit for {operation} from the rate limiter: {source}")]
    RateLimiter {
        /// The operation.
        operation: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The HTTPS transport could not be set up.
    #[error("cannot set up HTTPS: {0}")]
    Setup(String),
}

impl Error {
    /// Returns whether the write may have taken effect. A query never has.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted { outcome, .. }
            | Self::Status { outcome, .. }
            | Self::Unreadable { outcome, .. }
            | Self::Graphql { outcome, .. } => *outcome,
            _ => Outcome::NotApplied,
        }
    }

    /// Returns whether the caller must check Administrate before it repeats the write.
    pub fn is_in_doubt(&self) -> bool {
        self.outcome() == Outcome::InDoubt
    }

    /// Returns whether the same call may succeed later without any fix.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::Incomplete { .. }
            | Self::BreakerOpen { .. }
            | Self::RateLimiter { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 408,
            _ => false,
        }
    }

    /// Returns whether every call would fail: login refused, host unreachable, breaker open.
    ///
    /// It fails the whole run, not a single record.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Login { .. }
            | Self::Unauthorized { .. }
            | Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::BreakerOpen { .. }
            | Self::RateLimited { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

/// One top-level GraphQL error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphqlError {
    /// The server's message.
    #[serde(default)]
    pub message: String,
    /// Whether the error has a `path`, which only errors of execution have.
    #[serde(default, deserialize_with = "has_path", rename(serialize = "in_execution", deserialize = "path"))]
    pub has_path: bool,
}

/// One error of a mutation's payload: the reason of a rejection, or a warning if the write succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadError {
    /// The input field with the error; empty if the error concerns none.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub label: String,
    /// The server's message.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub message: String,
    /// The invalid value as text; empty if absent.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub value: String,
}

impl fmt::Display for GraphqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.label.is_empty() {
            write!(f, "{}: ", self.label)?;
        }
        f.write_str(&self.message)?;
        if !self.value.is_empty() {
            write!(f, " ({})", self.value)?;
        }
        Ok(())
    }
}

fn has_path<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let path = serde_json::Value::deserialize(deserializer)?;
    Ok(path.as_array().is_some_and(|steps| !steps.is_empty()) || path.as_bool() == Some(true))
}

/// The number of errors of one response that a message contains.
const MAX_MESSAGES: usize = 5;

fn join_messages<T: fmt::Display>(errors: &[T]) -> String {
    let mut messages: Vec<String> = errors.iter().take(MAX_MESSAGES).map(T::to_string).collect();
    let more = errors.len().saturating_sub(MAX_MESSAGES);
    if more > 0 {
        messages.push(format!("… and {more} more"));
    }
    messages.join("; ")
}

/// Returns what follows an HTTP status: the setting to check, or the advice to retry.
fn status_note(status: u16, outcome: Outcome) -> String {
    match status {
        300..=399 | 403 | 404 | 405 => format!(": check ADMINISTRATE_API_URL{}", in_doubt_note(outcome)),
        _ => retry_note(outcome).to_owned(),
    }
}

fn retry_note(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplied => "; try again later",
        Outcome::InDoubt => in_doubt_note(outcome),
    }
}

fn in_doubt_note(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotApplied => "",
        Outcome::InDoubt => " (it may have taken effect in Administrate)",
    }
}
