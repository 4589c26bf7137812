//! Double bookings: a venue or an instructor in two sessions at the same time.
//!
//! A venue with the name of its location ("Live online") is virtual and never booked.

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
use crate::workbook::problems::{Code, ImportProblem, Issue};

/// What a session books, by local id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Venue(i64),
    Instructor(i64),
}

type SlotsByResource<'a> = BTreeMap<Resource, Vec<BookedSlot<'a>>>;

struct BookedSlot<'a> {
    start: Timestamp,
    end: Timestamp,
    event: &'a str,
    session: &'a str,
    /// The row of the file; None for a booking by another event.
    row: Option<u32>,
}

/// Returns at most `max` warnings, one for each row that books a booked resource. Of two rows the later one is flagged.
pub(crate) fn clashes(timetable: &Timetable, items: &[PlanItem], local: &LocalState, max: usize) -> Vec<ImportProblem> {
    let labels = ReferenceLabels::new(local);
    let mut slots = SlotsByResource::new();
    let booking = items.iter().zip(&timetable.blocks).filter(|(item, _)| item.outcome != BlockOutcome::Cancel);
    for (item, block) in booking {
        let Some(planned) = &item.event else { continue };
        for session in &planned.event.sessions {
            let row = block.sessions.iter().find(|(_, cells)| cells.day == Some(session.sequence));
            let row = row.map_or(block.row, |(row, _)| *row);
            add_session(&mut slots, &labels, &planned.event, session, row);
        }
    }
    for booking in &local.bookings {
        add_booking(&mut slots, booking);
    }
    let mut problems = Vec::new();
    for (resource, mut slots) in slots {
        slots.sort_by_key(|slot| slot.start);
        let mut latest: Option<&BookedSlot<'_>> = None;
        for slot in &slots {
            if let Some(other) = latest.filter(|other| slot.start < other.end && problems.len() < max) {
                problems.extend(clash(timetable, &labels, resource, other, slot));
            }
            if latest.is_none_or(|other| other.end < slot.end) {
                latest = Some(slot);
            }
        }
    }
    problems
}

fn add_session<'a>(
    slots: &mut SlotsByResource<'a>,
    labels: &ReferenceLabels<'_>,
    event: &'a Event,
    session: &'a Session,
    row: u32,
) {
    let mut book = |resource| {
        let (start, end) = (session.start, session.end);
        let slot = BookedSlot { start, end, event: &event.code, session: &session.title, row: Some(row) };
        slots.entry(resource).or_default().push(slot);
    };
    if let (location, Some(venue)) = effective_place(event, session) {
        let is_virtual =
            location.is_some_and(|location| fold(&labels.location(location)) == fold(&labels.venue(venue)));
        if !is_virtual {
            book(Resource::Venue(venue));
        }
    }
    for instructor in &session.instructor_ids {
        book(Resource::Instructor(*instructor));
    }
}

fn add_booking<'a>(slots: &mut SlotsByResource<'a>, booking: &'a Booking) {
    let venue = booking.venue_id.map(Resource::Venue);
    let instructors = booking.instructor_ids.iter().map(|id| Resource::Instructor(*id));
    for resource in instructors.chain(venue) {
        // Only resources that the file books can clash with it.
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

/// Describes a double booking at the later row; None where neither slot belongs to the file.
fn clash(
    timetable: &Timetable,
    labels: &ReferenceLabels<'_>,
    resource: Resource,
    one: &BookedSlot<'_>,
    two: &BookedSlot<'_>,
) -> Option<ImportProblem> {
    let (slot, other) = if one.row > two.row { (one, two) } else { (two, one) };
    let row = slot.row?;
    let (field, name) = match resource {
        Resource::Venue(id) => (Field::Venue, labels.venue(id)),
        Resource::Instructor(id) => (Field::SessionInstructor, labels.instructor(id)),
    };
    let place = other.row.map(|row| format!(" (row {row})")).unwrap_or_default();
    let message = format!(
        "{name} is already booked at this time: event {}, session \"{}\"{place}; change one of them",
        other.event, other.session
    );
    let mut problem = timetable.problem(row, field, Issue::new(Code::DoubleBooked, message));
    problem.event = Some(slot.event.to_owned());
    Some(problem)
}
