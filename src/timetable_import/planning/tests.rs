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
