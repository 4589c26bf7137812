//! Finds records by name: the only active record with the name, or of several the one that a user linked manually.

use std::collections::{BTreeMap, HashMap};

use crate::names::{fold, nearest};

use super::inputs::{ContactRecord, LinkedRecord, LocalState, NamedRecord};
use super::products::ProductLookup;
use super::remote_state::RemoteState;
use crate::workbook::problems::{Code, Issue};
use crate::workbook::values::Sitting;

/// A local record that is linked to Administrate.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub record: NamedRecord,
    /// Administrate's id.
    pub external_id: String,
}

/// A kind of record with its words for messages.
struct RecordKind {
    /// The code of an unknown name.
    unknown: Code,
    /// The singular.
    noun: &'static str,
    /// The entity of `lectern sync`.
    entity: &'static str,
}

const TEMPLATE: RecordKind =
    RecordKind { unknown: Code::UnknownCourseTemplate, noun: "course template", entity: "course-templates" };
const LOCATION: RecordKind = RecordKind { unknown: Code::UnknownLocation, noun: "location", entity: "locations" };
const VENUE: RecordKind = RecordKind { unknown: Code::UnknownVenue, noun: "venue", entity: "venues" };
const INSTRUCTOR: RecordKind =
    RecordKind { unknown: Code::UnknownInstructor, noun: "instructor", entity: "instructors" };

type ByName<'a> = HashMap<String, Vec<&'a LinkedRecord>>;

/// Index of the records that a timetable may name, by folded name.
pub struct ReferenceLookup<'a> {
    templates: ByName<'a>,
    locations: ByName<'a>,
    venues: HashMap<i64, ByName<'a>>,
    instructors: ByName<'a>,
    products: ProductLookup<'a>,
    administrators: HashMap<String, Vec<&'a ContactRecord>>,
    /// Number of teaching contacts with a name. Empty unless the caller requested to create unknown instructors.
    contact_counts: HashMap<String, usize>,
    remote: &'a RemoteState,
}

impl<'a> ReferenceLookup<'a> {
    /// Builds the index; `sittings`: letter of a sitting → suffix of a session code ("A" → "-04").
    pub fn new(local: &'a LocalState, remote: &'a RemoteState, sittings: &'a BTreeMap<String, String>) -> Self {
        let mut venues: HashMap<i64, ByName<'a>> = HashMap::new();
        for venue in &local.venues {
            if let Some(location) = venue.location_id {
                add_name(venues.entry(location).or_default(), &venue.linked);
            }
        }
        let mut administrators: HashMap<_, Vec<_>> = HashMap::new();
        for contact in &remote.administrators {
            administrators.entry(fold(&contact.name)).or_default().push(contact);
        }
        let mut contact_counts = HashMap::new();
        for name in remote.instructors.iter().filter_map(administrate::Contact::full_name) {
            *contact_counts.entry(fold(&name)).or_default() += 1;
        }
        Self {
            templates: by_name(&local.templates),
            locations: by_name(&local.locations),
            venues,
            instructors: by_name(&local.instructors),
            products: ProductLookup::new(local, sittings),
            administrators,
            contact_counts,
            remote,
        }
    }

    /// Finds the course template with this code.
    ///
    /// # Errors
    /// `unknown_course_template` or `not_linked`.
    pub fn template(&self, code: &str) -> Result<Reference, Issue> {
        find(&self.templates, code, &TEMPLATE, "")
    }

    /// Finds the location with this name.
    ///
    /// # Errors
    /// `unknown_location` or `not_linked`.
    pub fn location(&self, name: &str) -> Result<Reference, Issue> {
        find(&self.locations, name, &LOCATION, "")
    }

    /// Finds the venue with this name at a location.
    ///
    /// # Errors
    /// `unknown_venue` or `not_linked`.
    pub fn venue(&self, name: &str, location: &NamedRecord) -> Result<Reference, Issue> {
        let none = ByName::new();
        let names = self.venues.get(&location.id).unwrap_or(&none);
        find(names, name, &VENUE, &format!(" at {}", location.name))
    }

    /// Finds the instructor with this full name.
    ///
    /// # Errors
    /// `unknown_instructor` or `not_linked`.
    pub fn instructor(&self, name: &str) -> Result<Reference, Issue> {
        let key = fold(name);
        match self.contact_counts.get(&key) {
            Some(count) if *count > 1 && !self.instructors.contains_key(&key) => {
                let message = format!(
                    "{count} instructors of Administrate are called \"{name}\" and none locally; give them different \
                     names, or create the right one locally and link it with `lectern sync link instructors`"
                );
                Err(Issue::new(Code::UnknownInstructor, message))
            }
            _ => find(&self.instructors, name, &INSTRUCTOR, ""),
        }
    }

    /// Checks that an instructor may teach a course template.
    ///
    /// # Errors
    /// `not_approved_instructor`.
    pub fn approval(&self, instructor: &Reference, template: &Reference) -> Result<(), Issue> {
        let approved = self.remote.approved.get(&template.external_id);
        if approved.is_some_and(|ids| ids.contains(&instructor.external_id)) {
            return Ok(());
        }
        let (name, code) = (&instructor.record.name, &template.record.name);
        let message = match self.approval_error(instructor, template) {
            Some(reason) => format!("Administrate did not approve {name} to teach {code}: {reason}"),
            None => format!(
                "{name} is not approved to teach {code}; approve them in Administrate, or import with \
                 --approve-instructors"
            ),
        };
        Err(Issue::new(Code::NotApprovedInstructor, message))
    }

    /// Returns why Administrate rejected an approval that this import requested.
    pub fn approval_error(&self, instructor: &Reference, template: &Reference) -> Option<&'a str> {
        let approval = (template.external_id.clone(), instructor.external_id.clone());
        self.remote.approval_errors.get(&approval).map(String::as_str)
    }

    /// Finds the contact with this full name that may administer events.
    ///
    /// # Errors
    /// `unknown_instructor`.
    pub fn administrator(&self, name: &str) -> Result<ContactRecord, Issue> {
        match self.administrators.get(&fold(name)).map(Vec::as_slice) {
            Some([contact]) => Ok((*contact).clone()),
            Some(several) => {
                let count = several.len();
                let message = format!(
                    "{count} administrators in Administrate are called \"{name}\"; give them different names in \
                     Administrate"
                );
                Err(Issue::new(Code::UnknownInstructor, message))
            }
            None => {
                let known = self.administrators.values().flatten().map(|contact| contact.name.as_str());
                let message = format!("no administrator in Administrate is called \"{name}\"; correct the name");
                Err(Issue::new(Code::UnknownInstructor, message).with_suggestions(nearest(name, known)))
            }
        }
    }

    /// Finds the product of a sitting, course template and location.
    ///
    /// # Errors
    /// `unknown_product`.
    pub fn product(
        &self,
        sitting: &Sitting,
        template: &NamedRecord,
        location: &NamedRecord,
    ) -> Result<NamedRecord, Issue> {
        self.products.find(sitting, template, location)
    }
}

fn by_name(records: &[LinkedRecord]) -> ByName<'_> {
    let mut names = ByName::new();
    records.iter().filter(|linked| linked.is_active).for_each(|linked| add_name(&mut names, linked));
    names
}

/// Adds a record under its name, once.
fn add_name<'a>(names: &mut ByName<'a>, linked: &'a LinkedRecord) {
    let records = names.entry(fold(&linked.record.name)).or_default();
    if records.iter().all(|known| known.record.id != linked.record.id) {
        records.push(linked);
    }
}

fn find(names: &ByName<'_>, name: &str, kind: &RecordKind, place: &str) -> Result<Reference, Issue> {
    let RecordKind { unknown, noun, entity } = kind;
    let Some(found) = names.get(&fold(name)) else {
        let known = names.values().flatten().map(|linked| linked.record.name.as_str());
        let suggestions = nearest(name, known);
        let mut message = format!("no {noun}{place} is called \"{name}\"");
        if suggestions.is_empty() {
            message.push_str(&format!("; correct the name, or create the {noun} and run `lectern sync {entity}`"));
        }
        return Err(Issue::new(*unknown, message).with_suggestions(suggestions));
    };
    let manual: Vec<&LinkedRecord> = found.iter().copied().filter(|linked| linked.is_linked_manually).collect();
    let (linked, external_id) = match (found.as_slice(), manual.as_slice()) {
        ([linked], _) | (_, [linked]) => (linked, linked.external_id.clone()),
        _ => return Err(ambiguous_name(found, name, kind, place)),
    };
    external_id.map(|external_id| Reference { record: linked.record.clone(), external_id }).ok_or_else(|| {
        let message = format!(
            "the {noun} \"{name}\" is not linked to Administrate; run `lectern sync {entity}`, or create it in \
             Administrate"
        );
        Issue::new(Code::NotLinked, message)
    })
}

/// Describes a name that several records have, with all of them.
fn ambiguous_name(found: &[&LinkedRecord], name: &str, kind: &RecordKind, place: &str) -> Issue {
    let RecordKind { unknown, noun, entity } = kind;
    let candidates: Vec<String> =
        found.iter().map(|linked| format!("\"{}\" ({})", linked.record.name, linked.record.id)).collect();
    let message = format!(
        "several {noun}s{place} are called \"{name}\": {}; rename all but one or set them inactive, or choose one with \
         `lectern sync link {entity} ID ADMINISTRATE_ID`",
        candidates.join(", ")
    );
    Issue::new(*unknown, message)
}
