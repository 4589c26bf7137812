//! Rows grouped into blocks: session rows, days, and blocks that occur twice.

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::problems::Code;
use crate::timetable_import::testing::*;

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
fn event_row_without_code_starts_a_block() {
    let plan = planned(&[event("A"), with(event("B"), [(F::Template, None)]), session("B", 2)]);
    assert_eq!(problem_cells(&plan), [(Code::MissingValue, "A5")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Refuse]);
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
