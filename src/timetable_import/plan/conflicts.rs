//! Values that the file changes and that somebody changed in Administrate since both sides last agreed: shown with both
//! values, and left as Administrate has them unless ours are to win (rules, Import).
//!
//! Left means that our stored value stays as it was: delivery sends what differs from what was agreed, so it has nothing to
//! send for such a field, while all others go through. The next import of the same file shows it again. Not compared are
//! people, who are added and taken off one by one, so that nobody's change is written over, and the classroom window, which
//! is that of the sessions.

use super::{Change, Conflict};
use crate::merge::{Aspect, Difference, Directory, LastAgreed, Said, differences, place_of};
use crate::timetable_import::layout::Field;
use crate::tutorials::{Event, Session};

/// One value that differs on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// Which, with ours as the file has it.
    pub(crate) difference: Difference,
    /// Ours before; "" for nothing.
    pub(crate) old: String,
}

/// Whether an event or session was cancelled there.
pub(crate) fn is_called_off(lifecycle: &Option<String>) -> bool {
    lifecycle.as_deref() == Some("cancelled")
}

/// What takes place here and was cancelled there: the event, or the session of a day.
pub(crate) fn of_state(day: Option<i32>, overwritten: bool) -> Conflict {
    let field = day.map_or_else(|| "state".to_owned(), |day| format!("day {day}: state"));
    let ours = Some("not cancelled".to_owned());
    let change = Change { field, old: ours.clone(), new: ours };
    Conflict { change, theirs: Some("cancelled".to_owned()), overwritten }
}

/// Where the file says a value.
pub(crate) fn field_of(aspect: Aspect, of_session: bool) -> Field {
    match aspect {
        Aspect::Place => Field::Location,
        Aspect::MaxPlaces => Field::MaxPlaces,
        Aspect::TimeZone => Field::TimeZone,
        Aspect::LmsWindow => Field::LmsStartDate,
        Aspect::Sitting => Field::Sitting,
        Aspect::Finalisation => Field::FinalisationDate,
        Aspect::WebSale => Field::WebSale,
        Aspect::Moodle => Field::OcrMoodleCode,
        Aspect::Title if of_session => Field::SessionTitle,
        Aspect::Title => Field::EventTitle,
        Aspect::Time => Field::StartDate,
        Aspect::Url if of_session => Field::SessionUrl,
        Aspect::Url => Field::EventUrl,
    }
}

/// Compares the sides of one event.
pub(crate) struct Sides<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) agreed: &'a LastAgreed,
    pub(crate) theirs: &'a administrate::Event,
}

impl Sides<'_> {
    /// What of the event itself changes on both sides.
    pub(crate) fn of_event(&self, old: &Event, new: &Event) -> Vec<Clash> {
        let (Some(agreed), said) = (&self.agreed.event, self.directory) else { return Vec::new() };
        let found =
            differences(None, &said.event(new), &said.agreed_event(agreed), &said.their_event(self.theirs, agreed));
        clashes(&said.event(old), found)
    }

    /// What of one session changes on both sides, each within its event.
    pub(crate) fn of_session(&self, old: (&Event, &Session), new: (&Event, &Session)) -> Vec<Clash> {
        let (day, said) = (new.1.sequence, self.directory);
        let Some((id, agreed)) = self.agreed.sessions.get(&day) else { return Vec::new() };
        let Some(theirs) = self.theirs.sessions.iter().find(|session| session.id == *id) else { return Vec::new() };
        let theirs = said.their_session((self.theirs, theirs), agreed);
        clashes(&said.session(old), differences(Some(day), &said.session(new), &said.agreed_session(agreed), &theirs))
    }
}

impl Sides<'_> {
    /// Whether the session of a day was cancelled there.
    pub(crate) fn is_called_off(&self, day: i32) -> bool {
        let id = self.agreed.sessions.get(&day).map(|(id, _)| id);
        self.theirs.sessions.iter().any(|session| Some(&session.id) == id && is_called_off(&session.lifecycle))
    }
}

/// Where our value changes too.
fn clashes(old: &Said, found: Vec<Difference>) -> Vec<Clash> {
    let clash = |difference: Difference| {
        let old = old.get(&difference.field.aspect).cloned().unwrap_or_default();
        (old != difference.ours).then_some(Clash { difference, old })
    };
    found.into_iter().filter_map(clash).collect()
}

/// Sets an event's value back to what it was.
pub(crate) fn keep_of_event(aspect: Aspect, old: &Event, new: &mut Event) {
    match aspect {
        Aspect::Place => {
            (new.location_id, new.venue_id, new.product_id) = (old.location_id, old.venue_id, old.product_id);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        Aspect::MaxPlaces => new.max_places = old.max_places,
        Aspect::TimeZone => new.time_zone.clone_from(&old.time_zone),
        Aspect::LmsWindow => {
            (new.lms_start, new.lms_end) = (old.lms_start, old.lms_end);
            (new.start_date, new.end_date) = (old.start_date, old.end_date);
        }
        Aspect::Sitting => {
            new.sitting.clone_from(&old.sitting);
            new.product_id = old.product_id;
        }
        Aspect::Finalisation => new.finalisation_date = old.finalisation_date,
        Aspect::WebSale => new.web_sale = old.web_sale,
        Aspect::Moodle => new.ocr_moodle_code.clone_from(&old.ocr_moodle_code),
        Aspect::Url => new.event_url.clone_from(&old.event_url),
        Aspect::Title | Aspect::Time => {}
    }
}

/// Sets a session's value back to what it was within its event.
pub(crate) fn keep_of_session(aspect: Aspect, (event, old): (&Event, &Session), new: &mut Session) {
    match aspect {
        Aspect::Title => new.title.clone_from(&old.title),
        Aspect::Time => (new.start, new.end) = (old.start, old.end),
        Aspect::Place => {
            (new.location_id, new.venue_id) = place_of(event, old);
            new.location_text.clone_from(&old.location_text);
            new.venue_text.clone_from(&old.venue_text);
        }
        Aspect::Url => new.url.clone_from(&old.url),
        _ => {}
    }
}

/// Sets a session back to what it was within its event.
pub(crate) fn keep_session(old: (&Event, &Session), new: &mut Session) {
    for aspect in [Aspect::Title, Aspect::Time, Aspect::Place, Aspect::Url] {
        keep_of_session(aspect, old, new);
    }
    new.instructor_ids.clone_from(&old.1.instructor_ids);
}
