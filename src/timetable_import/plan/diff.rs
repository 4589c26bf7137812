//! Differences between two states of an event, field by field, shown as old → new.
//!
//! Places are compared by record and not by spelling, people without regard to their order.

use std::collections::HashMap;

use administrate::{EventMode, EventType, Id, NewEvent, Window};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::merge::desired::DesiredSession;
use crate::merge::{FieldKey, FieldValues, ReferenceNames, effective_place};
use crate::tutorials::{Event, Session, StaffRole, zone_of};

use super::inputs::{LinkedRecord, LocalState};
use crate::workbook::plan::ValueChange;

/// A field of an event or session: the value that is compared and the text that is shown.
struct DisplayValue {
    field: &'static str,
    value: Option<String>,
    text: Option<String>,
}

/// The names of local records by id, for display.
pub(crate) struct ReferenceLabels<'a> {
    templates: HashMap<i64, &'a str>,
    locations: HashMap<i64, &'a str>,
    venues: HashMap<i64, &'a str>,
    instructors: HashMap<i64, &'a str>,
    products: HashMap<i64, &'a str>,
}

impl<'a> ReferenceLabels<'a> {
    pub(crate) fn new(local: &'a LocalState) -> Self {
        let labels = |records: &'a [LinkedRecord]| {
            records.iter().map(|linked| (linked.record.id, linked.record.name.as_str())).collect()
        };
        let venues = local.venues.iter().map(|venue| (venue.linked.record.id, venue.linked.record.name.as_str()));
        let products = local.products.iter().map(|product| (product.product.id, product.product.name.as_str()));
        Self {
            templates: labels(&local.templates),
            locations: labels(&local.locations),
            venues: venues.collect(),
            instructors: labels(&local.instructors),
            products: products.collect(),
        }
    }

    pub(crate) fn template(&self, id: i64) -> String {
        label(&self.templates, id)
    }

    pub(crate) fn location(&self, id: i64) -> String {
        label(&self.locations, id)
    }

    pub(crate) fn venue(&self, id: i64) -> String {
        label(&self.venues, id)
    }

    pub(crate) fn instructor(&self, id: i64) -> String {
        label(&self.instructors, id)
    }
}

fn label(names: &HashMap<i64, &str>, id: i64) -> String {
    names.get(&id).map_or_else(|| format!("#{id}"), |name| (*name).to_owned())
}

/// Returns what differs between two states of an event, without its sessions.
pub(crate) fn event_changes(labels: &ReferenceLabels<'_>, old: &Event, new: &Event) -> Vec<ValueChange> {
    changes("", event_fields(labels, old), event_fields(labels, new))
}

/// Returns what differs between two states of a session, each given with its event.
pub(crate) fn session_changes(
    labels: &ReferenceLabels<'_>,
    old: (&Event, &Session),
    new: (&Event, &Session),
) -> Vec<ValueChange> {
    let prefix = format!("day {}: ", new.1.sequence);
    changes(&prefix, session_fields(labels, old), session_fields(labels, new))
}

/// Pairs the sessions that two states of an event have in common, the old one first.
pub(crate) fn common_sessions<'a>(old: &'a Event, new: &'a Event) -> impl Iterator<Item = (&'a Session, &'a Session)> {
    let before = |session: &Session| old.sessions.iter().find(|before| before.sequence == session.sequence);
    new.sessions.iter().filter_map(move |session| Some((before(session)?, session)))
}

/// Returns the instructors of a session who no longer teach it.
pub(crate) fn removed_instructors(old: &Session, new: &Session) -> impl Iterator<Item = i64> {
    old.instructor_ids.iter().copied().filter(|id| !new.instructor_ids.contains(id))
}

fn changes(prefix: &str, old: Vec<DisplayValue>, new: Vec<DisplayValue>) -> Vec<ValueChange> {
    let differing = old.into_iter().zip(new).filter(|(old, new)| old.value != new.value);
    differing
        .map(|(old, new)| ValueChange { field: format!("{prefix}{}", old.field), old: old.text, new: new.text })
        .collect()
}

fn event_fields(labels: &ReferenceLabels<'_>, event: &Event) -> Vec<DisplayValue> {
    let zone = zone_of(&event.time_zone);
    vec![
        record("product", Some(event.product_id), |id| label(&labels.products, id)),
        record("course template", event.course_template_id, |id| labels.template(id)),
        record("location", event.location_id, |id| labels.location(id)),
        record("venue", event.venue_id, |id| labels.venue(id)),
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

fn session_fields(labels: &ReferenceLabels<'_>, (event, session): (&Event, &Session)) -> Vec<DisplayValue> {
    let zone = zone_of(&event.time_zone);
    let (location, venue) = effective_place(event, session);
    let mut people = session.instructor_ids.clone();
    people.sort_unstable();
    people.dedup();
    let names: Vec<String> = people.iter().map(|id| labels.instructor(*id)).collect();
    let has_people = !people.is_empty();
    vec![
        plain("title", Some(&session.title)),
        record("location", location, |id| labels.location(id)),
        record("venue", venue, |id| labels.venue(id)),
        moment("start", Some(session.start), &zone),
        moment("end", Some(session.end), &zone),
        plain("url", session.url.as_ref()),
        DisplayValue {
            field: "instructors",
            value: has_people.then(|| format!("{people:?}")),
            text: has_people.then(|| names.join(" / ")),
        },
    ]
}

fn plain(field: &'static str, value: Option<impl ToString>) -> DisplayValue {
    let text = value.map(|value| value.to_string());
    DisplayValue { field, value: text.clone(), text }
}

/// Compared as an instant, shown as wall-clock time.
fn moment(field: &'static str, at: Option<Timestamp>, zone: &TimeZone) -> DisplayValue {
    let text = at.map(|at| zone.to_datetime(at).strftime("%d/%m/%Y %H:%M").to_string());
    DisplayValue { field, value: at.map(|at| at.to_string()), text }
}

fn record(field: &'static str, id: Option<i64>, name: impl Fn(i64) -> String) -> DisplayValue {
    DisplayValue { field, value: id.map(|id| id.to_string()), text: id.map(name) }
}

fn staff(field: &'static str, event: &Event, role: StaffRole) -> DisplayValue {
    let of_role = || event.staff.iter().filter(|staff| staff.role == role);
    let mut ids: Vec<String> = of_role()
        .map(|staff| {
            staff.tutorial_instructor_id.map_or_else(|| format!("{:?}", staff.external_id), |id| id.to_string())
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let names: Vec<&str> = of_role().map(|staff| staff.name.as_str()).collect();
    DisplayValue {
        field,
        value: (!ids.is_empty()).then(|| ids.join(",")),
        text: (!names.is_empty()).then(|| names.join(" / ")),
    }
}

/// Returns the values that adopting a remote event changes in Administrate: remote as old, local as new.
///
/// Sessions are paired in their order, as delivery pairs them.
pub(crate) fn adoption_changes(
    local: &LocalState,
    names: &ReferenceNames,
    event: &Event,
    remote: &administrate::Event,
) -> Vec<ValueChange> {
    let remote_values = names.remote_event(remote, &default_event(local, event));
    let mut changes = remote_changes(None, &names.event(event), &remote_values);
    for (session, remote_session) in event.sessions.iter().zip(&remote.sessions) {
        let remote_values = names.remote_session((remote, remote_session), &default_session(local, event, session));
        changes.extend(remote_changes(Some(session.sequence), &names.session((event, session)), &remote_values));
    }
    changes
}

fn remote_changes(day: Option<i32>, local: &FieldValues, remote: &FieldValues) -> Vec<ValueChange> {
    let nothing = String::new();
    let mut found: Vec<_> = remote
        .iter()
        .map(|(field, remote)| (*field, remote, local.get(field).unwrap_or(&nothing)))
        .filter(|(_, remote, local)| remote != local)
        .collect();
    found.sort_by_key(|(field, ..)| *field);
    let value = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let change = |(field, remote, local): (_, &String, &String)| ValueChange {
        field: FieldKey { day, field }.to_string(),
        old: value(remote),
        new: value(local),
    };
    found.into_iter().map(change).collect()
}

/// Returns the local values of an event, which stand in for values that Administrate does not report.
fn default_event(local: &LocalState, event: &Event) -> NewEvent {
    let (location_id, venue_id) = external_place(local, event.location_id, event.venue_id);
    NewEvent {
        mode: EventMode::Blended,
        course_template_id: Id::new(""),
        title: event.code.clone(),
        event_type: EventType::Public,
        location_id,
        venue_id,
        tax_type_id: Id::new(""),
        time_zone: event.time_zone.clone(),
        classroom: None,
        lms: None,
        max_places: event.max_places,
        custom_fields: Vec::new(),
    }
}

/// Returns the local values of a session, which stand in for values that Administrate does not report.
fn default_session(local: &LocalState, event: &Event, session: &Session) -> DesiredSession {
    let zone = zone_of(&event.time_zone);
    let (location_id, venue_id) = effective_place(event, session);
    let (location, venue) = external_place(local, location_id, venue_id);
    DesiredSession {
        title: session.title.clone(),
        window: Window { start: zone.to_datetime(session.start), end: zone.to_datetime(session.end) },
        time_zone: event.time_zone.clone(),
        location,
        venue,
        custom_fields: Vec::new(),
        instructors: Vec::new(),
    }
}

/// Returns Administrate's ids of a local location and venue.
fn external_place(local: &LocalState, location_id: Option<i64>, venue_id: Option<i64>) -> (Id, Option<Id>) {
    let location = local.locations.iter().find(|known| Some(known.record.id) == location_id);
    let venue = local.venues.iter().map(|venue| &venue.linked).find(|known| Some(known.record.id) == venue_id);
    let external_id = |known: &LinkedRecord| known.external_id.clone().map(Id::new);
    (location.and_then(external_id).unwrap_or_else(|| Id::new("")), venue.and_then(external_id))
}
