//! Who or what is booked twice: a venue or an instructor in two sessions at once.
//!
//! A venue named like its location ("Live online") is virtual and never clashes.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use crate::names::fold;

use super::blocks::Timetable;
use super::layout::Field;
use super::ours::{Booking, Named};
use super::plan::{Item, PlannedSession};
use super::problems::{Code, Flaw, Problem};

/// What can be booked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Venue(i64),
    Instructor(i64),
}

struct Slot<'a> {
    start: Timestamp,
    end: Timestamp,
    event: &'a str,
    session: &'a str,
    /// The row of the file and the resource's name there; None for a booking outside the file.
    here: Option<(u32, &'a str)>,
}

/// One warning for each row that books what is taken already; of two rows the later one is told.
pub(super) fn clashes(timetable: &Timetable, items: &[Item], bookings: &[Booking]) -> Vec<Problem> {
    let mut slots: BTreeMap<Resource, Vec<Slot<'_>>> = BTreeMap::new();
    for (item, block) in items.iter().zip(&timetable.blocks) {
        let Some(event) = &item.event else { continue };
        for session in &event.sessions {
            let row = block.sessions.iter().find(|(_, cells)| cells.day == Some(session.sequence));
            let row = row.map_or(block.row, |(row, _)| *row);
            add(&mut slots, &item.title, session, row);
        }
    }
    for booking in bookings {
        add_booking(&mut slots, booking);
    }
    let mut told = HashSet::new();
    let mut problems = Vec::new();
    for (resource, mut slots) in slots {
        slots.sort_by_key(|slot| slot.start);
        let mut reaching: Option<&Slot<'_>> = None;
        for slot in &slots {
            if let Some(other) = reaching.filter(|other| slot.start < other.end)
                && let Some((row, problem)) = clash(timetable, resource, other, slot)
                && told.insert((row, problem.cell.clone(), problem.message.clone()))
            {
                problems.push(problem);
            }
            if reaching.is_none_or(|other| other.end < slot.end) {
                reaching = Some(slot);
            }
        }
    }
    problems
}

fn add<'a>(slots: &mut BTreeMap<Resource, Vec<Slot<'a>>>, event: &'a str, session: &'a PlannedSession, row: u32) {
    let values = &session.values;
    let mut book = |resource, record: &'a Named| {
        let here = Some((row, record.name.as_str()));
        let slot = Slot { start: values.start, end: values.end, event, session: &values.title, here };
        slots.entry(resource).or_default().push(slot);
    };
    if let Some(venue) = &values.venue {
        let virtual_room = values.location.as_ref().is_some_and(|location| fold(&location.name) == fold(&venue.name));
        if !virtual_room {
            book(Resource::Venue(venue.id), venue);
        }
    }
    for instructor in &values.instructors {
        book(Resource::Instructor(instructor.id), instructor);
    }
}

fn add_booking<'a>(slots: &mut BTreeMap<Resource, Vec<Slot<'a>>>, booking: &'a Booking) {
    let venue = booking.venue_id.map(Resource::Venue);
    let people = booking.instructor_ids.iter().map(|id| Resource::Instructor(*id));
    for resource in people.chain(venue) {
        // Only what the file books can clash with it.
        if let Some(slots) = slots.get_mut(&resource) {
            slots.push(Slot {
                start: booking.start,
                end: booking.end,
                event: &booking.event,
                session: &booking.session,
                here: None,
            });
        }
    }
}

fn clash(timetable: &Timetable, resource: Resource, one: &Slot<'_>, two: &Slot<'_>) -> Option<(u32, Problem)> {
    let row = |slot: &Slot<'_>| slot.here.map(|(row, _)| row);
    let (slot, other) = if row(one) > row(two) { (one, two) } else { (two, one) };
    let (row, name) = slot.here?;
    let field = match resource {
        Resource::Venue(_) => Field::Venue,
        Resource::Instructor(_) => Field::SessionInstructor,
    };
    let place = other.here.map(|(row, _)| format!(" (row {row})")).unwrap_or_default();
    let message =
        format!("{name} is booked at this time already: event {}, session \"{}\"{place}", other.event, other.session);
    let mut problem = timetable.problem(row, field, Flaw::new(Code::DoubleBooked, message));
    problem.event = Some(slot.event.to_owned());
    Some((row, problem))
}
