//! What taking over an event changes in Administrate: all that is ours is written there.

use administrate::{EventMode, EventType, Id, NewEvent, Window};
use jiff::tz::TimeZone;

use super::ValueChange;
use super::inputs::LocalState;
use crate::merge::desired::DesiredSession;
use crate::merge::{FieldKey, FieldValues, ReferenceNames, effective_place};
use crate::tutorials::{Event, Session};

/// Values that Administrate has otherwise, theirs before and ours after. Sessions are paired in their order, as delivery
/// pairs them.
pub(crate) fn changes(
    ours: &LocalState,
    said: &ReferenceNames,
    event: &Event,
    theirs: &administrate::Event,
) -> Vec<ValueChange> {
    let mut changes = differing(None, &said.event(event), &said.remote_event(theirs, &untold_of_event(ours, event)));
    for (session, there) in event.sessions.iter().zip(&theirs.sessions) {
        let there = said.remote_session((theirs, there), &untold_of_session(ours, event, session));
        changes.extend(differing(Some(session.sequence), &said.session((event, session)), &there));
    }
    changes
}

fn differing(day: Option<i32>, ours: &FieldValues, theirs: &FieldValues) -> Vec<ValueChange> {
    let nothing = String::new();
    let mut found: Vec<_> = theirs
        .iter()
        .map(|(aspect, theirs)| (*aspect, theirs, ours.get(aspect).unwrap_or(&nothing)))
        .filter(|(_, theirs, ours)| theirs != ours)
        .collect();
    found.sort_by_key(|(aspect, ..)| *aspect);
    let value = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let change = |(aspect, theirs, ours): (_, &String, &String)| ValueChange {
        field: FieldKey { day, field: aspect }.to_string(),
        old: value(theirs),
        new: value(ours),
    };
    found.into_iter().map(change).collect()
}

/// What counts where Administrate does not tell: as it is here, which is no difference.
fn untold_of_event(ours: &LocalState, event: &Event) -> NewEvent {
    let (location_id, venue_id) = place(ours, (event.location_id, event.venue_id));
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

fn untold_of_session(ours: &LocalState, event: &Event, session: &Session) -> DesiredSession {
    let zone = TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC);
    let (location, venue) = place(ours, effective_place(event, session));
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

/// What Administrate calls a location and a venue of ours.
fn place(ours: &LocalState, (location, venue): (Option<i64>, Option<i64>)) -> (Id, Option<Id>) {
    let location = ours.locations.iter().find(|known| Some(known.record.id) == location);
    let venue = ours.venues.iter().map(|venue| &venue.linked).find(|known| Some(known.record.id) == venue);
    let called = |known: &crate::timetable_import::plan::inputs::LinkedRecord| known.external_id.clone().map(Id::new);
    (location.and_then(called).unwrap_or_else(|| Id::new("")), venue.and_then(called))
}
