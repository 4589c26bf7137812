//! What a plan makes of titles that differ in letter case, and of values that Administrate changed meanwhile.

use super::BlockOutcome;
use crate::timetable_import::layout::Field as F;
use crate::timetable_import::problems::Code;
use crate::timetable_import::sheet::write::CellValue;
use crate::timetable_import::testing::*;

use super::inputs::{LinkedRecord, LinkedVenue, NamedRecord};
use super::planner::plan;

#[test]
fn titles_that_differ_in_letter_case_alone_are_one_event() {
    let lower = with(event("A"), [(F::EventTitle, Some("a".into()))]);
    let twice = planned(&[event("A"), lower.clone()]);
    assert_eq!(
        (problem_cells(&twice), outcomes(&twice)),
        (vec![(Code::DuplicateInFile, "B5")], vec![&BlockOutcome::Create, &BlockOutcome::Duplicate])
    );
    let other = with(lower.clone(), [(F::MaxPlaces, Some(CellValue::from(9)))]);
    let contradiction = planned(&[event("A"), other]);
    assert_eq!(outcomes(&contradiction), [&BlockOutcome::Create, &BlockOutcome::Conflict]);

    let (ours, facts) = valid_state();
    let known = applied(&planned(&[event("A")]), &ours);
    let again = plan(&timetable(&[lower]), &known, &facts, planner_options(&labels()));
    assert_eq!((problem_cells(&again), outcomes(&again)), (vec![], vec![&BlockOutcome::Unchanged]));
}

/// Spelt, typed, ordered or left to the event otherwise, a block says the same.
#[test]
fn a_repeated_block_may_be_written_otherwise() {
    let text = |text: &str| Some(CellValue::from(text));
    let (first, second) = (event("A"), session("A", 2));
    let shouted = with(
        first.clone(),
        [
            (F::Template, text("cb1_F2F_3")),
            (F::EventTitle, text(" a ")),
            (F::SessionTitle, text("a-1")),
            (F::Location, text("LONDON")),
            (F::Venue, text("king's  CROSS")),
            (F::Instructor, text("ADA  marlow")),
            (F::SessionInstructor, None),
            (F::Sitting, text("2026a")),
            (F::StartDate, text("13-01-2026")),
            (F::MaxPlaces, text("12")),
        ],
    );
    let left_to_it = with(
        second.clone(),
        [(F::Location, None), (F::Venue, None), (F::SessionInstructor, None), (F::TimeZone, text("Europe/London"))],
    );
    for repeated in [[shouted.clone(), left_to_it.clone()], [shouted, second.clone()], [first.clone(), left_to_it]] {
        let plan = planned(&[&[first.clone(), second.clone()][..], &repeated].concat());
        let expected = (vec![(Code::DuplicateInFile, "B6")], vec![&BlockOutcome::Create, &BlockOutcome::Duplicate]);
        assert_eq!((problem_cells(&plan), outcomes(&plan)), expected, "{repeated:?}");
        assert_eq!((plan.counts().duplicate, plan.needs_person()), (1, false));
    }
    for (field, other) in
        [(F::Venue, "TBC"), (F::EndTime, "17:30"), (F::SessionTitle, "A/1"), (F::SessionUrl, "http://a")]
    {
        let plan = planned(&[first.clone(), with(first.clone(), [(field, text(other))])]);
        assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Conflict], "{field:?}");
    }
}

/// Of several that one name means, none is taken but that which a person has linked.
#[test]
fn several_records_of_one_name_are_told() {
    let lines = [event("A"), session("A", 2)];
    let (sound, facts) = valid_state();
    let twin = |of: &LinkedRecord, name: &str| LinkedRecord {
        record: NamedRecord { id: of.record.id + 100, name: name.to_owned() },
        external_id: None,
        ..of.clone()
    };
    let (mut templates, mut locations, mut people, mut venues) =
        (sound.clone(), sound.clone(), sound.clone(), sound.clone());
    templates.templates.push(twin(&sound.templates[0], "cb1_F2F_3"));
    locations.locations.push(twin(&sound.locations[0], "LONDON"));
    people.instructors.push(twin(&sound.instructors[0], "ada marlow"));
    let venue = LinkedVenue { linked: twin(&sound.venues[0].linked, "king's cross"), ..sound.venues[0].clone() };
    venues.venues.push(venue);
    for (ours, code, cells, candidates) in [
        (&templates, Code::UnknownCourseTemplate, &["A4"][..], "\"CB1_f2f_3\" (1), \"cb1_F2F_3\" (101)"),
        (&locations, Code::UnknownLocation, &["E4", "E5"], "\"London\" (1), \"LONDON\" (101)"),
        (&venues, Code::UnknownVenue, &["F4", "F5"], "\"King's Cross\" (1), \"king's cross\" (101)"),
        (&people, Code::UnknownInstructor, &["R4", "S4", "S5"], "\"Ada Marlow\" (1), \"ada marlow\" (101)"),
    ] {
        let found = plan(&timetable(&lines), ours, &facts, planner_options(&labels()));
        let expected: Vec<_> = cells.iter().map(|cell| (code, *cell)).collect();
        assert_eq!((problem_cells(&found), outcomes(&found)), (expected, vec![&BlockOutcome::Refuse]));
        assert!(found.problems[0].message.contains(candidates), "{}", found.problems[0].message);
    }
    let mut decided = templates.clone();
    decided.mark_manual_links(&[("course-templates".to_owned(), 1)].into());
    let found = plan(&timetable(&lines), &decided, &facts, planner_options(&labels()));
    assert_eq!((problem_cells(&found), outcomes(&found)), (vec![], vec![&BlockOutcome::Create]));
    templates.templates[2].is_active = false;
    assert_eq!(
        outcomes(&plan(&timetable(&lines), &templates, &facts, planner_options(&labels()))),
        [&BlockOutcome::Create]
    );
}

#[test]
fn several_events_of_one_title_are_told() {
    let (ours, facts) = valid_state();
    let mut known = applied(&planned(&[event("A")]), &ours);
    known.twins.insert("a".to_owned(), vec!["A".to_owned(), "a".to_owned()]);
    let changed = with(event("A"), [(F::MaxPlaces, Some(CellValue::from(9)))]);
    let cancelled = with(event("A"), [(F::Cancelled, Some("Y".into()))]);
    for line in [event("A"), changed, cancelled] {
        let found = plan(&timetable(&[line]), &known, &facts, planner_options(&labels()));
        let expected = (vec![(Code::ConflictingEvent, "B4")], vec![&BlockOutcome::Conflict]);
        assert_eq!((problem_cells(&found), outcomes(&found)), expected);
        assert!(found.problems[0].message.contains("(A, a)"), "{}", found.problems[0].message);
    }
}

#[test]
fn values_that_administrate_would_not_take_are_problems_at_their_cells() {
    let (mut ours, facts) = valid_state();
    let lines = [event("A"), session("A", 2), self_paced("OC")];
    let define = |ours: &mut crate::timetable_import::plan::inputs::LocalState,
                  entity: &str,
                  label: &str,
                  kind: &str,
                  options: &[&str]| {
        let field = ours.fields.entry((entity.to_owned(), label.to_owned())).or_default();
        (field.field_type, field.is_required) = (kind.to_owned(), true);
        (field.label, field.options) = (label.to_owned(), options.iter().map(|option| (*option).to_owned()).collect());
    };
    define(&mut ours, "event", "sitting", "choice", &["2027A", "2027S"]);
    define(&mut ours, "event", "ocr moodle code", "string", &[]);
    define(&mut ours, "session", "day", "choice", &["1"]);
    define(&mut ours, "event", "door code", "string", &[]);
    let template = ours.templates.iter().find(|known| known.record.name == "CB1_f2f_3").map(|known| known.record.id);
    let key = ours.fields[&("event".to_owned(), "ocr moodle code".to_owned())].key.clone();
    let planned = |ours: &crate::timetable_import::plan::inputs::LocalState| {
        plan(&timetable(&lines), ours, &facts, planner_options(&labels()))
    };
    let wrong = planned(&ours);
    let expected = [
        (Code::UnknownLabel, ""),
        (Code::InvalidValue, "Z4"),
        (Code::MissingValue, "AA4"),
        (Code::InvalidValue, "U5"),
        (Code::InvalidValue, "Z6"),
    ];
    assert_eq!(problem_cells(&wrong), expected);
    assert_eq!(wrong.problems[1].suggestions, ["2027A", "2027S"]);
    assert_eq!(outcomes(&wrong), [&BlockOutcome::Refuse, &BlockOutcome::Refuse]);

    // What the course template gives its events need not stand in the timetable.
    ours.defaults.insert((template.expect("known"), key));
    assert!(!problem_cells(&planned(&ours)).contains(&(Code::MissingValue, "AA4")));
}

/// A mode that a known event has in Administrate cannot be changed there; a blank cell claims none.
#[test]
fn another_learning_mode_of_a_known_event_is_refused() {
    let mode = |text: Option<&str>| with(event("A"), [(F::LearningMode, text.map(CellValue::from))]);
    let (ours, facts) = valid_state();
    let first = plan(&timetable(&[mode(Some("Classroom"))]), &ours, &facts, planner_options(&labels()));
    let ours = applied(&first, &ours);
    let planned = |line| plan(&timetable(&[line]), &ours, &facts, planner_options(&labels()));
    let other = planned(mode(Some("Blended")));
    assert_eq!(
        (problem_cells(&other), outcomes(&other)),
        (vec![(Code::ConflictingEvent, "D4")], vec![&BlockOutcome::Conflict])
    );
    for same in [Some("classroom"), None] {
        assert_eq!(outcomes(&planned(mode(same))), [&BlockOutcome::Unchanged], "{same:?}");
    }
}

/// What is suggested can be written into the cell.
#[test]
fn sittings_are_suggested_as_they_are_written() {
    let other = planned(&[with(event("A"), [(F::Sitting, Some("2026S".into()))])]);
    assert_eq!(
        (problem_cells(&other), &*other.problems[0].suggestions),
        (vec![(Code::UnknownProduct, "Z4")], &["2026A".to_owned()][..])
    );
    let wrong = planned(&[with(event("A"), [(F::Sitting, Some("2026B".into()))])]);
    assert_eq!(wrong.problems[0].suggestions, ["2026A", "2026S"]);
}
