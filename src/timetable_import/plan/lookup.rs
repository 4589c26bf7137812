//! Names → records. A name means the one active record that bears it; of several, the one that a person has linked with
//! Administrate's, and none where nobody has.

use std::collections::{BTreeMap, HashMap};

use crate::names::{fold, nearest};

use super::inputs::{ContactRecord, LinkedProduct, LinkedRecord, LocalState, NamedRecord};
use super::remote_state::RemoteState;
use crate::timetable_import::problems::{Code, Issue};
use crate::timetable_import::values::{Sitting, sitting_of};

/// A record that Administrate knows too.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Ours.
    pub record: NamedRecord,
    /// Administrate's id.
    pub external_id: String,
}

/// A kind of record and how it is spoken of.
struct Kind {
    unknown: Code,
    one: &'static str,
    sync: &'static str,
}

const TEMPLATE: Kind = Kind { unknown: Code::UnknownCourseTemplate, one: "course template", sync: "course-templates" };
const LOCATION: Kind = Kind { unknown: Code::UnknownLocation, one: "location", sync: "locations" };
const VENUE: Kind = Kind { unknown: Code::UnknownVenue, one: "venue", sync: "venues" };
const INSTRUCTOR: Kind = Kind { unknown: Code::UnknownInstructor, one: "instructor", sync: "instructors" };

type ByName<'a> = HashMap<String, Vec<&'a LinkedRecord>>;

/// Every name that a timetable may use, ready to be looked up.
pub struct ReferenceLookup<'a> {
    templates: ByName<'a>,
    locations: ByName<'a>,
    venues: HashMap<i64, ByName<'a>>,
    instructors: ByName<'a>,
    products: HashMap<(String, String), Vec<&'a LinkedProduct>>,
    administrators: HashMap<String, Vec<&'a ContactRecord>>,
    /// How many contacts of Administrate teach under a name; only where unknown ones are to be created here.
    teaching: HashMap<String, usize>,
    sittings: &'a BTreeMap<String, String>,
    facts: &'a RemoteState,
}

impl<'a> ReferenceLookup<'a> {
    /// Indexes both sides by folded name; `sittings`: letters and what they are in the codes of exam sessions.
    pub fn new(ours: &'a LocalState, facts: &'a RemoteState, sittings: &'a BTreeMap<String, String>) -> Self {
        let mut venues: HashMap<i64, ByName<'a>> = HashMap::new();
        for venue in &ours.venues {
            if let Some(location) = venue.location_id {
                list(venues.entry(location).or_default(), &venue.linked);
            }
        }
        let mut products: HashMap<_, Vec<_>> = HashMap::new();
        for product in ours.products.iter().filter(|product| product.is_active) {
            let key = (fold(&product.variation_code), fold(&product.location_name));
            products.entry(key).or_default().push(product);
        }
        let mut administrators: HashMap<_, Vec<_>> = HashMap::new();
        for contact in &facts.administrators {
            administrators.entry(fold(&contact.name)).or_default().push(contact);
        }
        let mut teaching = HashMap::new();
        for name in facts.instructors.iter().filter_map(administrate::Contact::full_name) {
            *teaching.entry(fold(&name)).or_default() += 1;
        }
        Self {
            templates: by_name(&ours.templates),
            locations: by_name(&ours.locations),
            venues,
            instructors: by_name(&ours.instructors),
            products,
            administrators,
            teaching,
            sittings,
            facts,
        }
    }

    /// The course template with this code.
    ///
    /// # Errors
    /// `unknown_course_template` or `not_linked`.
    pub fn template(&self, code: &str) -> Result<Reference, Issue> {
        find(&self.templates, code, &TEMPLATE, "")
    }

    /// The location with this name.
    ///
    /// # Errors
    /// `unknown_location` or `not_linked`.
    pub fn location(&self, name: &str) -> Result<Reference, Issue> {
        find(&self.locations, name, &LOCATION, "")
    }

    /// The venue with this name at a location.
    ///
    /// # Errors
    /// `unknown_venue` or `not_linked`.
    pub fn venue(&self, name: &str, location: &NamedRecord) -> Result<Reference, Issue> {
        let none = ByName::new();
        let names = self.venues.get(&location.id).unwrap_or(&none);
        find(names, name, &VENUE, &format!(" at {}", location.name))
    }

    /// The instructor with this whole name.
    ///
    /// # Errors
    /// `unknown_instructor` or `not_linked`.
    pub fn instructor(&self, name: &str) -> Result<Reference, Issue> {
        let key = fold(name);
        match self.teaching.get(&key) {
            Some(count) if *count > 1 && !self.instructors.contains_key(&key) => {
                let message = format!(
                    "{count} instructors of Administrate are called \"{name}\" and nobody here; give them different \
                     names, or create the one who is meant here and link the two with `lectern sync link instructors`"
                );
                Err(Issue::new(Code::UnknownInstructor, message))
            }
            _ => find(&self.instructors, name, &INSTRUCTOR, ""),
        }
    }

    /// Whether an instructor may teach a course template.
    ///
    /// # Errors
    /// `not_approved_instructor`, suggesting approved ones with similar names.
    pub fn approval(&self, instructor: &Reference, template: &Reference) -> Result<(), Issue> {
        let approved = self.facts.approved.get(&template.external_id);
        if approved.is_some_and(|ids| ids.contains(&instructor.external_id)) {
            return Ok(());
        }
        let (name, code) = (&instructor.record.name, &template.record.name);
        let message = match self.denied(instructor, template) {
            Some(why) => format!("{name} could not be approved to teach {code}: {why}"),
            None => format!(
                "{name} is not approved to teach {code}; approve them in Administrate, or import with \
                 --approve-instructors"
            ),
        };
        Err(Issue::new(Code::NotApprovedInstructor, message))
    }

    /// Why Administrate has refused to approve an instructor, if it was asked.
    pub fn denied(&self, instructor: &Reference, template: &Reference) -> Option<&'a str> {
        let asked = (template.external_id.clone(), instructor.external_id.clone());
        self.facts.denied.get(&asked).map(String::as_str)
    }

    /// The contact with this whole name that may administer events.
    ///
    /// # Errors
    /// `unknown_instructor`.
    pub fn administrator(&self, name: &str) -> Result<ContactRecord, Issue> {
        match self.administrators.get(&fold(name)).map(Vec::as_slice) {
            Some([contact]) => Ok((*contact).clone()),
            Some(several) => {
                let count = several.len();
                let message = format!("{count} contacts of Administrate that may administer are called \"{name}\"");
                Err(Issue::new(Code::UnknownInstructor, message))
            }
            None => {
                let known = self.administrators.values().flatten().map(|contact| contact.name.as_str());
                let message = format!("no contact of Administrate that may administer is called \"{name}\"");
                Err(Issue::new(Code::UnknownInstructor, message).suggesting(nearest(name, known)))
            }
        }
    }

    /// The product of a sitting × template × location (rules, Import).
    ///
    /// # Errors
    /// `unknown_product` when none or several fit, naming the candidates.
    pub fn product(
        &self,
        sitting: &Sitting,
        template: &NamedRecord,
        location: &NamedRecord,
    ) -> Result<NamedRecord, Issue> {
        let key = (fold(&template.name), fold(&location.name));
        let of_place: &[&LinkedProduct] = self.products.get(&key).map_or(&[], Vec::as_slice);
        let wanted = [fold(&sitting.written), fold(&sitting.mapped)];
        let mut fitting = of_place.iter().filter(|product| wanted.contains(&fold(&product.session_code)));
        let what = format!("{} at {} in sitting {}", template.name, location.name, sitting.written);
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(one.product.clone()),
            (None, _) => {
                // As the cell would say it, which takes no code of an exam session.
                let said = |product: &&LinkedProduct| sitting_of(&product.session_code, self.sittings);
                let mut others: Vec<String> = of_place.iter().filter_map(said).collect();
                others.sort_unstable();
                others.dedup();
                let hint = match others.as_slice() {
                    [] => format!("; the catalogue has no product of {} at {}", template.name, location.name),
                    others => format!("; there are products for {}", others.join(", ")),
                };
                Err(Issue::new(Code::UnknownProduct, format!("no product is sold as {what}{hint}")).suggesting(others))
            }
            (Some(_), Some(_)) => {
                let all = of_place.iter().filter(|product| wanted.contains(&fold(&product.session_code)));
                let codes: Vec<String> = all.map(|product| product.product.name.clone()).collect();
                let message =
                    format!("several products are sold as {what}: {}; leave one of them active", codes.join(", "));
                Err(Issue::new(Code::UnknownProduct, message))
            }
        }
    }
}

fn by_name(records: &[LinkedRecord]) -> ByName<'_> {
    let mut names = ByName::new();
    records.iter().filter(|linked| linked.is_active).for_each(|linked| list(&mut names, linked));
    names
}

/// Lists a record under its name, once.
fn list<'a>(names: &mut ByName<'a>, linked: &'a LinkedRecord) {
    let namesakes = names.entry(fold(&linked.record.name)).or_default();
    if namesakes.iter().all(|known| known.record.id != linked.record.id) {
        namesakes.push(linked);
    }
}

fn find(names: &ByName<'_>, name: &str, kind: &Kind, place: &str) -> Result<Reference, Issue> {
    let Kind { unknown, one, sync } = kind;
    let Some(found) = names.get(&fold(name)) else {
        let known = names.values().flatten().map(|linked| linked.record.name.as_str());
        let message = format!("no {one}{place} is called \"{name}\"");
        return Err(Issue::new(*unknown, message).suggesting(nearest(name, known)));
    };
    let decided: Vec<&LinkedRecord> = found.iter().copied().filter(|linked| linked.is_decided).collect();
    let (linked, external_id) = match (found.as_slice(), decided.as_slice()) {
        ([linked], _) | (_, [linked]) => (linked, linked.external_id.clone()),
        _ => return Err(several(found, name, kind, place)),
    };
    external_id.map(|external_id| Reference { record: linked.record.clone(), external_id }).ok_or_else(|| {
        let message = format!(
            "the {one} \"{name}\" is not linked with Administrate; run `lectern sync {sync}`, or create it there"
        );
        Issue::new(Code::NotLinked, message)
    })
}

/// A name that several records bear, all of which are told.
fn several(found: &[&LinkedRecord], name: &str, kind: &Kind, place: &str) -> Issue {
    let Kind { unknown, one, sync } = kind;
    let candidates: Vec<String> =
        found.iter().map(|linked| format!("\"{}\" ({})", linked.record.name, linked.record.id)).collect();
    let message = format!(
        "several {one}s{place} are called \"{name}\": {}; rename all but one or set them inactive, or say which is \
         meant with `lectern sync link {sync} ID ADMINISTRATE_ID`",
        candidates.join(", ")
    );
    Issue::new(*unknown, message)
}
