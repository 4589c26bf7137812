//! The local state that a plan depends on: records that a timetable may name, and existing events.

use std::collections::{HashMap, HashSet};

use administrate::Id;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::new_instructors::NewInstructor;
pub use crate::bridges::events::RemoteStatus as Link;
use crate::config::Labels;
use crate::merge::desired::DesiredStaff;
use crate::merge::{EventBaseline, ReferenceNames};
use crate::timetable_import::mapping::ProductMapping;
use crate::tutorials::KnownEvent;

/// A local record with the name that users know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct NamedRecord {
    /// The local id.
    pub id: i64,
    /// The name, the code, or "First Last".
    pub name: String,
}

/// A local course template, location or instructor with its link to Administrate.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedRecord {
    #[sqlx(flatten)]
    pub record: NamedRecord,
    /// Whether a timetable may name it. Inactive records are only displayed.
    pub is_active: bool,
    /// Administrate's id, None without a link.
    pub external_id: Option<String>,
    /// Whether a user created the link manually. Such a record wins over others with the same name.
    #[sqlx(default)]
    pub is_linked_manually: bool,
}

/// A venue, which belongs to a location.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedVenue {
    #[sqlx(flatten)]
    pub linked: LinkedRecord,
    /// The local id of its location.
    pub location_id: Option<i64>,
}

/// A product that an event may belong to, with the values that identify it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LinkedProduct {
    #[sqlx(flatten)]
    pub product: NamedRecord,
    pub is_active: bool,
    pub session_code: String,
    /// Empty where the variation has none.
    pub variation_code: String,
    pub location_name: String,
    /// The subject.
    pub subject_id: i64,
    pub subject_code: String,
    pub is_tutorial: bool,
    /// The product together with its variation, which every exam session may sell.
    pub product_variation_id: i64,
}

/// A contact that exists only in Administrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct ContactRecord {
    /// Administrate's id.
    pub external_id: String,
    /// "First Last".
    pub name: String,
}

/// The definition of a custom field in Administrate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub key: String,
    /// The name that users see.
    pub label: String,
    /// The type, such as number, date or choice, in any letter case.
    pub field_type: String,
    /// Whether a value is required.
    pub is_required: bool,
    /// The values of a choice; empty where Administrate does not report them.
    pub options: Vec<String>,
}

/// A venue and instructors booked for a time by an event that the timetable does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub event: String,
    pub session: String,
    pub venue_id: Option<i64>,
    pub instructor_ids: Vec<i64>,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// The whole local state that a plan depends on.
#[derive(Clone, Debug, Default)]
pub struct LocalState {
    /// Course templates, named by code.
    pub templates: Vec<LinkedRecord>,
    pub locations: Vec<LinkedRecord>,
    pub venues: Vec<LinkedVenue>,
    /// Instructors, named "First Last".
    pub instructors: Vec<LinkedRecord>,
    /// Instructors that exist only in Administrate and are to be created; also listed in `instructors`.
    pub new_instructors: Vec<NewInstructor>,
    /// Products that events are sold as.
    pub products: Vec<LinkedProduct>,
    /// Products that users chose.
    pub mappings: Vec<ProductMapping>,
    /// Synced custom fields by folded (entity type, label).
    pub fields: HashMap<(String, String), Definition>,
    /// Pairs of a local course template and the key of a custom field for which it has a default value.
    pub defaults: HashSet<(i64, String)>,
    /// Existing events by folded title.
    pub events: HashMap<String, KnownEvent>,
    /// Folded titles that several local events share, with the codes of these events.
    pub ambiguous_titles: HashMap<String, Vec<String>>,
    /// Bookings by other events in the time of the timetable.
    pub bookings: Vec<Booking>,
    /// Most sessions that Administrate ever created for an event of a template, by local template id.
    pub template_sessions: HashMap<i64, i64>,
    /// Links of existing events to Administrate, by local event id; absent without a link.
    pub links: HashMap<i64, Link>,
    /// Baselines by local event id; loaded only for events whose state in Administrate was read.
    pub baselines: HashMap<i64, EventBaseline>,
    /// Baselines of the staff of whole events by Administrate's id, loaded like `baselines`.
    pub staff_baselines: HashMap<String, DesiredStaff>,
}

impl LocalState {
    /// Marks the records that a user linked manually, given as entity name and local id.
    pub(in crate::timetable_import) fn mark_manual_links(&mut self, linked: &HashSet<(String, i64)>) {
        let mark = |entity: &str, record: &mut LinkedRecord| {
            record.is_linked_manually = linked.contains(&(entity.to_owned(), record.record.id));
        };
        if linked.is_empty() {
            return;
        }
        self.templates.iter_mut().for_each(|record| mark("course-templates", record));
        self.locations.iter_mut().for_each(|record| mark("locations", record));
        self.instructors.iter_mut().for_each(|record| mark("instructors", record));
        self.venues.iter_mut().for_each(|venue| mark("venues", &mut venue.linked));
    }

    /// Returns Administrate's id of an instructor.
    pub(crate) fn contact_of(&self, instructor: i64) -> Option<Id> {
        let known = self.instructors.iter().find(|known| known.record.id == instructor)?;
        known.external_id.as_deref().map(Id::new)
    }

    /// Returns the name of a contact, or its id if it is not known locally.
    pub(crate) fn contact_name(&self, contact: &Id) -> String {
        let known = self.instructors.iter().find(|known| known.external_id.as_deref() == Some(contact.as_str()));
        known.map_or_else(|| contact.to_string(), |known| known.record.name.clone())
    }

    /// Returns the names of the records that events refer to, for both sides.
    pub(crate) fn reference_names(&self, labels: &Labels) -> ReferenceNames {
        let named = |linked: &LinkedRecord| (linked.record.id, linked.record.name.clone(), linked.external_id.clone());
        let fields = self.fields.iter();
        let fields = fields.map(|((entity, label), field)| (entity.clone(), label.clone(), field.key.clone()));
        let venues = self.venues.iter().map(|venue| named(&venue.linked));
        ReferenceNames::new(labels, self.locations.iter().map(named), venues, fields)
    }
}
