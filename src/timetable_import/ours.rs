//! What our tables say before an import: the references that a timetable may name, and the events that it may change.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::blocks::Mode;

/// A record of ours, by id, with the name that people know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Our id.
    pub id: i64,
    /// Its name, code, or "First Last".
    pub name: String,
}

impl PartialEq for Named {
    /// The same record, whatever it is called today.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// A course template, location or instructor that is active, with its bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct Linked {
    /// Ours.
    pub record: Named,
    /// Administrate's id, None without a bridge.
    pub external_id: Option<String>,
}

/// A venue, which belongs to a location.
#[derive(Clone, Debug, PartialEq)]
pub struct OurVenue {
    /// Record and bridge.
    pub linked: Linked,
    /// The location that it stands in.
    pub location_id: Option<i64>,
}

/// An active product that an event may belong to.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "columns of the catalogue")]
pub struct OurProduct {
    pub product: Named,
    pub session_code: String,
    pub variation_code: String,
    pub location_name: String,
}

/// What is kept about an event, here or as a timetable wants it; compared field by field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named like the columns of acted.tutorial_events and lectern.event_details")]
pub struct EventValues {
    pub product: Named,
    pub location: Option<Named>,
    pub venue: Option<Named>,
    pub start_date: Date,
    pub end_date: Date,
    pub finalisation_date: Option<Date>,
    pub template: Option<Named>,
    pub learning_mode: Option<Mode>,
    pub time_zone: String,
    pub lms_start: Option<Timestamp>,
    pub lms_end: Option<Timestamp>,
    pub max_places: Option<i32>,
    pub sitting: Option<String>,
    pub web_sale: bool,
    pub cancelled: bool,
    pub event_url: Option<String>,
    pub ocr_moodle_code: Option<String>,
    pub access_duration: Option<String>,
    pub recordings: Option<String>,
    pub recording_pin: Option<String>,
    pub tutors: Option<String>,
    pub sage_code: Option<String>,
    pub extra_information: Option<String>,
    pub registration_deadline: Option<Date>,
    pub instructors: Vec<Named>,
    pub administrators: Vec<Contact>,
    /// Columns that mean nothing to us, by header.
    pub unused: BTreeMap<String, String>,
}

/// What is kept about a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named like the columns of acted.tutorial_sessions")]
pub struct SessionValues {
    pub title: String,
    /// Where it takes place, also when that is the event's.
    pub location: Option<Named>,
    pub venue: Option<Named>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub url: Option<String>,
    pub instructors: Vec<Named>,
}

/// A person that only Administrate knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Administrate's id.
    pub external_id: String,
    /// "First Last".
    pub name: String,
}

impl PartialEq for Contact {
    fn eq(&self, other: &Self) -> bool {
        self.external_id == other.external_id
    }
}

/// A session that exists.
#[derive(Clone, Debug)]
pub struct OurSession {
    /// Our id.
    pub id: i64,
    /// Its day within the event.
    pub sequence: i32,
    /// What is kept about it.
    pub values: SessionValues,
}

/// An event that exists under a title that the timetable names.
#[derive(Clone, Debug)]
pub struct OurEvent {
    /// Our id.
    pub id: i64,
    /// Places left.
    pub remain_space: i32,
    /// Whether a timetable or the API ever gave it details.
    pub has_details: bool,
    /// What is kept about it.
    pub values: EventValues,
    /// Its sessions, by sequence.
    pub sessions: Vec<OurSession>,
}

/// Somebody or some room taken for a time, by an event that the timetable does not name.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Booking {
    pub event: String,
    pub session: String,
    pub venue_id: Option<i64>,
    pub instructor_ids: Vec<i64>,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// Everything of ours that a plan depends on.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    /// Active course templates, named by code.
    pub templates: Vec<Linked>,
    /// Active locations.
    pub locations: Vec<Linked>,
    /// Venues.
    pub venues: Vec<OurVenue>,
    /// Active instructors, named "First Last".
    pub instructors: Vec<Linked>,
    /// Active products whose session codes the timetable means.
    pub products: Vec<OurProduct>,
    /// Folded (entity type, label) of the synced custom fields.
    pub labels: HashSet<(String, String)>,
    /// Existing events by title.
    pub events: HashMap<String, OurEvent>,
    /// What other events have booked in the time of the timetable.
    pub bookings: Vec<Booking>,
    /// Most sessions that Administrate ever made for an event of a template, by our template's id.
    pub template_sessions: HashMap<i64, i64>,
}
