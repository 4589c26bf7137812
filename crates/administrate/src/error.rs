//! Everything that can go wrong, in sentences for the person who has to mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a failed write can have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly nothing changed in Administrate; the write may be repeated.
    NotDone,
    /// It may have taken effect: look in Administrate before repeating it.
    Doubtful,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token endpoint refused the client credentials, or is none.
    #[error("Administrate refused the login at {url}: {detail}. Check {check}")]
    Login {
        /// The token endpoint.
        url: String,
        /// What it answered, without any secret.
        detail: String,
        /// The settings to check.
        check: &'static str,
    },
    /// A token that had just been issued was not accepted.
    #[error(
        "Administrate does not accept the token it has just issued for {operation}: check that ADMINISTRATE_API_URL and ADMINISTRATE_AUTH_URL belong to the same tenant"
    )]
    Unauthorized {
        /// What was asked.
        operation: &'static str,
    },
    /// The rate limit did not end within the bounded number of attempts.
    #[error(
        "Administrate's rate limit stopped {operation} ({attempts} attempts): try again in five minutes, or lower ADMINISTRATE_RATE_LIMIT"
    )]
    RateLimited {
        /// What was asked.
        operation: &'static str,
        /// Attempts made.
        attempts: u32,
    },
    /// No connection came about.
    #[error("cannot reach Administrate at {url} for {operation}: {detail}. Check the network and {setting}")]
    Unreachable {
        /// What was asked.
        operation: &'static str,
        /// Where.
        url: String,
        /// The cause.
        detail: String,
        /// The setting that holds the address.
        setting: &'static str,
    },
    /// The request was sent, but no whole answer came back.
    #[error("no answer from Administrate to {operation}: {detail}{}", or_later(*outcome))]
    Interrupted {
        /// What was asked.
        operation: &'static str,
        /// Timeout, reset, …
        detail: String,
        /// Whether it can have taken effect.
        outcome: Outcome,
    },
    /// An HTTP status that is no success.
    #[error("Administrate answered {operation} with HTTP status {status}{}", after_status(*status, *outcome))]
    Status {
        /// What was asked.
        operation: &'static str,
        /// The status.
        status: u16,
        /// Whether it can have taken effect.
        outcome: Outcome,
    },
    /// The answer's body is not what GraphQL prescribes, or lacks what was asked for.
    #[error("Administrate's answer to {operation} cannot be read: {detail}{}", doubt(*outcome))]
    Unreadable {
        /// What was asked.
        operation: &'static str,
        /// What is wrong where.
        detail: String,
        /// Whether it can have taken effect.
        outcome: Outcome,
    },
    /// Top-level GraphQL errors.
    #[error("Administrate rejected {operation}: {}{}", sentences(errors), doubt(*outcome))]
    Graphql {
        /// What was asked.
        operation: &'static str,
        /// The errors, at least one.
        errors: Vec<GraphqlError>,
        /// Whether it can have taken effect.
        outcome: Outcome,
    },
    /// The mutation's payload carries errors and no object: the write was rejected.
    #[error("Administrate refused {operation}: {}", sentences(errors))]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// The errors, at least one.
        errors: Vec<PayloadError>,
    },
    /// A list could not be fetched whole, twice.
    #[error("{what} could not be fetched whole from Administrate: {detail}. Nothing was changed; try again later")]
    Incomplete {
        /// What was fetched.
        what: String,
        /// How it was inconsistent.
        detail: String,
    },
    /// This tenant's API has no such operation.
    #[error("this Administrate offers no {operation}: do it by hand there")]
    Unsupported {
        /// What was asked.
        operation: &'static str,
    },
    /// An argument that cannot be sent.
    #[error("{operation} cannot be asked of Administrate: {detail}")]
    Argument {
        /// What was asked.
        operation: &'static str,
        /// What is wrong with which argument.
        detail: String,
    },
    /// This client has used up its requests.
    #[error("the budget of {budget} requests to Administrate is used up; {operation} was not sent")]
    Budget {
        /// What was asked.
        operation: &'static str,
        /// The bound from the settings.
        budget: u64,
    },
    /// Too many failures in a row; nothing was sent.
    #[error(
        "Administrate has failed {failures} times in a row (last: {last}); {operation} was not sent. Try again later"
    )]
    BreakerOpen {
        /// What was asked.
        operation: &'static str,
        /// Failures in a row.
        failures: u32,
        /// The sentence of the last failure.
        last: String,
    },
    /// The request allowance could not be asked.
    #[error("the request allowance could not be taken for {operation}: {source}")]
    Allowance {
        /// What was asked.
        operation: &'static str,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The production transport could not be set up.
    #[error("cannot set up HTTPS: {0}")]
    Setup(String),
}

impl Error {
    /// Whether the write can have taken effect. Errors of queries never have.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Interrupted { outcome, .. }
            | Self::Status { outcome, .. }
            | Self::Unreadable { outcome, .. }
            | Self::Graphql { outcome, .. } => *outcome,
            _ => Outcome::NotDone,
        }
    }

    /// Whether Administrate must be looked at before the write is repeated.
    pub fn is_doubtful(&self) -> bool {
        self.outcome() == Outcome::Doubtful
    }

    /// Whether the same call may well succeed later without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::Incomplete { .. }
            | Self::BreakerOpen { .. }
            | Self::Allowance { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 408,
            _ => false,
        }
    }

    /// Whether nobody got through at all: login refused, host unreachable, breaker open. The whole run fails of it,
    /// not one record.
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
    /// What the server says.
    #[serde(default)]
    pub message: String,
    /// Whether the server named a place in the answer, which it does only for errors of execution.
    #[serde(default, deserialize_with = "given", rename(deserialize = "path"))]
    pub in_execution: bool,
}

/// One error of a mutation's payload: the write was rejected, or done with a reservation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadError {
    /// The input field at fault; empty where none is.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub label: String,
    /// What the server says.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub message: String,
    /// The offending value as text; empty where none was given.
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

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let path = serde_json::Value::deserialize(deserializer)?;
    Ok(path.as_array().is_some_and(|steps| !steps.is_empty()) || path.as_bool() == Some(true))
}

fn sentences<T: fmt::Display>(errors: &[T]) -> String {
    errors.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

/// What follows an HTTP status: where to look, or that time may mend it.
fn after_status(status: u16, outcome: Outcome) -> String {
    match status {
        300..=399 | 403 | 404 | 405 => format!(": check ADMINISTRATE_API_URL{}", doubt(outcome)),
        _ => or_later(outcome).to_owned(),
    }
}

fn or_later(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDone => "; try again later",
        Outcome::Doubtful => doubt(outcome),
    }
}

fn doubt(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDone => "",
        Outcome::Doubtful => " (it may have taken effect there)",
    }
}
