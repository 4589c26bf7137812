//! Events that exist already, locally or in Administrate.

use jiff::civil::date;

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::plan::remote_state::RemoteEvent;
use crate::timetable_import::problems::Code;
use crate::timetable_import::testing::*;

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
