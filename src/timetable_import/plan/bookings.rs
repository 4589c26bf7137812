//! Who or what is booked twice: a venue or an instructor in two sessions at once.
//!
//! A venue named like its location ("Live online") is virtual and never clashes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::names::fold;
use crate::tutorials::{Event, Session};

use super::diff::ReferenceLabels;
use super::inputs::{Booking, LocalState};
use super::{BlockOutcome, PlanItem};
use crate::merge::effective_place;
use crate::timetable_import::blocks::Timetable;
use crate::timetable_import::layout::Field;
use crate::timetable_import::problems::{Code, ImportProblem, Issue};

/// What can be booked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Venue(i64),
    Instructor(i64),
}

struct BookedSlot<'a> {
    start: Timestamp,
    end: Timestamp,
    event: &'a str,
    session: &'a str,
    /// The row of the file; None for a booking outside it.
    row: Option<u32>,
}

/// One warning for each row that books what is taken already, at most so many; of two rows the later one is told.
pub(crate) fn clashes(timetable: &Timetable, items: &[PlanItem], ours: &LocalState, most: usize) -> Vec<ImportProblem> {
    let names = ReferenceLabels::new(ours);
    let mut slots: BTreeMap<Resource, Vec<BookedSlot<'_>>> = BTreeMap::new();
    let booking = items.iter().zip(&timetable.blocks).filter(|(item, _)| item.outcome != BlockOutcome::Cancel);
    for (item, block) in booking {
        let Some(planned) = &item.event else { continue };
        for session in &planned.event.sessions {
            let row = block.sessions.iter().find(|(_, cells)| cells.day == Some(session.sequence));
            let row = row.map_or(block.row, |(row, _)| *row);
            add(&mut slots, &names, (&planned.event, session), row);
        }
    }
    for booking in &ours.bookings {
        add_booking(&mut slots, booking);
    }
    let mut problems = Vec::new();
    for (resource, mut slots) in slots {
        slots.sort_by_key(|slot| slot.start);
        let mut reaching: Option<&BookedSlot<'_>> = None;
        for slot in &slots {
            if let Some(other) = reaching.filter(|other| slot.start < other.end && problems.len() < most) {
                problems.extend(clash(timetable, &names, resource, other, slot));
            }
            if reaching.is_none_or(|other| other.end < slot.end) {
                reaching = Some(slot);
            }
        }
    }
    problems
}

fn add<'a>(
    slots: &mut BTreeMap<Resource, Vec<BookedSlot<'a>>>,
    names: &ReferenceLabels<'_>,
    (event, session): (&'a Event, &'a Session),
    row: u32,
) {
    let mut book = |resource| {
        let (start, end) = (session.start, session.end);
        let slot = BookedSlot { start, end, event: &event.code, session: &session.title, row: Some(row) };
        slots.entry(resource).or_default().push(slot);
    };
    if let (location, Some(venue)) = effective_place(event, session) {
        let is_virtual = location.is_some_and(|location| fold(&names.location(location)) == fold(&names.venue(venue)));
        if !is_virtual {
            book(Resource::Venue(venue));
        }
    }
    for instructor in &session.instructor_ids {
        book(Resource::Instructor(*instructor));
    }
}

fn add_booking<'a>(slots: &mut BTreeMap<Resource, Vec<BookedSlot<'a>>>, booking: &'a Booking) {
    let venue = booking.venue_id.map(Resource::Venue);
    let people = booking.instructor_ids.iter().map(|id| Resource::Instructor(*id));
    for resource in people.chain(venue) {
        // Only what the file books can clash with it.
        if let Some(slots) = slots.get_mut(&resource) {
            slots.push(BookedSlot {
                start: booking.start,
                end: booking.end,
                event: &booking.event,
                session: &booking.session,
                row: None,
            });
        }
    }
}

fn clash(
    timetable: &Timetable,
    names: &ReferenceLabels<'_>,
    resource: Resource,
    one: &BookedSlot<'_>,
    two: &BookedSlot<'_>,
) -> Option<ImportProblem> {
    let (slot, other) = if one.row > two.row { (one, two) } else { (two, one) };
    let row = slot.row?;
    let (field, name) = match resource {
        Resource::Venue(id) => (Field::Venue, names.venue(id)),
        Resource::Instructor(id) => (Field::SessionInstructor, names.instructor(id)),
    };
    let place = other.row.map(|row| format!(" (row {row})")).unwrap_or_default();
    let message =
        format!("{name} is booked at this time already: event {}, session \"{}\"{place}", other.event, other.session);
    let mut problem = timetable.problem(row, field, Issue::new(Code::DoubleBooked, message));
    problem.event = Some(slot.event.to_owned());
    Some(problem)
}
