//! Reads the sessions of a block: the first in the event row, the others in rows below, and checks their days.

use jiff::tz::TimeZone;

use super::blocks::{EventRow, MAX_EVENT_TITLE, SessionRow, VenueCell};
use super::cells::{Cells, END, START};
use super::layout::Field;
use crate::console::counted;
use crate::names::fold;
use crate::workbook::problems::{Code, Issue};

/// Fields that are read only from the event row; a session row may repeat them.
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

/// Reads the session in the event row.
pub(crate) fn read_first(cells: &mut Cells<'_>, event: &EventRow) -> SessionRow {
    if !cells.has_any(&[Field::Instructor, Field::SessionInstructor]) {
        let message = "\"Instructor\" and \"Session instructor\" are both blank; fill in one of them";
        cells.flag(Field::Instructor, Issue::new(Code::MissingValue, message));
    }
    SessionRow { location: event.location.clone(), venue: event.venue.clone(), ..read(cells, event.zone.clone()) }
}

/// Reads a session in a row of its own.
pub(crate) fn read_additional(cells: &mut Cells<'_>, event: &EventRow, event_row: &Cells<'_>) -> SessionRow {
    cells.check_mode();
    check_title(cells, event);
    warn_event_values(cells, event_row);
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

/// Rejects a session row whose Event title is that of another event. A title that is invalid itself is one problem, at
/// the event row.
fn check_title(cells: &mut Cells<'_>, event: &EventRow) {
    let (Some(title), Some(expected)) = (cells.raw(Field::EventTitle), &event.title) else { return };
    if expected.chars().count() > MAX_EVENT_TITLE {
        return;
    }
    if fold(&title) != fold(expected) {
        let message = format!(
            "this row belongs to \"{expected}\" above, but its event title is \"{title}\": correct the title, or fill in a \
             course template code to begin another event"
        );
        cells.flag(Field::EventTitle, Issue::new(Code::ConflictingValue, message).as_error());
    }
}

/// Warns where a session row has another value for a field of the event than the event row.
fn warn_event_values(cells: &mut Cells<'_>, event_row: &Cells<'_>) {
    for field in EVENT_ONLY {
        if !cells.matches(field, event_row) {
            let text = cells.raw(field).unwrap_or_default();
            warn_difference(cells, field, &text);
        }
    }
}

fn warn_difference(cells: &mut Cells<'_>, field: Field, text: &str) {
    let header = field.header();
    let message = format!(
        "\"{text}\" is not used: \"{header}\" is read from the event row, which has another value; correct one of them"
    );
    cells.flag(field, Issue::new(Code::ConflictingValue, message));
}

/// Checks that the days of a block are 1 to its number of sessions, each once. Invalid days become None.
pub(crate) fn check_days(sessions: &mut [(u32, SessionRow)]) -> Vec<(u32, Issue)> {
    let count = sessions.len();
    let mut row_of_day = vec![None; count + 1];
    let mut issues = Vec::new();
    for (row, session) in sessions {
        let message = match session.day {
            None if count == 1 => "\"Day\" must be 1: this event has one session row".to_owned(),
            None => format!("\"Day\" must be a whole number from 1 to {count}"),
            Some(day) if day < 1 || day as usize > count => {
                format!(
                    "day {day} is not valid: this event has {}; number its days from 1",
                    counted(count, "session row")
                )
            }
            Some(day) => match row_of_day[day as usize] {
                None => {
                    row_of_day[day as usize] = Some(*row);
                    continue;
                }
                Some(first) => format!("row {first} already has day {day}; number the days from 1 to {count}"),
            },
        };
        session.day = None;
        issues.push((*row, Issue::new(Code::InvalidDay, message)));
    }
    issues
}
