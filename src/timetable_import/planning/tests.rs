//! What a plan makes of titles that differ in letter case, and of values that Administrate changed meanwhile.

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::Outcome;
use crate::timetable_import::problems::Code;
use crate::timetable_import::testing::*;
use crate::timetable_import::writing::Entry;

use super::plan;

#[test]
fn titles_that_differ_in_letter_case_alone_are_one_event() {
    let lower = with(event("A"), [(F::EventTitle, Some("a".into()))]);
    let twice = planned(&[event("A"), lower.clone()]);
    assert_eq!(
        (told(&twice), outcomes(&twice)),
        (vec![(Code::DuplicateInFile, "B5")], vec![&Outcome::Create, &Outcome::Duplicate])
    );
    let other = with(lower.clone(), [(F::MaxPlaces, Some(Entry::from(9)))]);
    let contradiction = planned(&[event("A"), other]);
    assert_eq!(outcomes(&contradiction), [&Outcome::Create, &Outcome::Conflict]);

    let (ours, facts) = sound_world();
    let known = applied(&planned(&[event("A")]), &ours);
    let again = plan(&timetable(&[lower]), &known, &facts, wishes(&labels()));
    assert_eq!((told(&again), outcomes(&again)), (vec![], vec![&Outcome::Unchanged]));
}

#[test]
fn values_that_administrate_would_not_take_are_problems_at_their_cells() {
    let (mut ours, facts) = sound_world();
    let lines = [event("A"), session("A", 2), self_paced("OC")];
    let define = |ours: &mut super::Ours, entity: &str, label: &str, kind: &str, options: &[&str]| {
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
    let planned = |ours: &super::Ours| plan(&timetable(&lines), ours, &facts, wishes(&labels()));
    let wrong = planned(&ours);
    let expected = [
        (Code::UnknownLabel, ""),
        (Code::InvalidValue, "Z4"),
        (Code::MissingValue, "AA4"),
        (Code::InvalidValue, "U5"),
        (Code::InvalidValue, "Z6"),
    ];
    assert_eq!(told(&wrong), expected);
    assert_eq!(wrong.problems[1].suggestions, ["2027A", "2027S"]);
    assert_eq!(outcomes(&wrong), [&Outcome::Refuse, &Outcome::Refuse]);

    // What the course template gives its events need not stand in the timetable.
    ours.defaults.insert((template.expect("known"), key));
    assert!(!told(&planned(&ours)).contains(&(Code::MissingValue, "AA4")));
}
