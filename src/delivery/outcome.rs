//! The result of one delivery attempt.

use std::fmt;
use std::time::Duration;

use crate::outbox::DeliveryState;

/// The result of one attempt to deliver an outbox item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// The event's code, or the name of a reference record.
    pub subject: String,
    /// Local id of the subject.
    pub subject_id: i64,
    /// Id of the outbox item.
    pub item: i64,
    pub state: DeliveryState,
    /// Why it is not delivered.
    pub reason: Option<String>,
    /// What a user should know although it was delivered.
    pub notices: Vec<Notice>,
    /// Time until the next attempt; none when there will be none.
    pub retry_in: Option<Duration>,
    /// Whether Administrate as a whole could not be used, so that trying other items is pointless.
    pub outage: bool,
}

/// An observation made during a delivery that does not prevent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The course template created more sessions than the event has locally; the extra ones stay drafts.
    ExtraSessions { count: usize },
    /// The event or record existed in Administrate already and was linked.
    Adopted,
    /// Administrate reported this warning although it created the record.
    Warning(String),
    /// Input fields that this instance's API does not accept; a user has to change them in Administrate.
    UnsupportedFields(Vec<&'static str>),
    /// The event was removed on both sides, or cancelled in Administrate.
    Removed,
    /// The event was cancelled in Administrate and takes place again.
    Reinstated,
}

impl Notice {
    /// Returns whether both systems differ until a user acts. The event's venue does not count: its sessions carry it.
    pub fn needs_attention(&self) -> bool {
        matches!(self, Notice::UnsupportedFields(fields) if fields.iter().any(|field| *field != "venueId"))
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::ExtraSessions { count } => {
                let sessions = crate::console::counted(*count, "session");
                write!(f, "Administrate created {sessions} more than the timetable has; the extra ones stay drafts")
            }
            Notice::Adopted => f.write_str("it existed in Administrate already and was linked"),
            Notice::Warning(warning) => write!(f, "Administrate created it with a warning: {warning}"),
            Notice::UnsupportedFields(fields) => {
                let fields = fields.join(", ");
                write!(f, "this Administrate does not accept {fields}: change it in Administrate")
            }
            Notice::Removed => f.write_str("removed on both sides"),
            Notice::Reinstated => f.write_str("the event was cancelled in Administrate and has been reinstated"),
        }
    }
}
