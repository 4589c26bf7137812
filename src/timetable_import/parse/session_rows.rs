//! The sessions of a block: the one in the event row, those in the rows below, and their days.

use jiff::tz::TimeZone;

use super::blocks::{EventRow, SessionRow, VenueCell};
use super::cells::{Cells, END, START};
use super::layout::Field;
use crate::console::counted;
use crate::timetable_import::problems::{Code, Issue};

/// Fields that count on the event row only; a session row may repeat them.
const EVENT_ONLY: [Field; 18] = [
    Field::Instructor,
    Field::LmsStartDate,
    Field::LmsEndDate,
    Field::MaxPlaces,
    Field::Administrator,
    Field::EventUrl,
    Field::FinalisationDate,
    Field::WebSale,
    Field::Sitting,
    Field::OcrMoodleCode,
    Field::Cancelled,
    Field::ExtraInformation,
    Field::RegistrationDeadline,
    Field::AccessDuration,
    Field::Recordings,
    Field::RecordingPin,
    Field::Tutors,
    Field::SageCode,
];

/// The session that stands in the event row itself.
pub(crate) fn first(cells: &mut Cells<'_>, event: &EventRow) -> SessionRow {
    if !cells.has_any(&[Field::Instructor, Field::SessionInstructor]) {
        let message = "neither \"Instructor\" nor \"Session instructor\" is filled";
        cells.flag(Field::Instructor, Issue::new(Code::MissingValue, message));
    }
    SessionRow { location: event.location.clone(), venue: event.venue.clone(), ..read(cells, event.zone.clone()) }
}

/// A session that has a row of its own.
pub(crate) fn further(cells: &mut Cells<'_>, event: &EventRow, event_row: &Cells<'_>) -> SessionRow {
    cells.check_mode();
    warn_of_event_values(cells, event_row);
    let location = cells.text(Field::Location);
    let venue = cells.venue();
    let zone = cells.zone_or(&event.zone);
    SessionRow { location, venue, ..read(cells, zone) }
}

fn read(cells: &mut Cells<'_>, zone: TimeZone) -> SessionRow {
    let title = cells.required_within(Field::SessionTitle, 255);
    let (start, end) = cells.span(START, END, &zone);
    SessionRow {
        title,
        day: cells.day(),
        location: None,
        venue: VenueCell::Blank,
        start,
        end,
        instructors: cells.names(Field::SessionInstructor),
        url: cells.url(Field::SessionUrl),
        unused: cells.unused_digest(),
        zone,
    }
}

/// Warns where a session row says something else about the event than the event row does.
fn warn_of_event_values(cells: &mut Cells<'_>, event_row: &Cells<'_>) {
    for field in EVENT_ONLY {
        if !cells.matches(field, event_row) {
            let said = cells.raw(field).unwrap_or_default();
            differs(cells, field, &said);
        }
    }
}

fn differs(cells: &mut Cells<'_>, field: Field, said: &str) {
    let header = field.header();
    let message = format!("\"{said}\" is not used: \"{header}\" counts on the event's row, which does not say that");
    cells.flag(field, Issue::new(Code::ConflictingValue, message));
}

/// Checks that the days of a block are 1 to its number of sessions, each once; wrong ones become None.
pub(crate) fn check_days(sessions: &mut [(u32, SessionRow)]) -> Vec<(u32, Issue)> {
    let most = sessions.len();
    let mut taken = vec![None; most + 1];
    let mut flaws = Vec::new();
    for (row, session) in sessions {
        let message = match session.day {
            None if most == 1 => "\"Day\" must be 1, as this event has one session row".to_owned(),
            None => format!("\"Day\" must be a whole number, 1 to {most}"),
            Some(day) if day < 1 || day as usize > most => {
                format!("day {day} is not possible: this event has {}", counted(most, "session row"))
            }
            Some(day) => match taken[day as usize] {
                None => {
                    taken[day as usize] = Some(*row);
                    continue;
                }
                Some(first) => format!("day {day} is already that of row {first}"),
            },
        };
        session.day = None;
        flaws.push((*row, Issue::new(Code::InvalidDay, message)));
    }
    flaws
}
