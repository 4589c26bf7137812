//! Values that the file changes and that somebody changed in Administrate since both sides last agreed: shown with both
//! values, and left as Administrate has them unless ours are to win (rules, Import).
//!
//! Left means that our stored value stays as it was: delivery sends what differs from what was agreed, so it has nothing to
//! send for such a field, while all others go through. The next import of the same file shows it again. Not compared are
//! people, who are added and taken off one by one, so that nobody's change is written over, and the classroom window, which
//! is that of the sessions.

use super::{Conflict, ValueChange};
use crate::bridges::events::LifecycleState;
use crate::merge::{EventBaseline, EventField, FieldValues, ReferenceNames, ValueDiff, diff_values, effective_place};
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, Session};

/// One value that differs on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueConflict {
    /// Which, with ours as the file has it.
    pub(crate) difference: ValueDiff,
    /// Ours before; "" for nothing.
    pub(crate) old: String,
}

/// Whether an event or session was cancelled there.
pub(crate) fn is_called_off(lifecycle: &Option<String>) -> bool {
    LifecycleState::of(lifecycle.as_deref()) == Some(LifecycleState::Cancelled)
}

/// What takes place here and was cancelled there: the event, or the session of a day.
pub(crate) fn of_state(day: Option<i32>, overwritten: bool) -> Conflict {
    let field = day.map_or_else(|| "state".to_owned(), |day| format!("day {day}: state"));
    let ours = Some("not cancelled".to_owned());
    let change = ValueChange { field, old: ours.clone(), new: ours };
    Conflict { change, theirs: Some("cancelled".to_owned()), overwritten }
}

/// Where the file says a value.
pub(crate) fn field_of(aspect: EventField, of_session: bool) -> Field {
    match aspect {
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

/// Compares the sides of one event.
pub(crate) struct EventSides<'a> {
    pub(crate) directory: &'a ReferenceNames,
    pub(crate) agreed: &'a EventBaseline,
    pub(crate) theirs: &'a administrate::Event,
}

impl EventSides<'_> {
    /// What of the event itself changes on both sides.
    pub(crate) fn of_event(&self, old: &Event, new: &Event) -> Vec<ValueConflict> {
        let (Some(agreed), said) = (&self.agreed.event, self.directory) else { return Vec::new() };
        let found =
            diff_values(None, &said.event(new), &said.baseline_event(agreed), &said.remote_event(self.theirs, agreed));
        value_conflicts(&said.event(old), found)
    }

    /// What of one session changes on both sides, each within its event.
    pub(crate) fn of_session(&self, old: (&Event, &Session), new: (&Event, &Session)) -> Vec<ValueConflict> {
        let (day, said) = (new.1.sequence, self.directory);
        let Some((id, agreed)) = self.agreed.sessions.get(&day) else { return Vec::new() };
        let Some(theirs) = self.theirs.sessions.iter().find(|session| session.id == *id) else { return Vec::new() };
        let theirs = said.remote_session((self.theirs, theirs), agreed);
        value_conflicts(
            &said.session(old),
            diff_values(Some(day), &said.session(new), &said.baseline_session(agreed), &theirs),
        )
    }
}

impl EventSides<'_> {
    /// Whether the session of a day was cancelled there.
    pub(crate) fn is_called_off(&self, day: i32) -> bool {
        let id = self.agreed.sessions.get(&day).map(|(id, _)| id);
        self.theirs.sessions.iter().any(|session| Some(&session.id) == id && is_called_off(&session.lifecycle))
    }
}

/// Where our value changes too.
fn value_conflicts(old: &FieldValues, found: Vec<ValueDiff>) -> Vec<ValueConflict> {
    let clash = |difference: ValueDiff| {
        let old = old.get(&difference.field.field).cloned().unwrap_or_default();
        (old != difference.ours).then_some(ValueConflict { difference, old })
    };
    found.into_iter().filter_map(clash).collect()
}

/// Sets an event's value back to what it was.
pub(crate) fn restore_event_field(aspect: EventField, old: &Event, new: &mut Event) {
    match aspect {
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

/// Sets a session's value back to what it was within its event.
pub(crate) fn restore_session_field(aspect: EventField, (event, old): (&Event, &Session), new: &mut Session) {
    match aspect {
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

/// Sets a session back to what it was within its event.
pub(crate) fn keep_session(old: (&Event, &Session), new: &mut Session) {
    for aspect in [EventField::Title, EventField::Time, EventField::Place, EventField::Url] {
        restore_session_field(aspect, old, new);
    }
    new.instructor_ids.clone_from(&old.1.instructor_ids);
}
