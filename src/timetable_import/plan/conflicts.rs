//! Values that changed in Administrate since the last baseline, alone or together with the file.
//!
//! Such a value is shown with both sides and not written, unless the local value overwrites the remote one. A value that
//! changed on both sides is a conflict, and the stored local value stays as it was: delivery sends only differences from
//! the baseline, so it sends nothing for this field and everything else of the event. The next import of the same file
//! reports it again.
//!
//! People are compared in [`staff`](super::staff). Not compared is the classroom window, which follows from the sessions.

use super::Conflict;
use crate::bridges::events::LifecycleState;
use crate::merge::{EventBaseline, EventField, FieldValues, ReferenceNames, ValueDiff, diff_values, effective_place};
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, Session};
use crate::workbook::plan::ValueChange;

/// One value that changed in Administrate and differs from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteChange {
    /// The field with its baseline, its remote value and the local value of the file.
    pub(crate) difference: ValueDiff,
    /// The local value before the import; "" for nothing.
    pub(crate) old: String,
}

impl RemoteChange {
    /// Reports whether the value changed in the file too, or locally since the baseline.
    pub(crate) fn is_conflict(&self) -> bool {
        self.old != self.difference.local || self.difference.is_conflict()
    }
}

/// Reports whether a lifecycle state of Administrate means cancelled.
pub(crate) fn is_cancelled(lifecycle: &Option<String>) -> bool {
    LifecycleState::of(lifecycle.as_deref()) == Some(LifecycleState::Cancelled)
}

/// Returns the conflict of an event, or of the session of a day, that is cancelled only in Administrate.
pub(crate) fn state_conflict(day: Option<i32>, overwritten: bool) -> Conflict {
    let field = day.map_or_else(|| "state".to_owned(), |day| format!("day {day}: state"));
    let local = Some("not cancelled".to_owned());
    let change = ValueChange { field, old: local.clone(), new: local };
    Conflict { change, remote: Some("cancelled".to_owned()), overwritten }
}

/// Returns the timetable's field that contains a value of an event or session.
pub(crate) fn timetable_field(field: EventField, of_session: bool) -> Field {
    match field {
        EventField::Place => Field::Location,
        EventField::MaxPlaces => Field::MaxPlaces,
        EventField::TimeZone => Field::TimeZone,
        EventField::LmsWindow => Field::LmsStartDate,
        EventField::Sitting => Field::Sitting,
        EventField::Finalisation => Field::FinalisationDate,
        EventField::WebSale => Field::WebSale,
        EventField::Moodle => Field::OcrMoodleCode,
        EventField::Title if of_session => Field::SessionTitle,
        EventField::Title => Field::EventTitle,
        EventField::Time => Field::StartDate,
        EventField::Url if of_session => Field::SessionUrl,
        EventField::Url => Field::EventUrl,
    }
}

/// Both sides of one event, for comparison.
pub(crate) struct EventSides<'a> {
    pub(crate) names: &'a ReferenceNames,
    pub(crate) baseline: &'a EventBaseline,
    pub(crate) remote: &'a administrate::Event,
}

impl EventSides<'_> {
    /// Returns the event's own values that changed in Administrate and differ from the file. `old` and `new` are local states.
    pub(crate) fn event_changes(&self, old: &Event, new: &Event) -> Vec<RemoteChange> {
        let (Some(baseline), names) = (&self.baseline.event, self.names) else { return Vec::new() };
        let remote = names.remote_event(self.remote, baseline);
        let differences = diff_values(None, &names.event(new), &names.baseline_event(baseline), &remote);
        remote_changes(&names.event(old), differences)
    }

    /// Returns the values of a session that changed in Administrate and differ from the file. Each local state is given with its event.
    pub(crate) fn session_changes(&self, old: (&Event, &Session), new: (&Event, &Session)) -> Vec<RemoteChange> {
        let (day, names) = (new.1.sequence, self.names);
        let Some((id, baseline)) = self.baseline.sessions.get(&day) else { return Vec::new() };
        let Some(remote) = self.remote.sessions.iter().find(|session| session.id == *id) else { return Vec::new() };
        let remote = names.remote_session((self.remote, remote), baseline);
        let differences = diff_values(Some(day), &names.session(new), &names.baseline_session(baseline), &remote);
        remote_changes(&names.session(old), differences)
    }

    /// Reports whether Administrate no longer has the session of a day.
    pub(crate) fn is_session_missing(&self, day: i32) -> bool {
        let id = self.baseline.sessions.get(&day).map(|(id, _)| id);
        id.is_some_and(|id| self.remote.sessions.iter().all(|session| session.id != *id))
    }

    /// Reports whether the session of a day is cancelled in Administrate.
    pub(crate) fn is_session_cancelled(&self, day: i32) -> bool {
        let id = self.baseline.sessions.get(&day).map(|(id, _)| id);
        self.remote.sessions.iter().any(|session| Some(&session.id) == id && is_cancelled(&session.lifecycle))
    }
}

/// Adds the local values before the import.
fn remote_changes(old: &FieldValues, differences: Vec<ValueDiff>) -> Vec<RemoteChange> {
    let change = |difference: ValueDiff| {
        let old = old.get(&difference.field.field).cloned().unwrap_or_default();
        RemoteChange { difference, old }
    };
    differences.into_iter().map(change).collect()
}

/// Restores the old value of one field of an event.
pub(crate) fn restore_event_field(field: EventField, old: &Event, new: &mut Event) {
    match field {
        EventField::Place => {
            (new.location_id, new.venue_id, new.product_id) = (old.location_id, old.venue_id, old.product_id);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        EventField::MaxPlaces => new.max_places = old.max_places,
        EventField::TimeZone => new.time_zone.clone_from(&old.time_zone),
        EventField::LmsWindow => {
            (new.lms_start, new.lms_end) = (old.lms_start, old.lms_end);
            (new.start_date, new.end_date) = (old.start_date, old.end_date);
        }
        EventField::Sitting => {
            new.sitting.clone_from(&old.sitting);
            new.product_id = old.product_id;
        }
        EventField::Finalisation => new.finalisation_date = old.finalisation_date,
        EventField::WebSale => new.web_sale = old.web_sale,
        EventField::Moodle => new.ocr_moodle_code.clone_from(&old.ocr_moodle_code),
        EventField::Url => new.event_url.clone_from(&old.event_url),
        EventField::Title | EventField::Time => {}
    }
}

/// Restores the old value of one field of a session, given with its old event.
pub(crate) fn restore_session_field(field: EventField, (event, old): (&Event, &Session), new: &mut Session) {
    match field {
        EventField::Title => new.title.clone_from(&old.title),
        EventField::Time => (new.start, new.end) = (old.start, old.end),
        EventField::Place => {
            (new.location_id, new.venue_id) = effective_place(event, old);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        EventField::Url => new.url.clone_from(&old.url),
        _ => {}
    }
}

/// Restores all old values of a session, given with its old event.
pub(crate) fn restore_session(old: (&Event, &Session), new: &mut Session) {
    for field in [EventField::Title, EventField::Time, EventField::Place, EventField::Url] {
        restore_session_field(field, old, new);
    }
    new.instructor_ids.clone_from(&old.1.instructor_ids);
}
