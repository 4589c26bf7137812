//! Cells of an event row: what is required, what may be blank, and the problem of each wrong value.

use jiff::civil::date;
use spreadsheet::Limits;

use crate::timetable_import::blocks;
use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::sheet::write;
use crate::timetable_import::sheet::write::CellValue;
use crate::timetable_import::testing::*;
use crate::tutorials::LearningMode;
use crate::workbook::problems::Code;

#[test]
fn valid_rows_create_events() {
    let plan = planned(&[event("A"), session("A", 2), self_paced("OC")]);
    assert_eq!(problem_cells(&plan), []);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Create]);
    assert_eq!((plan.counts().created, plan.counts().sessions), (2, 2));
    let first = plan.items[0].event.as_ref().expect("an event");
    assert_eq!((first.event.start_date, first.event.end_date), (date(2025, 10, 22), date(2026, 4, 10)));
    assert_eq!(first.event.sessions[1].start.to_string(), "2026-01-27T09:30:00Z");
    assert_eq!(plan.items[1].event.as_ref().and_then(|event| event.event.learning_mode), Some(LearningMode::Lms));
}

/// Each case changes one field of the event row (row 4) and expects one problem.
#[test]
fn wrong_cell_of_event_row_is_one_problem() {
    let text = |text: &str| Some(CellValue::from(text));
    for (field, entry, code, cell) in [
        (F::Template, text("CB9"), Code::UnknownCourseTemplate, "A4"),
        (F::EventTitle, None, Code::MissingValue, "B4"),
        (F::EventTitle, Some("x".repeat(101).into()), Code::InvalidValue, "B4"),
        (F::SessionTitle, None, Code::MissingValue, "C4"),
        (F::SessionTitle, Some("x".repeat(256).into()), Code::InvalidValue, "C4"),
        (F::LearningMode, text("Distance"), Code::InvalidValue, "D4"),
        (F::LearningMode, text("LMS"), Code::InvalidValue, "D4"),
        (F::Location, text("Lndon"), Code::UnknownLocation, "E4"),
        (F::Location, None, Code::MissingValue, "E4"),
        (F::Venue, text("Unknown Venue"), Code::UnknownVenue, "F4"),
        (F::TimeZone, text("Mars"), Code::InvalidValue, "G4"),
        (F::TimeZone, None, Code::MissingValue, "G4"),
        (F::StartDate, None, Code::MissingValue, "H4"),
        (F::StartDate, text("31/02/2026"), Code::InvalidDate, "H4"),
        (F::StartTime, text("half nine"), Code::InvalidDate, "I4"),
        (F::EndDate, Some(date(2026, 1, 12).into()), Code::EndBeforeStart, "J4"),
        (F::EndTime, text("09:30"), Code::EndBeforeStart, "K4"),
        (F::LmsStartDate, None, Code::MissingValue, "L4"),
        (F::LmsEndDate, text("2026"), Code::InvalidDate, "N4"),
        (F::LmsEndDate, Some(date(2025, 1, 1).into()), Code::EndBeforeStart, "N4"),
        (F::MaxPlaces, text("many"), Code::InvalidValue, "P4"),
        (F::MaxPlaces, Some((-1).into()), Code::InvalidValue, "P4"),
        (F::Instructor, text("Unknown Person"), Code::UnknownInstructor, "R4"),
        (F::SessionInstructor, text("Ada Marlowe"), Code::UnknownInstructor, "S4"),
        (F::Administrator, text("Ada Marlow"), Code::UnknownInstructor, "T4"),
        (F::Day, None, Code::InvalidDay, "U4"),
        (F::Day, Some(3.into()), Code::InvalidDay, "U4"),
        (F::Day, Some(0.into()), Code::InvalidDay, "U4"),
        (F::EventUrl, text("rooms"), Code::InvalidValue, "V4"),
        (F::SessionUrl, text("ftp://rooms"), Code::InvalidValue, "W4"),
        (F::FinalisationDate, text("soon"), Code::InvalidDate, "X4"),
        (F::WebSale, text("perhaps"), Code::InvalidValue, "Y4"),
        (F::Sitting, None, Code::MissingValue, "Z4"),
        (F::Sitting, text("2026X"), Code::InvalidValue, "Z4"),
        (F::Sitting, text("2026S"), Code::UnknownProduct, "Z4"),
        (F::Cancelled, text("maybe"), Code::InvalidValue, "AF4"),
    ] {
        let plan = planned(&[with(event("A"), [(field, entry.clone())]), session("A", 2)]);
        assert_eq!(problem_cells(&plan), [(code, cell)], "{field:?} {entry:?}");
        assert_eq!(outcomes(&plan), [&BlockOutcome::Refuse], "{field:?} {entry:?}");
        assert_eq!(plan.counts().sessions, 0);
    }
}

#[test]
fn formula_is_read_by_its_stored_result() {
    let line = with(event("A"), [(F::StartTime, Some(CellValue::Formula("CLOCK", "09:30")))]);
    let (local, remote) = valid_state();
    let bytes = write::timetable(&[line]).expect("a workbook");
    for (stored, problems) in [("09:30", &[][..]), ("", &[(Code::MissingValue, "I4")])] {
        let bytes = with_part(&bytes, "xl/worksheets/sheet1.xml", "<v>09:30</v>", &format!("<v>{stored}</v>"));
        let bytes =
            if stored.is_empty() { with_part(&bytes, "xl/worksheets/sheet1.xml", "t=\"str\"", "") } else { bytes };
        let sheet = spreadsheet::read("test.xlsx", &bytes, &Limits::default()).expect("readable");
        let timetable = blocks::read(&sheet, &parse_options()).expect("not too large");
        assert_eq!(problem_cells(&plan(&timetable, &local, &remote, planner_options(&labels()))), problems);
    }
}

#[test]
fn optional_cells_may_be_blank() {
    let line = with(
        event("A"),
        [
            (F::LearningMode, None),
            (F::Venue, None),
            (F::MaxPlaces, None),
            (F::SessionInstructor, None),
            (F::WebSale, None),
            (F::Cancelled, None),
            (F::FinalisationDate, None),
        ],
    );
    let second = with(
        session("A", 2),
        [
            (F::Location, None),
            (F::Venue, None),
            (F::TimeZone, None),
            (F::SessionInstructor, None),
            (F::LearningMode, None),
        ],
    );
    let plan = planned(&[line, second]);
    assert_eq!(problem_cells(&plan), []);
    let event = plan.items[0].event.as_ref().expect("an event");
    let (event, sessions) = (&event.event, &event.event.sessions);
    assert_eq!(event.remain_space, 0);
    assert_eq!((sessions[1].location_id, sessions[1].venue_id), (None, None));
    assert_eq!(sessions[0].location_id, event.location_id);
    assert_eq!(sessions[1].instructor_ids, sessions[0].instructor_ids);
}

#[test]
fn classroom_event_needs_no_lms_window() {
    let blank = [(F::LmsStartDate, None), (F::LmsStartTime, None), (F::LmsEndDate, None), (F::LmsEndTime, None)];
    let line = with(with(event("A"), blank), [(F::LearningMode, Some("Classroom".into()))]);
    let plan = planned(&[line, session("A", 2)]);
    let event = plan.items[0].event.as_ref().expect("an event");
    assert_eq!((event.event.start_date, event.event.end_date), (date(2026, 1, 13), date(2026, 1, 27)));
    assert_eq!(event.event.learning_mode, Some(LearningMode::Classroom));
}
