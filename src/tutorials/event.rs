//! Events and sessions as plain data.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How an event is taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LearningMode {
    /// Classroom and learning platform.
    Blended,
    /// Learning platform only, without sessions.
    Lms,
    /// Classroom only.
    Classroom,
}

/// The role of a member of staff for a whole event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    Instructor,
    Administrator,
}

/// A member of staff of a whole event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    pub role: StaffRole,
    /// The name in the timetable.
    pub name: String,
    /// The local instructor; `None` for administrators.
    pub tutorial_instructor_id: Option<i64>,
    /// The contact in Administrate; `None` for instructors, whose link has it.
    pub external_id: Option<String>,
}

/// All values of an event with its sessions. Plans compare it, operations write it, delivery sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Unique code, up to 100 characters; the title in Administrate.
    pub code: String,
    /// The store product that it is sold as.
    pub product_id: i64,
    /// The course template; `None` for events that no timetable contained.
    pub course_template_id: Option<i64>,
    /// `None` for events that no timetable contained.
    pub learning_mode: Option<LearningMode>,
    pub location_id: Option<i64>,
    pub venue_id: Option<i64>,
    /// The location as the timetable writes it.
    pub location_text: Option<String>,
    /// The venue as the timetable writes it, also if it is to be confirmed.
    pub venue_text: Option<String>,
    pub is_soldout: bool,
    /// The day on which the provider decides whether the event takes place.
    pub finalisation_date: Option<Date>,
    /// Number of places left.
    pub remain_space: i32,
    pub start_date: Date,
    /// Last day.
    pub end_date: Date,
    /// IANA name of the zone in which times are displayed.
    pub time_zone: String,
    /// Start of access to the learning platform.
    pub lms_start: Option<Timestamp>,
    /// End of access to the learning platform.
    pub lms_end: Option<Timestamp>,
    /// Total number of places.
    pub max_places: Option<i32>,
    /// The sitting as the timetable writes it, such as `2026A`.
    pub sitting: Option<String>,
    /// The event is sold on the web.
    pub web_sale: bool,
    pub cancelled: bool,
    /// Address of an online event.
    pub event_url: Option<String>,
    /// Code of the course on the learning platform.
    pub ocr_moodle_code: Option<String>,
    /// Duration of access, as text of the provider.
    pub access_duration: Option<String>,
    pub recordings: Option<String>,
    pub recording_pin: Option<String>,
    pub tutors: Option<String>,
    pub sage_code: Option<String>,
    pub extra_information: Option<String>,
    /// Last day to register.
    pub registration_deadline: Option<Date>,
    /// The staff of the whole event, in the timetable's order.
    pub staff: Vec<Staff>,
    /// The sessions by sequence.
    pub sessions: Vec<Session>,
}

impl Event {
    /// Returns the local ids of all instructors of the event and its sessions, possibly with repetitions.
    pub fn people(&self) -> impl Iterator<Item = i64> {
        let of_sessions = self.sessions.iter().flat_map(|session| session.instructor_ids.iter().copied());
        self.staff.iter().filter_map(|staff| staff.tutorial_instructor_id).chain(of_sessions)
    }

    /// Returns the event with the instructor ids in `replacements` replaced.
    pub fn with_people(mut self, replacements: &HashMap<i64, i64>) -> Self {
        let of_staff = self.staff.iter_mut().filter_map(|staff| staff.tutorial_instructor_id.as_mut());
        let of_sessions = self.sessions.iter_mut().flat_map(|session| session.instructor_ids.iter_mut());
        for id in of_staff.chain(of_sessions) {
            *id = replacements.get(id).copied().unwrap_or(*id);
        }
        self
    }
}

/// All values of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Position in the event, from 1.
    pub sequence: i32,
    /// Up to 255 characters.
    pub title: String,
    pub start: Timestamp,
    pub end: Timestamp,
    /// `None` means the event's location.
    pub location_id: Option<i64>,
    /// `None` means the event's venue.
    pub venue_id: Option<i64>,
    /// The location as the timetable writes it.
    pub location_text: Option<String>,
    /// The venue as the timetable writes it.
    pub venue_text: Option<String>,
    /// Address of an online session.
    pub url: Option<String>,
    pub instructor_ids: Vec<i64>,
}

/// A stored event with its local id and those of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownEvent {
    pub id: i64,
    #[serde(flatten)]
    pub event: Event,
    /// Local ids of the sessions, in the order of `event.sessions`.
    pub session_ids: Vec<i64>,
}

/// The free places of an event, with its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    pub id: i64,
    pub code: String,
    pub is_soldout: bool,
    /// Number of places left.
    pub remain_space: i32,
    /// The maximum number of places; none if it is not known.
    pub max_places: Option<i32>,
    /// The sessions by sequence.
    pub sessions: Vec<SessionSummary>,
}

/// The values by which a session is matched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionSummary {
    pub id: i64,
    pub sequence: i32,
    pub title: String,
    pub start: Timestamp,
}

/// A change of an event's free places; `None` means unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacesChange {
    pub is_soldout: Option<bool>,
    /// Number of places left.
    pub remain_space: Option<i32>,
}
