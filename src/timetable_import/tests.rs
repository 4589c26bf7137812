//! Workbook → blocks → plan, in tables: what one changed cell leads to.

use std::path::Path;

use jiff::civil::date;
use spreadsheet::Limits;

use crate::tutorials::LearningMode;

use super::blocks;
use super::layout::Field as F;
use super::plan::BlockOutcome;
use super::plan::inputs::Booking;
use super::plan::remote_state::RemoteEvent;
use super::problems::Code;
use super::sheet::write;
use super::testing::*;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::sheet::write::CellValue;

#[test]
fn sound_rows_are_new_events() {
    let plan = planned(&[event("A"), session("A", 2), self_paced("OC")]);
    assert_eq!(problem_cells(&plan), []);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Create]);
    assert_eq!((plan.counts().created, plan.counts().sessions), (2, 2));
    let first = plan.items[0].event.as_ref().expect("an event");
    assert_eq!((first.event.start_date, first.event.end_date), (date(2025, 10, 22), date(2026, 4, 10)));
    assert_eq!(first.event.sessions[1].start.to_string(), "2026-01-27T09:30:00Z");
    assert_eq!(plan.items[1].event.as_ref().and_then(|event| event.event.learning_mode), Some(LearningMode::Lms));
}

/// One field of the event's row (row 4) set otherwise, and the only problem that follows.
#[test]
fn one_wrong_cell_of_an_event_is_one_problem() {
    let text = |text: &str| Some(CellValue::from(text));
    for (field, entry, code, cell) in [
        (F::Template, text("CB9"), Code::UnknownCourseTemplate, "A4"),
        (F::Template, None, Code::MissingValue, "A4"),
        (F::EventTitle, None, Code::MissingValue, "B4"),
        (F::EventTitle, Some("x".repeat(101).into()), Code::InvalidValue, "B4"),
        (F::SessionTitle, None, Code::MissingValue, "C4"),
        (F::SessionTitle, Some("x".repeat(256).into()), Code::InvalidValue, "C4"),
        (F::LearningMode, text("Distance"), Code::InvalidValue, "D4"),
        (F::LearningMode, text("LMS"), Code::InvalidValue, "D4"),
        (F::Location, text("Lndon"), Code::UnknownLocation, "E4"),
        (F::Location, None, Code::MissingValue, "E4"),
        (F::Venue, text("Nowhere"), Code::UnknownVenue, "F4"),
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
        (F::Instructor, text("Nobody Here"), Code::UnknownInstructor, "R4"),
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
fn formulas_count_by_their_stored_result() {
    let line = with(event("A"), [(F::StartTime, Some(CellValue::Formula("CLOCK", "09:30")))]);
    let (ours, facts) = valid_state();
    let bytes = write::timetable(&[line]).expect("a workbook");
    for (stored, problems) in [("09:30", &[][..]), ("", &[(Code::MissingValue, "I4")])] {
        let bytes = with_part(&bytes, "xl/worksheets/sheet1.xml", "<v>09:30</v>", &format!("<v>{stored}</v>"));
        let bytes =
            if stored.is_empty() { with_part(&bytes, "xl/worksheets/sheet1.xml", "t=\"str\"", "") } else { bytes };
        let sheet = spreadsheet::read("test.xlsx", &bytes, &Limits::default()).expect("readable");
        let timetable = blocks::read(&sheet, &reading()).expect("not too large");
        assert_eq!(problem_cells(&plan(&timetable, &ours, &facts, planner_options(&labels()))), problems);
    }
}

#[test]
fn what_may_be_blank() {
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
    let further = with(
        session("A", 2),
        [
            (F::Location, None),
            (F::Venue, None),
            (F::TimeZone, None),
            (F::SessionInstructor, None),
            (F::LearningMode, None),
        ],
    );
    let plan = planned(&[line, further]);
    assert_eq!(problem_cells(&plan), []);
    let event = plan.items[0].event.as_ref().expect("an event");
    let (event, sessions) = (&event.event, &event.event.sessions);
    assert_eq!(event.remain_space, 0);
    assert_eq!((sessions[1].location_id, sessions[1].venue_id), (None, None));
    assert_eq!(sessions[0].location_id, event.location_id);
    assert_eq!(sessions[1].instructor_ids, sessions[0].instructor_ids);
}

#[test]
fn a_classroom_event_needs_no_window() {
    let blank = [(F::LmsStartDate, None), (F::LmsStartTime, None), (F::LmsEndDate, None), (F::LmsEndTime, None)];
    let line = with(with(event("A"), blank), [(F::LearningMode, Some("Classroom".into()))]);
    let plan = planned(&[line, session("A", 2)]);
    let event = plan.items[0].event.as_ref().expect("an event");
    assert_eq!((event.event.start_date, event.event.end_date), (date(2026, 1, 13), date(2026, 1, 27)));
    assert_eq!(event.event.learning_mode, Some(LearningMode::Classroom));
}

#[test]
fn a_refused_block_takes_its_sessions_along() {
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
fn session_rows_without_an_event_are_orphans() {
    let plan = planned(&[session("X", 1), event("A"), self_paced("OC"), session("OC", 1)]);
    assert_eq!(problem_cells(&plan), [(Code::OrphanSession, "A4"), (Code::OrphanSession, "A7")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Create]);
    assert!(plan.needs_person());
}

#[test]
fn an_event_row_that_lost_its_code_is_no_session_of_the_block_above() {
    let plan = planned(&[event("A"), with(event("B"), [(F::Template, None)]), session("B", 2)]);
    assert_eq!(problem_cells(&plan), [(Code::MissingValue, "A5")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Refuse]);
}

#[test]
fn days_are_one_to_the_number_of_sessions() {
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
fn repeated_blocks_in_one_file() {
    let other = with(event("A"), [(F::MaxPlaces, Some(9.into()))]);
    let plan = planned(&[event("A"), event("A"), other]);
    assert_eq!(problem_cells(&plan), [(Code::DuplicateInFile, "B5"), (Code::ConflictingEvent, "B6")]);
    assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Duplicate, &BlockOutcome::Conflict]);
    let counts = plan.counts();
    assert_eq!((counts.created, counts.duplicate, counts.rejected, counts.sessions), (1, 1, 1, 1));

    let wrong = with(event("A"), [(F::Location, Some("Atlantis".into()))]);
    for (first, fate) in [(event("A"), "that one stands"), (wrong, "that one is refused too")] {
        let other = with(event("A"), [(F::MaxPlaces, Some(9.into()))]);
        let plan = planned(&[first, other]);
        let of_second = plan.problems.iter().find(|problem| problem.code == Code::ConflictingEvent);
        assert!(of_second.is_some_and(|problem| problem.message.contains(fate)), "{:?}", plan.problems);
    }
}

#[test]
fn instructors_must_be_linked_and_approved() {
    let lines = [event("A"), session("A", 2)];
    let (mut ours, mut facts) = valid_state();
    facts.approved.clear();
    let refused = plan(&timetable(&lines), &ours, &facts, planner_options(&labels()));
    let cells =
        [(Code::NotApprovedInstructor, "R4"), (Code::NotApprovedInstructor, "S4"), (Code::NotApprovedInstructor, "S5")];
    assert_eq!(problem_cells(&refused), cells);
    let labels = labels();
    let mut approving = planner_options(&labels);
    approving.import.approve_instructors = true;
    let approved = plan(&timetable(&lines), &ours, &facts, approving);
    assert_eq!(
        (problem_cells(&approved), approved.approvals.len(), outcomes(&approved)),
        (vec![], 1, vec![&BlockOutcome::Create])
    );
    ours.instructors[0].external_id = None;
    ours.locations[0].external_id = None;
    let refused = plan(&timetable(&lines[..1]), &ours, &facts, planner_options(&labels));
    assert_eq!(problem_cells(&refused), [(Code::NotLinked, "E4"), (Code::NotLinked, "R4"), (Code::NotLinked, "S4")]);
}

#[test]
fn the_same_file_twice_changes_nothing_and_an_edit_changes_exactly_itself() {
    let lines = [event("A"), session("A", 2), self_paced("OC")];
    let (ours, facts) = valid_state();
    let first = plan(&timetable(&lines), &ours, &facts, planner_options(&labels()));
    let ours = applied(&first, &ours);
    // Typed otherwise and in another order, it is the same.
    let typed = with(
        session("A", 2),
        [
            (F::StartDate, Some("27-01-2026".into())),
            (F::StartTime, Some(jiff::civil::time(9, 30, 0, 0).into())),
            (F::Day, Some("2".into())),
        ],
    );
    let again = plan(&timetable(&[self_paced("OC"), event("A"), typed]), &ours, &facts, planner_options(&labels()));
    assert_eq!(outcomes(&again), [&BlockOutcome::Unchanged, &BlockOutcome::Unchanged]);
    assert_eq!((problem_cells(&again), again.remote_calls(), again.counts().sessions), (vec![], 0, 2));
    let edited = [
        with(event("A"), [(F::MaxPlaces, Some(15.into())), (F::Venue, Some("tbc".into()))]),
        with(session("A", 2), [(F::EndTime, Some("16:00".into()))]),
    ];
    let edit = plan(&timetable(&edited), &ours, &facts, planner_options(&labels()));
    assert_eq!(outcomes(&edit), [&BlockOutcome::Update]);
    let fields: Vec<String> = edit.items[0].changes.iter().map(ToString::to_string).collect();
    let expected = [
        "venue: King's Cross → nothing",
        "max places: 12 → 15",
        "day 1: venue: King's Cross → nothing",
        "day 2: end: 27/01/2026 17:00 → 27/01/2026 16:00",
    ];
    assert_eq!(fields, expected);
    assert_eq!(edit.items[0].event.as_ref().map(|event| event.places_moved), Some(3));
    assert_eq!(edit.remote_calls(), 3, "one for the event, one for each day");
    let cost = |first| {
        let edit = plan(&timetable(&[first, session("A", 2)]), &ours, &facts, planner_options(&labels()));
        (edit.items[0].changes.len(), edit.remote_calls())
    };
    assert_eq!(cost(with(event("A"), [(F::SessionTitle, Some("First".into()))])), (1, 1));
    assert_eq!(cost(with(event("A"), [(F::Tutors, Some("two".into()))])), (1, 0), "it stays here");
    let shorter = plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels()));
    assert_eq!(
        (problem_cells(&shorter), outcomes(&shorter)),
        (vec![(Code::SessionGone, "U4")], vec![&BlockOutcome::Unchanged])
    );
}

#[test]
fn known_events_with_another_template_conflict() {
    let (ours, facts) = valid_state();
    let ours = applied(&plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels())), &ours);
    let mut other = ours.clone();
    if let Some(known) = other.events.get_mut("a") {
        known.event.course_template_id = Some(99);
    }
    let refused = plan(&timetable(&[event("A")]), &other, &facts, planner_options(&labels()));
    assert_eq!(
        (problem_cells(&refused), outcomes(&refused)),
        (vec![(Code::ConflictingEvent, "A4")], vec![&BlockOutcome::Conflict])
    );
}

#[test]
fn cancelled_events() {
    let cancelled = with(event("A"), [(F::Cancelled, Some("Y".into())), (F::Location, Some("Nowhere".into()))]);
    let skipped = planned(std::slice::from_ref(&cancelled));
    assert_eq!(
        (problem_cells(&skipped), outcomes(&skipped)),
        (vec![(Code::CancelledSkipped, "AF4")], vec![&BlockOutcome::Skip])
    );
    assert_eq!((skipped.counts().unchanged, skipped.needs_person()), (1, false));
    let (ours, facts) = valid_state();
    let ours = applied(&plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels())), &ours);
    let cancel = plan(&timetable(&[cancelled]), &ours, &facts, planner_options(&labels()));
    assert_eq!(
        (outcomes(&cancel), cancel.counts().updated, cancel.remote_calls()),
        (vec![&BlockOutcome::Cancel], 1, 1)
    );
}

#[test]
fn a_title_that_stands_in_administrate() {
    let (ours, facts) = valid_state();
    let twin = |template: &str, day: jiff::civil::Date| RemoteEvent {
        event: serde_json::from_value(serde_json::json!({
            "id": "Q291cnNlOjE=", "title": "A", "courseTemplate": { "id": template }, "maxPlaces": 20,
            "location": { "id": "remote London" }, "sessions": [],
        }))
        .expect("an event"),
        classroom_start: Some(day.at(9, 30, 0, 0)),
        lms_start: Some(date(2025, 10, 22).at(16, 0, 0, 0)),
        start: Some(day.at(9, 30, 0, 0)),
        cancelled: false,
    };
    for (twin, outcome, code) in [
        (
            twin("remote CB1_f2f_3", date(2026, 1, 13)),
            BlockOutcome::Adopt("Q291cnNlOjE=".to_owned()),
            Code::DuplicateEvent,
        ),
        (twin("remote CB1_f2f_3", date(2026, 1, 14)), BlockOutcome::Conflict, Code::ConflictingEvent),
        (twin("remote OC_CB1", date(2026, 1, 13)), BlockOutcome::Conflict, Code::ConflictingEvent),
    ] {
        let mut facts = facts.clone();
        facts.events.insert("a".to_owned(), vec![twin]);
        let plan = plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels()));
        assert_eq!((problem_cells(&plan), outcomes(&plan)), (vec![(code, "B4")], vec![&outcome]));
        // What it changes there is told, the place that Administrate does not tell is none of it.
        let changes: Vec<String> = plan.items[0].changes.iter().map(ToString::to_string).collect();
        let expected: &[&str] = if plan.counts().created == 1 { &["max places: 20 → 12"] } else { &[] };
        assert_eq!(changes, expected);
    }
}

#[test]
fn double_bookings_are_warnings_on_the_later_row() {
    let other_place = [(F::Location, Some("Online".into())), (F::Venue, None)];
    let (mut ours, facts) = state_of(&timetable(&[event("A"), with(event("B"), other_place.clone())]));
    let found = plan(&timetable(&[event("A"), event("B")]), &ours, &facts, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "F5"), (Code::DoubleBooked, "S5")]);
    assert_eq!(found.counts().created, 2);
    let found =
        plan(&timetable(&[event("A"), with(event("B"), other_place)]), &ours, &facts, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "S5")]);
    let first = plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels()));
    let session = &first.items[0].event.as_ref().expect("an event").event.sessions[0];
    ours.bookings.push(Booking {
        event: "Z".to_owned(),
        session: "Z-1".to_owned(),
        venue_id: session.venue_id,
        instructor_ids: vec![],
        start: session.start,
        end: session.end,
    });
    let found = plan(&timetable(&[event("A")]), &ours, &facts, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "F4")]);
    assert!(found.problems[0].message.contains("event Z"));
}

#[test]
fn labels_that_the_tenant_lacks_are_told_once() {
    let (mut ours, facts) = valid_state();
    ours.fields.clear();
    let plan = plan(&timetable(&[event("A"), session("A", 2)]), &ours, &facts, planner_options(&labels()));
    let labels = plan.problems.iter().filter(|problem| problem.code == Code::UnknownLabel).count();
    assert_eq!((labels, plan.problems.len(), plan.needs_person()), (4, 4, false));
}

/// The real provider's workbook, names replaced. It stays outside the repository.
#[test]
fn the_sample_timetable_is_read_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/timetable-sample.xlsx");
    let path = std::env::var_os("LECTERN_SAMPLE").map_or(path, Into::into);
    if !path.exists() {
        eprintln!("{} is absent: nothing is tested with it", path.display());
        return;
    }
    let sheet = spreadsheet::read_file(&path, &Limits::default()).expect("readable");
    let timetable = blocks::read(&sheet, &reading()).expect("not too large");
    let (ours, facts) = state_of(&timetable);
    let plan = plan(&timetable, &ours, &facts, planner_options(&labels()));
    let errors: Vec<_> = plan.problems.iter().filter(|problem| problem.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let counts = plan.counts();
    assert_eq!((counts.events, counts.created, counts.sessions), (41, 41, 156));
    let self_paced = timetable.blocks.iter().filter(|block| block.event.mode == LearningMode::Lms).count();
    assert_eq!(self_paced, 4);
    let again = crate::timetable_import::plan::planner::plan(
        &timetable,
        &applied(&plan, &ours),
        &facts,
        planner_options(&labels()),
    );
    assert!(again.items.iter().all(|item| item.outcome == BlockOutcome::Unchanged), "{again}");
}
