//! What our tables say before an import: the references that a timetable may name, and the events that it may change.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::new_instructors::NewInstructor;
pub use crate::bridges::events::RemoteStatus as Link;
use crate::config::Labels;
use crate::merge::{EventBaseline, ReferenceNames};
use crate::tutorials::KnownEvent;

/// A record of ours, by id, with the name that people know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct NamedRecord {
    /// Our id.
    pub id: i64,
    /// Its name, code, or "First Last".
    pub name: String,
}

/// A course template, location or instructor, with its bridge.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedRecord {
    /// Ours.
    #[sqlx(flatten)]
    pub record: NamedRecord,
    /// Whether it is in use; one that is not can be shown, but not named.
    pub is_active: bool,
    /// Administrate's id, None without a bridge.
    pub external_id: Option<String>,
    /// Whether a person has linked the two: of several records of one name this one is meant.
    #[sqlx(default)]
    pub is_decided: bool,
}

/// A venue, which belongs to a location.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedVenue {
    /// Record and bridge.
    #[sqlx(flatten)]
    pub linked: LinkedRecord,
    /// The location that it stands in.
    pub location_id: Option<i64>,
}

/// A product that an event may belong to, with what it is found by.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedProduct {
    #[sqlx(flatten)]
    pub product: NamedRecord,
    pub is_active: bool,
    pub session_code: String,
    pub variation_code: String,
    pub location_name: String,
}

/// A person that only Administrate knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct ContactRecord {
    /// Administrate's id.
    pub external_id: String,
    /// "First Last".
    pub name: String,
}

/// What Administrate says of a custom field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    /// Its key.
    pub key: String,
    /// What people see.
    pub label: String,
    /// number, date, choice and so on, in whatever case.
    pub field_type: String,
    /// Whether a value must be given.
    pub is_required: bool,
    /// What a choice may be; empty where that is not told.
    pub options: Vec<String>,
}

/// Somebody or some room taken for a time, by an event that the timetable does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
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
pub struct LocalState {
    /// Course templates, named by code.
    pub templates: Vec<LinkedRecord>,
    /// Locations.
    pub locations: Vec<LinkedRecord>,
    /// Venues.
    pub venues: Vec<LinkedVenue>,
    /// Instructors, named "First Last".
    pub instructors: Vec<LinkedRecord>,
    /// Of the instructors, those whom only Administrate knows and who are to be created here.
    pub newcomers: Vec<NewInstructor>,
    /// Products that events are sold as.
    pub products: Vec<LinkedProduct>,
    /// The synced custom fields by folded (entity type, label).
    pub fields: HashMap<(String, String), Definition>,
    /// Our course templates with the keys of the custom fields for which they give their events a value.
    pub defaults: HashSet<(i64, String)>,
    /// Existing events by folded title.
    pub events: HashMap<String, KnownEvent>,
    /// Titles that several of our events bear, differing in letter case or spacing alone: folded title → their codes.
    pub twins: HashMap<String, Vec<String>>,
    /// What other events have booked in the time of the timetable.
    pub bookings: Vec<Booking>,
    /// Most sessions that Administrate ever made for an event of a template, by our template's id.
    pub template_sessions: HashMap<i64, i64>,
    /// How far known events have come to be in Administrate, by our id; those that are not there are absent.
    pub links: HashMap<i64, Link>,
    /// What both sides last agreed on, by our event's id; read for events that are about to change.
    pub agreed: HashMap<i64, EventBaseline>,
}

impl LocalState {
    /// Marks the records that a person has linked, told by entity and id.
    pub(in crate::timetable_import) fn mark_manual_links(&mut self, linked: &HashSet<(String, i64)>) {
        let mark = |entity: &str, record: &mut LinkedRecord| {
            record.is_decided = linked.contains(&(entity.to_owned(), record.record.id));
        };
        if linked.is_empty() {
            return;
        }
        self.templates.iter_mut().for_each(|record| mark("course-templates", record));
        self.locations.iter_mut().for_each(|record| mark("locations", record));
        self.instructors.iter_mut().for_each(|record| mark("instructors", record));
        self.venues.iter_mut().for_each(|venue| mark("venues", &mut venue.linked));
    }

    /// The names under which both sides know what events refer to.
    pub(crate) fn directory(&self, labels: &Labels) -> ReferenceNames {
        let listed = |linked: &LinkedRecord| (linked.record.id, linked.record.name.clone(), linked.external_id.clone());
        let fields = self.fields.iter();
        let fields = fields.map(|((entity, label), field)| (entity.clone(), label.clone(), field.key.clone()));
        let venues = self.venues.iter().map(|venue| listed(&venue.linked));
        ReferenceNames::new(labels, self.locations.iter().map(listed), venues, fields)
    }
}
