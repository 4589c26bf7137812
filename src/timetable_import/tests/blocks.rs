//! Rows grouped into blocks: session rows, days, and blocks that occur twice.

use crate::timetable_import::layout::{Field as F, LAYOUT};
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::sheet::write::{CellValue, RowValues};
use crate::timetable_import::testing::*;
use crate::workbook::problems::Code;

#[test]
fn rejected_block_rejects_its_sessions() {
    let plan = planned(&[
        event("A"),
        with(event("B"), [(F::Location, Some("Lndon".into())), (F::SessionInstructor, None), (F::Instructor, None)]),
        session("B", 2),
    ]);
    assert_eq!(problem_cells(&plan), [(Code::UnknownLocation, "E5"), (Code::MissingValue, "R5")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Refuse]);
    assert_eq!(plan.counts().sessions, 1);
    assert_eq!(plan.problems[0].suggestions, ["London"]);
    assert_eq!(plan.problems[0].event.as_deref(), Some("B"));
}

#[test]
fn session_row_without_event_is_orphan() {
    let plan = planned(&[session("X", 1), event("A"), self_paced("OC"), session("OC", 1)]);
    assert_eq!(problem_cells(&plan), [(Code::OrphanSession, "A4"), (Code::OrphanSession, "A7")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Create]);
    assert!(plan.needs_attention());
}

#[test]
fn row_without_code_never_starts_a_block() {
    let titled = |title: &str, day| with(session("A", day), [(F::EventTitle, Some(title.into()))]);
    let planned_sessions = |rows: [RowValues; 3]| {
        let plan = planned(&[vec![event("A")], rows.to_vec()].concat());
        let counts = plan.counts();
        (problem_cells(&plan).iter().map(|(code, cell)| (*code, cell.to_string())).collect::<Vec<_>>(), counts.sessions)
    };
    // A title in another letter case, or with invisible characters, is the same title.
    let rows = [titled("a", 2), titled(" A\u{200b}", 3), session("A", 4)];
    let (problems, sessions) = planned_sessions(rows);
    assert_eq!((problems, sessions), (vec![(Code::InvisibleCharacters, "B6".to_owned())], 4));
    // A misspelt title rejects the whole event instead of splitting it.
    let (problems, sessions) = planned_sessions([session("A", 2), titled("Ab", 3), session("A", 4)]);
    assert_eq!((problems, sessions), (vec![(Code::ConflictingValue, "B6".to_owned())], 0));
    // Without an event above, each row is an orphan.
    let plan = planned(&[with(event("A"), [(F::Template, None)]), session("A", 2)]);
    assert_eq!(problem_cells(&plan), [(Code::OrphanSession, "A4"), (Code::OrphanSession, "A5")]);
    assert_eq!(outcomes(&plan), [] as [&BlockOutcome; 0]);
}

#[test]
fn row_that_repeats_the_header_is_skipped() {
    let header = LAYOUT.iter().map(|column| (column.field, column.header.into())).collect::<RowValues>();
    let plan = planned(&[event("A"), header.clone(), session("A", 2), header]);
    assert_eq!((problem_cells(&plan), plan.counts().sessions), (vec![], 2));
}

#[test]
fn invisible_characters_are_removed_with_one_warning() {
    let event = with(
        event("A"),
        [(F::Location, Some("Lon\u{ad}don".into())), (F::SessionTitle, Some("A\u{2011}1\u{feff}".into()))],
    );
    let plan = planned(&[event]);
    assert_eq!(problem_cells(&plan), [(Code::InvisibleCharacters, "C4")]);
    assert!(plan.problems[0].message.contains("C4, E4"), "{}", plan.problems[0].message);
    let planned = plan.items[0].event.as_ref().expect("an event");
    assert_eq!(planned.event.sessions[0].title, "A-1");
}

#[test]
fn dates_of_a_month_first_file_are_refused() {
    let dates = |start: &str, end: &str| {
        with(event("A"), [(F::LmsStartDate, Some(start.into())), (F::LmsEndDate, Some(end.into()))])
    };
    assert_eq!(problem_cells(&planned(&[dates("04/01/2026", "30/06/2026")])), []);
    let plan = planned(&[dates("01/04/2026", "06/30/2026")]);
    assert_eq!(problem_cells(&plan), [(Code::InvalidDate, "L4"), (Code::InvalidDate, "N4")]);
    assert!(plan.problems[0].message.contains("may mean MM/DD/YYYY"), "{}", plan.problems[0].message);
}

#[test]
fn error_values_of_spreadsheet_programs_are_no_titles() {
    for error in ["#BUSY!", "#FIELD!", "#GETTING_DATA", "Err:502", "#BEZUG!", "#¡VALOR!", "#ИМЯ?", "#NV", "#DIV/0!"]
    {
        let plan = planned(&[with(event("A"), [(F::SessionTitle, Some(error.into()))])]);
        assert_eq!(problem_cells(&plan), [(Code::InvalidValue, "C4")], "{error}");
    }
    for title in ["#1 Revision", "#Hash", "Error: 502", "#", "#!"] {
        let plan = planned(&[with(event("A"), [(F::SessionTitle, Some(title.into()))])]);
        assert_eq!(problem_cells(&plan), [], "{title}");
    }
}

#[test]
fn days_must_be_one_to_number_of_sessions() {
    for (days, wrong) in [
        ([1, 2, 3], &[][..]),
        ([3, 1, 2], &[]),
        ([1, 1, 3], &["U5"]),
        ([1, 2, 4], &["U6"]),
        ([0, 0, 5], &["U4", "U5", "U6"]),
    ] {
        let lines = [with(event("A"), [(F::Day, Some(days[0].into()))]), session("A", days[1]), session("A", days[2])];
        let lines = [lines[0].clone(), with(lines[1].clone(), [(F::Day, Some(days[1].into()))]), lines[2].clone()];
        let plan = planned(&lines);
        let cells: Vec<&str> =
            problem_cells(&plan).iter().filter(|(code, _)| *code == Code::InvalidDay).map(|(_, c)| *c).collect();
        assert_eq!(cells, wrong, "{days:?}");
    }
}

#[test]
fn repeated_block_is_duplicate_or_conflict() {
    let other = with(event("A"), [(F::MaxPlaces, Some(9.into()))]);
    let plan = planned(&[event("A"), event("A"), other]);
    assert_eq!(problem_cells(&plan), [(Code::DuplicateInFile, "B5"), (Code::ConflictingEvent, "B6")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Duplicate, &BlockOutcome::Conflict]);
    let counts = plan.counts();
    assert_eq!((counts.created, counts.duplicate, counts.rejected, counts.sessions), (1, 1, 1, 1));

    let wrong = with(event("A"), [(F::Location, Some("Atlantis".into()))]);
    for (first, advice) in [(event("A"), "that one is imported"), (wrong, "both are rejected")] {
        let other = with(event("A"), [(F::MaxPlaces, Some(9.into()))]);
        let plan = planned(&[first, other]);
        let of_second = plan.problems.iter().find(|problem| problem.code == Code::ConflictingEvent);
        assert!(of_second.is_some_and(|problem| problem.message.contains(advice)), "{:?}", plan.problems);
    }
}

#[test]
fn event_title_that_is_blank_or_too_long_is_one_problem() {
    let long = "x".repeat(101);
    for (title, code) in [(None, Code::MissingValue), (Some(long.as_str()), Code::InvalidValue)] {
        let titled = |row: RowValues, title: Option<&str>| with(row, [(F::EventTitle, title.map(CellValue::from))]);
        for below in [None, title, Some("A")] {
            let rows = [titled(event("A"), title), titled(session("A", 2), below), titled(session("A", 3), below)];
            let plan = planned(&rows);
            let expected = (vec![(code, "B4")], vec![&BlockOutcome::Refuse]);
            assert_eq!((problem_cells(&plan), outcomes(&plan)), expected, "{title:?} {below:?}");
        }
    }
}

#[test]
fn example_of_the_empty_workbook_is_skipped_with_its_sessions() {
    let example = with(event("A"), [(F::EventTitle, Some("EXAMPLE: A".into())), (F::Location, Some("Nowhere".into()))]);
    let plan = planned(&[event("A"), session("A", 2), example, session("A", 2), event("B"), session("B", 2)]);
    let sessions: Vec<usize> = plan.items.iter().map(|item| item.sessions).collect();
    assert!(problem_cells(&plan).iter().all(|(code, _)| *code == Code::DoubleBooked), "{:?}", plan.problems);
    assert_eq!(sessions, [2, 2]);
}
