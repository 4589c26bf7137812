//! Events, their sessions, staff and learners.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use super::{CustomFieldValues, LearningMode, Number};

/// An event's state: draft → published → cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventState {
    /// As every new event is.
    #[default]
    Draft,
    /// Visible and bookable.
    Published,
    /// Called off.
    Cancelled,
}

/// A session's state; changed apart from its event's.
pub type SessionState = EventState;

/// An event: one running of a course template. Wall-clock times are in `time_zone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Title; Administrate does not force it to be unique.
    pub title: String,
    /// Code.
    pub code: Option<String>,
    /// The template it was made from; only classroom events may lack one.
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
    /// First and last moment in the classroom.
    pub classroom_start: Option<civil::DateTime>,
    /// See `classroom_start`.
    pub classroom_end: Option<civil::DateTime>,
    /// First and last moment on the learning platform.
    pub lms_start: Option<civil::DateTime>,
    /// See `lms_start`.
    pub lms_end: Option<civil::DateTime>,
    /// Places.
    pub max_places: Option<i32>,
    /// Least number of learners.
    pub min_places: Option<i32>,
    /// Places taken.
    pub booked_places: i32,
    /// Marked as sold out by hand; full events are sold out anyhow.
    pub is_sold_out: bool,
    /// Last moment to register.
    pub registration_deadline: Option<Timestamp>,
    /// Notes for staff.
    pub internal_notes: Option<String>,
    /// Notes for learners.
    pub external_notes: Option<String>,
    /// Address of the remote meeting.
    pub remote_meeting_url: Option<String>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Custom-field values.
    pub custom_fields: CustomFieldValues,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Event {
    /// Start as `start` and `timeZonedStart` show it: of the classroom part, else of the LMS window.
    pub fn start(&self) -> Option<civil::DateTime> {
        self.classroom_start.or(self.lms_start)
    }

    /// End, likewise.
    pub fn end(&self) -> Option<civil::DateTime> {
        self.classroom_end.or(self.lms_end)
    }

    /// Places left; null without a maximum.
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
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One person's part in an event or a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Staff {
    /// The event or session: their numbers share one sequence.
    pub course: Number,
    /// The person.
    pub contact: Number,
    /// `true` for an administrator, `false` for an instructor.
    pub is_administrator: bool,
    /// Whether it was the first of its kind there.
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
    /// The person.
    pub contact: Number,
    /// Attendance by session number.
    #[serde(default)]
    pub attended: BTreeMap<Number, bool>,
}
