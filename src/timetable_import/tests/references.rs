//! Records that a timetable names: links, approvals, bookings and custom fields.

use crate::timetable_import::layout::Field as F;
use crate::timetable_import::plan::BlockOutcome;
use crate::timetable_import::plan::inputs::Booking;
use crate::timetable_import::plan::planner::plan;
use crate::timetable_import::testing::*;
use crate::workbook::problems::Code;

#[test]
fn instructor_without_link_or_approval_is_rejected() {
    let lines = [event("A"), session("A", 2)];
    let (mut local, mut remote) = valid_state();
    remote.approved.clear();
    let rejected = plan(&timetable(&lines), &local, &remote, planner_options(&labels()));
    let cells =
        [(Code::NotApprovedInstructor, "R4"), (Code::NotApprovedInstructor, "S4"), (Code::NotApprovedInstructor, "S5")];
    assert_eq!(problem_cells(&rejected), cells);
    let labels = labels();
    let mut approving = planner_options(&labels);
    approving.import.approve_instructors = true;
    let approved = plan(&timetable(&lines), &local, &remote, approving);
    assert_eq!(
        (problem_cells(&approved), approved.approvals.len(), outcomes(&approved)),
        (vec![], 1, vec![&BlockOutcome::Create])
    );
    local.instructors[0].external_id = None;
    local.locations[0].external_id = None;
    let rejected = plan(&timetable(&lines[..1]), &local, &remote, planner_options(&labels));
    assert_eq!(problem_cells(&rejected), [(Code::NotLinked, "E4"), (Code::NotLinked, "R4"), (Code::NotLinked, "S4")]);
}

#[test]
fn double_booking_warns_on_the_later_row() {
    let other_place = [(F::Location, Some("Online".into())), (F::Venue, None)];
    let (mut local, remote) = state_of(&timetable(&[event("A"), with(event("B"), other_place.clone())]));
    let found = plan(&timetable(&[event("A"), event("B")]), &local, &remote, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "F5"), (Code::DoubleBooked, "S5")]);
    assert_eq!(found.counts().created, 2);
    let found =
        plan(&timetable(&[event("A"), with(event("B"), other_place)]), &local, &remote, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "S5")]);
    let first = plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels()));
    let session = &first.items[0].event.as_ref().expect("an event").event.sessions[0];
    local.bookings.push(Booking {
        event: "Z".to_owned(),
        session: "Z-1".to_owned(),
        venue_id: session.venue_id,
        instructor_ids: vec![],
        start: session.start,
        end: session.end,
    });
    let found = plan(&timetable(&[event("A")]), &local, &remote, planner_options(&labels()));
    assert_eq!(problem_cells(&found), [(Code::DoubleBooked, "F4")]);
    assert!(found.problems[0].message.contains("event Z"));
}

#[test]
fn unknown_label_is_reported_once() {
    let (mut local, remote) = valid_state();
    local.fields.clear();
    let plan = plan(&timetable(&[event("A"), session("A", 2)]), &local, &remote, planner_options(&labels()));
    let labels = plan.problems.iter().filter(|problem| problem.code == Code::UnknownLabel).count();
    assert_eq!((labels, plan.problems.len(), plan.needs_attention()), (4, 4, false));
}
