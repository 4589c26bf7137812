//! Events, their sessions, staff and learners.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use super::{CustomFieldValues, LearningMode, Number};

/// State of an event: draft → published → cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventState {
    /// Initial state of every event.
    #[default]
    Draft,
    /// Visible and bookable.
    Published,
    /// Cancelled.
    Cancelled,
}

/// State of a session; independent of the state of its event.
pub type SessionState = EventState;

/// An event: one scheduled run of a course template. Wall-clock times are in `time_zone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Title. Administrate does not enforce uniqueness.
    pub title: String,
    /// Code.
    pub code: Option<String>,
    /// Course template. Only classroom events may have none.
    pub template: Option<Number>,
    /// How it is taught.
    pub learning_mode: LearningMode,
    /// State.
    pub state: EventState,
    /// `true` for `eventType: private`.
    pub is_private: bool,
    /// IANA name.
    pub time_zone: String,
    /// Location.
    pub location: Option<Number>,
    /// Venue.
    pub venue: Option<Number>,
    /// Tax type.
    pub tax_type: Option<Number>,
    /// Start of the classroom part.
    pub classroom_start: Option<civil::DateTime>,
    /// End of the classroom part.
    pub classroom_end: Option<civil::DateTime>,
    /// Start of the window on the learning platform.
    pub lms_start: Option<civil::DateTime>,
    /// End of the window on the learning platform.
    pub lms_end: Option<civil::DateTime>,
    /// Maximum number of learners.
    pub max_places: Option<i32>,
    /// Minimum number of learners.
    pub min_places: Option<i32>,
    /// Number of booked places.
    pub booked_places: i32,
    /// Manually marked as sold out. Full events are sold out in any case.
    pub is_sold_out: bool,
    /// Registration deadline.
    pub registration_deadline: Option<Timestamp>,
    /// Notes for staff.
    pub internal_notes: Option<String>,
    /// Notes for learners.
    pub external_notes: Option<String>,
    /// Address of the remote meeting.
    pub remote_meeting_url: Option<String>,
    /// Time of cancellation.
    pub cancelled_at: Option<Timestamp>,
    /// Custom-field values.
    pub custom_fields: CustomFieldValues,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

impl Event {
    /// Returns the start for `start` and `timeZonedStart`: of the classroom part, else of the LMS window.
    pub fn start(&self) -> Option<civil::DateTime> {
        self.classroom_start.or(self.lms_start)
    }

    /// Returns the end for `end` and `timeZonedEnd`: of the classroom part, else of the LMS window.
    pub fn end(&self) -> Option<civil::DateTime> {
        self.classroom_end.or(self.lms_end)
    }

    /// Returns the remaining places, or `None` without a maximum.
    pub fn remaining_places(&self) -> Option<i32> {
        self.max_places.map(|places| places - self.booked_places)
    }
}

/// A session of an event. Wall-clock times are in `time_zone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The event it belongs to.
    pub event: Number,
    /// Title.
    pub title: String,
    /// Code.
    pub code: Option<String>,
    /// State.
    pub state: SessionState,
    /// IANA name.
    pub time_zone: String,
    /// Start.
    pub start: Option<civil::DateTime>,
    /// End.
    pub end: Option<civil::DateTime>,
    /// Location.
    pub location: Option<Number>,
    /// Venue.
    pub venue: Option<Number>,
    /// Custom-field values.
    pub custom_fields: CustomFieldValues,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A staff member of an event or a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Staff {
    /// The event or session: their numbers share one sequence.
    pub course: Number,
    /// The contact.
    pub contact: Number,
    /// `true` for an administrator, `false` for an instructor.
    pub is_administrator: bool,
    /// Whether it was the first staff member of its type.
    pub is_primary: bool,
    /// Notes.
    #[serde(default)]
    pub notes: Option<String>,
}

/// A learner on an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    /// The event.
    pub event: Number,
    /// The contact.
    pub contact: Number,
    /// Attendance by session number.
    #[serde(default)]
    pub attended: BTreeMap<Number, bool>,
}
