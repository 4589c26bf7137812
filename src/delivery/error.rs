//! Why a delivery did not succeed, and what follows from it.

use std::time::Duration;

use crate::error::Error;

/// Why an outbox item was not delivered.
#[derive(Debug)]
pub(crate) enum DeliveryError {
    /// Another attempt may succeed, but not before `min_delay`. `outage`: Administrate as a whole cannot be used.
    /// `refused`: Administrate answered and declined, it did not fail.
    Retryable { reason: String, outage: bool, refused: bool, min_delay: Duration },
    /// Administrate rejected the values: a user has to change something first.
    RejectedByRemote(String),
    /// The item cannot be delivered as it is, which was found before anything was sent.
    Invalid(String),
    /// Whether a record exists in Administrate, and which one it is, has to be decided by a user.
    OutcomeUnknown(String),
    /// The run was cancelled between two steps.
    Cancelled,
    /// Internal error, usually the database.
    Internal(Error),
}

impl DeliveryError {
    pub(super) fn retryable(reason: impl Into<String>) -> DeliveryError {
        DeliveryError::Retryable { reason: reason.into(), outage: false, refused: false, min_delay: Duration::ZERO }
    }

    /// Returns whether the cause may be that the record to be changed no longer exists in Administrate.
    pub(super) fn may_mean_missing(&self) -> bool {
        matches!(self, DeliveryError::RejectedByRemote(_) | DeliveryError::Retryable { refused: true, .. })
    }
}

impl From<Error> for DeliveryError {
    fn from(error: Error) -> Self {
        match error {
            lost if lost.is_lost_database() => DeliveryError::Internal(lost),
            // The database is available and rejected this one write; other items may succeed.
            Error::Database(sqlx::Error::Database(_)) => DeliveryError::retryable(error.to_string()),
            Error::Failed(reason) => DeliveryError::Invalid(reason),
            error => DeliveryError::Internal(error),
        }
    }
}

impl From<sqlx::Error> for DeliveryError {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<administrate::Error> for DeliveryError {
    fn from(error: administrate::Error) -> Self {
        let error = match Error::from(error) {
            Error::Administrate(error) => error,
            error => return error.into(),
        };
        let reason = error.to_string();
        if error.is_transient() || error.is_outage() || error.is_in_doubt() {
            // One interrupted write does not mean an outage; the client's circuit breaker notices when all fail.
            let outage = error.is_outage() && !error.is_in_doubt();
            let refused = matches!(error, administrate::Error::Graphql { .. } | administrate::Error::Unreadable { .. });
            return DeliveryError::Retryable { reason, outage, refused, min_delay: Duration::ZERO };
        }
        let names_custom_field = matches!(&error, administrate::Error::Refused { errors, .. }
            if errors.iter().any(|error| error.label.contains("customFieldValues")));
        // The message contains only the field's key; pruning removes the link of a field that was deleted.
        let advice = "; if a custom field was deleted in Administrate, run `lectern sync custom-fields --prune`, then \
                      `lectern import retry`";
        DeliveryError::RejectedByRemote(if names_custom_field { reason + advice } else { reason })
    }
}
