//! Plans of ambiguous titles and names, repeated blocks, custom fields and learning modes.

use super::BlockOutcome;
use crate::timetable_import::layout::Field as F;
use crate::timetable_import::sheet::write::CellValue;
use crate::timetable_import::testing::*;
use crate::workbook::problems::Code;

use super::inputs::{LinkedRecord, LinkedVenue, NamedRecord};
use super::planner::plan;

#[test]
fn titles_differing_only_in_letter_case_are_one_event() {
    let lower = with(event("A"), [(F::EventTitle, Some("a".into()))]);
    let twice = planned(&[event("A"), lower.clone()]);
    assert_eq!(
        (problem_cells(&twice), outcomes(&twice)),
        (vec![(Code::DuplicateInFile, "B5")], vec![&BlockOutcome::Create, &BlockOutcome::Duplicate])
    );
    let other = with(lower.clone(), [(F::MaxPlaces, Some(CellValue::from(9)))]);
    let contradiction = planned(&[event("A"), other]);
    assert_eq!(outcomes(&contradiction), [&BlockOutcome::Create, &BlockOutcome::Conflict]);

    let (local, remote) = valid_state();
    let known = applied(&planned(&[event("A")]), &local);
    let again = plan(&timetable(&[lower]), &known, &remote, planner_options(&labels()));
    assert_eq!((problem_cells(&again), outcomes(&again)), (vec![], vec![&BlockOutcome::Unchanged]));
}

/// Blocks that differ only in spelling, cell types, order or inherited values are equivalent.
#[test]
fn repeated_block_with_other_spelling_is_duplicate() {
    let text = |text: &str| Some(CellValue::from(text));
    let (first, second) = (event("A"), session("A", 2));
    let respelt = with(
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
    let inherited = with(
        second.clone(),
        [(F::Location, None), (F::Venue, None), (F::SessionInstructor, None), (F::TimeZone, text("Europe/London"))],
    );
    for repeated in [[respelt.clone(), inherited.clone()], [respelt, second.clone()], [first.clone(), inherited]] {
        let plan = planned(&[&[first.clone(), second.clone()][..], &repeated].concat());
        let expected = (vec![(Code::DuplicateInFile, "B6")], vec![&BlockOutcome::Create, &BlockOutcome::Duplicate]);
        assert_eq!((problem_cells(&plan), outcomes(&plan)), expected, "{repeated:?}");
        assert_eq!((plan.counts().duplicate, plan.needs_attention()), (1, false));
    }
    for (field, other) in
        [(F::Venue, "TBC"), (F::EndTime, "17:30"), (F::SessionTitle, "A/1"), (F::SessionUrl, "http://a")]
    {
        let plan = planned(&[first.clone(), with(first.clone(), [(field, text(other))])]);
        assert_eq!(outcomes(&plan), [&BlockOutcome::Create, &BlockOutcome::Conflict], "{field:?}");
    }
}

/// Of several records with one name, only a manually linked one is used.
#[test]
fn ambiguous_name_is_rejected_unless_linked_manually() {
    let lines = [event("A"), session("A", 2)];
    let (valid, remote) = valid_state();
    let duplicate = |of: &LinkedRecord, name: &str| LinkedRecord {
        record: NamedRecord { id: of.record.id + 100, name: name.to_owned() },
        external_id: None,
        ..of.clone()
    };
    let (mut templates, mut locations, mut people, mut venues) =
        (valid.clone(), valid.clone(), valid.clone(), valid.clone());
    templates.templates.push(duplicate(&valid.templates[0], "cb1_F2F_3"));
    locations.locations.push(duplicate(&valid.locations[0], "LONDON"));
    people.instructors.push(duplicate(&valid.instructors[0], "ada marlow"));
    let venue = LinkedVenue { linked: duplicate(&valid.venues[0].linked, "king's cross"), ..valid.venues[0].clone() };
    venues.venues.push(venue);
    for (local, code, cells, candidates) in [
        (&templates, Code::UnknownCourseTemplate, &["A4"][..], "\"CB1_f2f_3\" (1), \"cb1_F2F_3\" (101)"),
        (&locations, Code::UnknownLocation, &["E4", "E5"], "\"London\" (1), \"LONDON\" (101)"),
        (&venues, Code::UnknownVenue, &["F4", "F5"], "\"King's Cross\" (1), \"king's cross\" (101)"),
        (&people, Code::UnknownInstructor, &["R4", "S4", "S5"], "\"Ada Marlow\" (1), \"ada marlow\" (101)"),
    ] {
        let found = plan(&timetable(&lines), local, &remote, planner_options(&labels()));
        let expected: Vec<_> = cells.iter().map(|cell| (code, *cell)).collect();
        assert_eq!((problem_cells(&found), outcomes(&found)), (expected, vec![&BlockOutcome::Refuse]));
        assert!(found.problems[0].message.contains(candidates), "{}", found.problems[0].message);
    }
    let mut linked = templates.clone();
    linked.mark_manual_links(&[("course-templates".to_owned(), 1)].into());
    let found = plan(&timetable(&lines), &linked, &remote, planner_options(&labels()));
    assert_eq!((problem_cells(&found), outcomes(&found)), (vec![], vec![&BlockOutcome::Create]));
    templates.templates[2].is_active = false;
    assert_eq!(
        outcomes(&plan(&timetable(&lines), &templates, &remote, planner_options(&labels()))),
        [&BlockOutcome::Create]
    );
}

#[test]
fn ambiguous_title_is_rejected() {
    let (local, remote) = valid_state();
    let mut known = applied(&planned(&[event("A")]), &local);
    known.ambiguous_titles.insert("a".to_owned(), vec!["A".to_owned(), "a".to_owned()]);
    let changed = with(event("A"), [(F::MaxPlaces, Some(CellValue::from(9)))]);
    let cancelled = with(event("A"), [(F::Cancelled, Some("Y".into()))]);
    for line in [event("A"), changed, cancelled] {
        let found = plan(&timetable(&[line]), &known, &remote, planner_options(&labels()));
        let expected = (vec![(Code::ConflictingEvent, "B4")], vec![&BlockOutcome::Conflict]);
        assert_eq!((problem_cells(&found), outcomes(&found)), expected);
        assert!(found.problems[0].message.contains("(A, a)"), "{}", found.problems[0].message);
    }
}

#[test]
fn invalid_custom_field_value_is_problem_at_its_cell() {
    let (mut local, remote) = valid_state();
    let lines = [event("A"), session("A", 2), self_paced("OC")];
    let define = |local: &mut crate::timetable_import::plan::inputs::LocalState,
                  entity: &str,
                  label: &str,
                  kind: &str,
                  options: &[&str]| {
        let field = local.fields.entry((entity.to_owned(), label.to_owned())).or_default();
        (field.field_type, field.is_required) = (kind.to_owned(), true);
        (field.label, field.options) = (label.to_owned(), options.iter().map(|option| (*option).to_owned()).collect());
    };
    define(&mut local, "event", "sitting", "choice", &["2027A", "2027S"]);
    define(&mut local, "event", "ocr moodle code", "string", &[]);
    define(&mut local, "session", "day", "choice", &["1"]);
    define(&mut local, "event", "door code", "string", &[]);
    let template = local.templates.iter().find(|known| known.record.name == "CB1_f2f_3").map(|known| known.record.id);
    let key = local.fields[&("event".to_owned(), "ocr moodle code".to_owned())].key.clone();
    let planned = |local: &crate::timetable_import::plan::inputs::LocalState| {
        plan(&timetable(&lines), local, &remote, planner_options(&labels()))
    };
    let wrong = planned(&local);
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

    // A value with a default in the course template is optional in the timetable.
    local.defaults.insert((template.expect("known"), key));
    assert!(!problem_cells(&planned(&local)).contains(&(Code::MissingValue, "AA4")));
}

/// Administrate cannot change the mode of an event; a blank cell does not change it.
#[test]
fn other_learning_mode_of_linked_event_is_rejected() {
    let mode = |text: Option<&str>| with(event("A"), [(F::LearningMode, text.map(CellValue::from))]);
    let (local, remote) = valid_state();
    let first = plan(&timetable(&[mode(Some("Classroom"))]), &local, &remote, planner_options(&labels()));
    let local = applied(&first, &local);
    let planned = |line| plan(&timetable(&[line]), &local, &remote, planner_options(&labels()));
    let other = planned(mode(Some("Blended")));
    assert_eq!(
        (problem_cells(&other), outcomes(&other)),
        (vec![(Code::ConflictingEvent, "D4")], vec![&BlockOutcome::Conflict])
    );
    for same in [Some("classroom"), None] {
        assert_eq!(outcomes(&planned(mode(same))), [&BlockOutcome::Unchanged], "{same:?}");
    }
}

#[test]
fn suggested_sitting_is_valid_in_the_cell() {
    let other = planned(&[with(event("A"), [(F::Sitting, Some("2026S".into()))])]);
    assert_eq!(
        (problem_cells(&other), &*other.problems[0].suggestions),
        (vec![(Code::UnknownProduct, "Z4")], &["2026A".to_owned()][..])
    );
    let wrong = planned(&[with(event("A"), [(F::Sitting, Some("2026B".into()))])]);
    assert_eq!(wrong.problems[0].suggestions, ["2026A", "2026S"]);
}
