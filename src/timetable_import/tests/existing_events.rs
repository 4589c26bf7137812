//! Events that exist already, locally or in Administrate.

use jiff::civil::date;

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::plan::remote_state::RemoteEvent;
use crate::timetable_import::testing::*;
use crate::workbook::problems::Code;

#[test]
fn second_import_is_unchanged_and_edit_changes_only_itself() {
    let lines = [event("A"), session("A", 2), self_paced("OC")];
    let (local, remote) = valid_state();
    let first = plan(&timetable(&lines), &local, &remote, planner_options(&labels()));
    let local = applied(&first, &local);
    // Other spelling and order do not matter.
    let typed = with(
        session("A", 2),
        [
            (F::StartDate, Some("27-01-2026".into())),
            (F::StartTime, Some(jiff::civil::time(9, 30, 0, 0).into())),
            (F::Day, Some("2".into())),
        ],
    );
    let again = plan(&timetable(&[self_paced("OC"), event("A"), typed]), &local, &remote, planner_options(&labels()));
    assert_eq!(outcomes(&again), [&BlockOutcome::Unchanged, &BlockOutcome::Unchanged]);
    assert_eq!((problem_cells(&again), again.remote_calls(), again.counts().sessions), (vec![], 0, 2));
    let edited = [
        with(event("A"), [(F::MaxPlaces, Some(15.into())), (F::Venue, Some("tbc".into()))]),
        with(session("A", 2), [(F::EndTime, Some("16:00".into()))]),
    ];
    let edit = plan(&timetable(&edited), &local, &remote, planner_options(&labels()));
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
        let edit = plan(&timetable(&[first, session("A", 2)]), &local, &remote, planner_options(&labels()));
        (edit.items[0].changes.len(), edit.remote_calls())
    };
    assert_eq!(cost(with(event("A"), [(F::SessionTitle, Some("First".into()))])), (1, 1));
    assert_eq!(cost(with(event("A"), [(F::Tutors, Some("two".into()))])), (1, 0), "stored only locally");
    let shorter = plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels()));
    assert_eq!(
        (problem_cells(&shorter), outcomes(&shorter)),
        (vec![(Code::SessionGone, "U4")], vec![&BlockOutcome::Unchanged])
    );
}

#[test]
fn existing_event_with_other_template_conflicts() {
    let (local, remote) = valid_state();
    let local = applied(&plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels())), &local);
    let mut other = local.clone();
    if let Some(known) = other.events.get_mut("a") {
        known.event.course_template_id = Some(99);
    }
    let rejected = plan(&timetable(&[event("A")]), &other, &remote, planner_options(&labels()));
    assert_eq!(
        (problem_cells(&rejected), outcomes(&rejected)),
        (vec![(Code::ConflictingEvent, "A4")], vec![&BlockOutcome::Conflict])
    );
}

#[test]
fn cancelled_event_is_skipped_or_cancelled() {
    let cancelled = with(event("A"), [(F::Cancelled, Some("Y".into())), (F::Location, Some("Unknown".into()))]);
    let skipped = planned(std::slice::from_ref(&cancelled));
    assert_eq!(
        (problem_cells(&skipped), outcomes(&skipped)),
        (vec![(Code::CancelledSkipped, "AF4")], vec![&BlockOutcome::Skip])
    );
    assert_eq!((skipped.counts().unchanged, skipped.needs_attention()), (1, false));
    let (local, remote) = valid_state();
    let local = applied(&plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels())), &local);
    let cancel = plan(&timetable(&[cancelled]), &local, &remote, planner_options(&labels()));
    assert_eq!(
        (outcomes(&cancel), cancel.counts().updated, cancel.remote_calls()),
        (vec![&BlockOutcome::Cancel], 1, 1)
    );
}

#[test]
fn remote_event_with_same_title_is_adopted_or_conflicts() {
    let (local, remote) = valid_state();
    let matching = |template: &str, first: jiff::civil::DateTime, lms: Option<jiff::civil::DateTime>| RemoteEvent {
        event: serde_json::from_value(serde_json::json!({
            "id": "Q291cnNlOjE=", "title": "A", "courseTemplate": { "id": template }, "maxPlaces": 20,
            "location": { "id": "remote London" }, "sessions": [],
        }))
        .expect("an event"),
        first_session: Some(first),
        classroom_start: Some(date(2026, 1, 13).at(9, 30, 0, 0)),
        lms_start: lms,
        start: Some(first),
        cancelled: false,
    };
    let (first, lms) = (date(2026, 1, 13).at(9, 30, 0, 0), date(2025, 10, 22).at(16, 0, 0, 0));
    let later = first.checked_add(jiff::Span::new().minutes(5)).expect("a time");
    let adopted = BlockOutcome::Adopt("Q291cnNlOjE=".to_owned());
    for (matching, outcome, code, message) in [
        (matching("remote CB1_f2f_3", first, Some(lms)), &adopted, Code::DuplicateEvent, "it is adopted"),
        (matching("remote CB1_f2f_3", first, None), &adopted, Code::DuplicateEvent, "it is adopted"),
        (
            matching("remote CB1_f2f_3", later, Some(lms)),
            &BlockOutcome::Conflict,
            Code::ConflictingEvent,
            "first session 13/01/2026 09:30 in the file, 13/01/2026 09:35 in Administrate",
        ),
        (
            matching("remote CB1_f2f_3", first, Some(later)),
            &BlockOutcome::Conflict,
            Code::ConflictingEvent,
            "LMS start 22/10/2025 16:00 in the file, 13/01/2026 09:35 in Administrate",
        ),
        (
            matching("remote OC_CB1", first, Some(lms)),
            &BlockOutcome::Conflict,
            Code::ConflictingEvent,
            "template CB1_f2f_3 in the file, remote OC_CB1 in Administrate",
        ),
    ] {
        let mut remote = remote.clone();
        remote.events.insert("a".to_owned(), vec![matching]);
        let plan = plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels()));
        assert_eq!((problem_cells(&plan), outcomes(&plan)), (vec![(code, "B4")], vec![outcome]));
        assert!(plan.problems[0].message.contains(message), "{}", plan.problems[0].message);
        // Changes in Administrate are listed; its place is not, because Administrate does not report it.
        let changes: Vec<String> = plan.items[0].changes.iter().map(ToString::to_string).collect();
        let expected: &[&str] = if plan.counts().created == 1 { &["max places: 20 → 12"] } else { &[] };
        assert_eq!(changes, expected);
    }
}
