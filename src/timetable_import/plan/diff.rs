//! Two states of an event, field by field: what to show as old → new.
//!
//! How a place is written is no difference, only which place is meant; so is the order of people.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::merge::effective_place;
use crate::tutorials::{Event, Session, StaffRole};

use super::ValueChange;
use super::inputs::LocalState;

/// A field's name, what is compared, and what is shown.
type DisplayValue = (&'static str, Option<String>, Option<String>);

/// The names by which records are shown.
pub(crate) struct ReferenceLabels<'a> {
    templates: HashMap<i64, &'a str>,
    locations: HashMap<i64, &'a str>,
    venues: HashMap<i64, &'a str>,
    instructors: HashMap<i64, &'a str>,
    products: HashMap<i64, &'a str>,
}

impl<'a> ReferenceLabels<'a> {
    pub(crate) fn new(ours: &'a LocalState) -> Self {
        let linked = |records: &'a [crate::timetable_import::plan::inputs::LinkedRecord]| {
            records.iter().map(|linked| (linked.record.id, linked.record.name.as_str())).collect()
        };
        let venues = ours.venues.iter().map(|venue| (venue.linked.record.id, venue.linked.record.name.as_str()));
        let products = ours.products.iter().map(|product| (product.product.id, product.product.name.as_str()));
        Self {
            templates: linked(&ours.templates),
            locations: linked(&ours.locations),
            venues: venues.collect(),
            instructors: linked(&ours.instructors),
            products: products.collect(),
        }
    }

    pub(crate) fn template(&self, id: i64) -> String {
        shown(&self.templates, id)
    }

    pub(crate) fn location(&self, id: i64) -> String {
        shown(&self.locations, id)
    }

    pub(crate) fn venue(&self, id: i64) -> String {
        shown(&self.venues, id)
    }

    pub(crate) fn instructor(&self, id: i64) -> String {
        shown(&self.instructors, id)
    }
}

fn shown(names: &HashMap<i64, &str>, id: i64) -> String {
    names.get(&id).map_or_else(|| format!("#{id}"), |name| (*name).to_owned())
}

/// What differs between two states of an event, its sessions left aside.
pub(crate) fn event_changes(names: &ReferenceLabels<'_>, old: &Event, new: &Event) -> Vec<ValueChange> {
    changes("", &event_fields(names, old), &event_fields(names, new))
}

/// What differs between two states of a session, each within its event.
pub(crate) fn session_changes(
    names: &ReferenceLabels<'_>,
    old: (&Event, &Session),
    new: (&Event, &Session),
) -> Vec<ValueChange> {
    let prefix = format!("day {}: ", new.1.sequence);
    changes(&prefix, &session_fields(names, old), &session_fields(names, new))
}

/// The sessions that two states of an event have in common, the older first.
pub(crate) fn pairs<'a>(old: &'a Event, new: &'a Event) -> impl Iterator<Item = (&'a Session, &'a Session)> {
    let before = |session: &Session| old.sessions.iter().find(|before| before.sequence == session.sequence);
    new.sessions.iter().filter_map(move |session| Some((before(session)?, session)))
}

/// Instructors of a session who no longer teach it.
pub(crate) fn removed(old: &Session, new: &Session) -> impl Iterator<Item = i64> {
    old.instructor_ids.iter().copied().filter(|id| !new.instructor_ids.contains(id))
}

fn changes(prefix: &str, old: &[DisplayValue], new: &[DisplayValue]) -> Vec<ValueChange> {
    let differing = old.iter().zip(new).filter(|(old, new)| old.1 != new.1);
    differing
        .map(|(old, new)| ValueChange { field: format!("{prefix}{}", old.0), old: old.2.clone(), new: new.2.clone() })
        .collect()
}

fn event_fields(names: &ReferenceLabels<'_>, event: &Event) -> Vec<DisplayValue> {
    let zone = zone_of(event);
    vec![
        record("product", Some(event.product_id), |id| shown(&names.products, id)),
        record("course template", event.course_template_id, |id| names.template(id)),
        record("location", event.location_id, |id| names.location(id)),
        record("venue", event.venue_id, |id| names.venue(id)),
        plain("start", Some(event.start_date)),
        plain("end", Some(event.end_date)),
        plain("finalisation date", event.finalisation_date),
        plain("learning mode", event.learning_mode.map(|mode| format!("{mode:?}").to_lowercase())),
        plain("time zone", Some(&event.time_zone)),
        moment("LMS start", event.lms_start, &zone),
        moment("LMS end", event.lms_end, &zone),
        plain("max places", event.max_places),
        plain("sitting", event.sitting.as_ref()),
        plain("web sale", Some(event.web_sale)),
        plain("cancelled", Some(event.cancelled)),
        plain("event url", event.event_url.as_ref()),
        plain("OCR moodle code", event.ocr_moodle_code.as_ref()),
        plain("access duration", event.access_duration.as_ref()),
        plain("recordings", event.recordings.as_ref()),
        plain("recording pin", event.recording_pin.as_ref()),
        plain("tutors", event.tutors.as_ref()),
        plain("sage code", event.sage_code.as_ref()),
        plain("extra information", event.extra_information.as_ref()),
        plain("registration deadline", event.registration_deadline),
        staff("instructors", event, StaffRole::Instructor),
        staff("administrators", event, StaffRole::Administrator),
    ]
}

fn session_fields(names: &ReferenceLabels<'_>, (event, session): (&Event, &Session)) -> Vec<DisplayValue> {
    let zone = zone_of(event);
    let (location, venue) = effective_place(event, session);
    let mut people = session.instructor_ids.clone();
    people.sort_unstable();
    people.dedup();
    let shown_people: Vec<String> = people.iter().map(|id| names.instructor(*id)).collect();
    let some = !people.is_empty();
    vec![
        plain("title", Some(&session.title)),
        record("location", location, |id| names.location(id)),
        record("venue", venue, |id| names.venue(id)),
        moment("start", Some(session.start), &zone),
        moment("end", Some(session.end), &zone),
        plain("url", session.url.as_ref()),
        ("instructors", some.then(|| format!("{people:?}")), some.then(|| shown_people.join(" / "))),
    ]
}

fn plain(field: &'static str, value: Option<impl ToString>) -> DisplayValue {
    let shown = value.map(|value| value.to_string());
    (field, shown.clone(), shown)
}

/// Compared as an instant, shown as the clock on the wall says it.
fn moment(field: &'static str, at: Option<Timestamp>, zone: &TimeZone) -> DisplayValue {
    let shown = at.map(|at| zone.to_datetime(at).strftime("%d/%m/%Y %H:%M").to_string());
    (field, at.map(|at| at.to_string()), shown)
}

fn zone_of(event: &Event) -> TimeZone {
    TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC)
}

fn record(field: &'static str, id: Option<i64>, name: impl Fn(i64) -> String) -> DisplayValue {
    (field, id.map(|id| id.to_string()), id.map(name))
}

fn staff(field: &'static str, event: &Event, role: StaffRole) -> DisplayValue {
    let named = || event.staff.iter().filter(|staff| staff.role == role);
    let mut ids: Vec<String> = named()
        .map(|staff| {
            staff.tutorial_instructor_id.map_or_else(|| format!("{:?}", staff.external_id), |id| id.to_string())
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let names: Vec<&str> = named().map(|staff| staff.name.as_str()).collect();
    (field, (!ids.is_empty()).then(|| ids.join(",")), (!names.is_empty()).then(|| names.join(" / ")))
}
