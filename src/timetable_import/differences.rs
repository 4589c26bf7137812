//! Two states of an event or session, field by field: what to show as old → new.

use super::ours::{Contact, EventValues, Named, SessionValues};
use super::plan::Change;

/// A field's name, what is compared, and what is shown.
type Shown = (&'static str, Option<String>, Option<String>);

/// What differs between two states of an event.
pub fn of_event(old: &EventValues, new: &EventValues) -> Vec<Change> {
    if same_event(old, new) { Vec::new() } else { changes("", &event_fields(old), &event_fields(new)) }
}

/// What differs between two states of a session; `day` names it.
pub fn of_session(day: i32, old: &SessionValues, new: &SessionValues) -> Vec<Change> {
    let prefix = format!("day {day}: ");
    if same_session(old, new) { Vec::new() } else { changes(&prefix, &session_fields(old), &session_fields(new)) }
}

fn same_event(old: &EventValues, new: &EventValues) -> bool {
    old == new || (event_fields(old).iter().zip(&event_fields(new))).all(|(old, new)| old.1 == new.1)
}

fn same_session(old: &SessionValues, new: &SessionValues) -> bool {
    old == new || (session_fields(old).iter().zip(&session_fields(new))).all(|(old, new)| old.1 == new.1)
}

fn changes(prefix: &str, old: &[Shown], new: &[Shown]) -> Vec<Change> {
    let differing = old.iter().zip(new).filter(|(old, new)| old.1 != new.1);
    differing
        .map(|(old, new)| Change { field: format!("{prefix}{}", old.0), old: old.2.clone(), new: new.2.clone() })
        .collect()
}

fn event_fields(event: &EventValues) -> Vec<Shown> {
    let mut fields = vec![
        named("product", Some(&event.product)),
        named("location", event.location.as_ref()),
        named("venue", event.venue.as_ref()),
        plain("start", Some(event.start_date)),
        plain("end", Some(event.end_date)),
        plain("finalisation date", event.finalisation_date),
        plain("learning mode", event.learning_mode.map(|mode| mode.as_str())),
        plain("time zone", Some(&event.time_zone)),
        plain("LMS start", event.lms_start),
        plain("LMS end", event.lms_end),
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
        people("instructors", &event.instructors),
        contacts("administrators", &event.administrators),
    ];
    let unused: Vec<String> = event.unused.iter().map(|(header, value)| format!("{header}: {value}")).collect();
    fields.push(plain("other columns", (!unused.is_empty()).then(|| unused.join("; "))));
    fields
}

fn session_fields(session: &SessionValues) -> Vec<Shown> {
    vec![
        plain("title", Some(&session.title)),
        named("location", session.location.as_ref()),
        named("venue", session.venue.as_ref()),
        plain("start", Some(session.start)),
        plain("end", Some(session.end)),
        plain("url", session.url.as_ref()),
        people("instructors", &session.instructors),
    ]
}

fn plain(field: &'static str, value: Option<impl ToString>) -> Shown {
    let shown = value.map(|value| value.to_string());
    (field, shown.clone(), shown)
}

fn named(field: &'static str, record: Option<&Named>) -> Shown {
    (field, record.map(|record| record.id.to_string()), record.map(|record| record.name.clone()))
}

fn people(field: &'static str, people: &[Named]) -> Shown {
    let mut ids: Vec<i64> = people.iter().map(|person| person.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    (field, (!ids.is_empty()).then(|| format!("{ids:?}")), (!names.is_empty()).then(|| names.join(" / ")))
}

fn contacts(field: &'static str, contacts: &[Contact]) -> Shown {
    let mut ids: Vec<&str> = contacts.iter().map(|contact| contact.external_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let names: Vec<&str> = contacts.iter().map(|contact| contact.name.as_str()).collect();
    (field, (!ids.is_empty()).then(|| format!("{ids:?}")), (!names.is_empty()).then(|| names.join(" / ")))
}
