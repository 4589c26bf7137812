//! A row of the outbox.

use serde::Serialize;

use super::step::DeliveryStep;
use crate::error::{Error, Result};

/// The progress of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be carried out, now or at its next attempt.
    Pending,
    /// Done.
    Delivered,
    /// Failed for a reason that another attempt does not remove.
    Failed,
    /// Whether it was done cannot be found out in Administrate: a user decides.
    Unknown,
}

/// A row of the outbox; the serialised fields are what `lectern outbox list` prints.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct OutboxItem {
    pub id: i64,
    /// The operation, e.g. `create_event`.
    pub effect: String,
    /// The subject's name for users.
    pub subject: String,
    pub state: DeliveryState,
    pub attempts: i32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Time of the next attempt, RFC 3339; null when there will be none.
    pub next_attempt_at: Option<String>,
    /// Local id of the subject.
    #[serde(skip)]
    pub subject_id: i64,
    /// Whether the worker has to look in Administrate before it creates anything.
    #[serde(skip)]
    #[sqlx(rename = "look_first")]
    pub check_remote_first: bool,
    /// Whether a creation was sent whose outcome is unknown.
    #[serde(skip)]
    pub in_doubt: bool,
    /// One entry for each creation whose outcome is unknown: what it was sent with, as the worker wrote it. A JSON list.
    #[serde(skip)]
    #[sqlx(rename = "sent")]
    pub creation_keys: serde_json::Value,
    /// Seconds for which Administrate may still carry out a creation whose outcome is unknown; none where it has ended.
    #[serde(skip)]
    pub in_flight_seconds: Option<f64>,
    /// The stored words of the additional steps, see [`OutboxItem::steps`].
    #[serde(skip)]
    #[sqlx(rename = "also")]
    stored_steps: Vec<String>,
    /// Grows with every request for this subject, see [`Claims::delivered`].
    #[serde(skip)]
    #[sqlx(rename = "asked")]
    pub generation: i32,
}

impl OutboxItem {
    /// Returns the additional steps that were requested.
    ///
    /// # Errors
    /// Where the row contains a step that this version does not know.
    pub fn steps(&self) -> Result<Vec<DeliveryStep>> {
        let steps: Result<_> = self.stored_steps.iter().map(|word| word.parse()).collect();
        steps.map_err(|error| Error::Failed(format!("outbox item {} cannot be read: {error}", self.id)))
    }
}
