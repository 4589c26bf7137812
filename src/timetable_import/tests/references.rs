//! Records that a timetable names: links, approvals, bookings and custom fields.

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::inputs::Booking;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::problems::Code;
use crate::timetable_import::testing::*;

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
