//! What bringing a file's events to Administrate showed of their sessions: those that a course template made beyond a
//! block's, and those that are missing there.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::delivery::{DeliveryOutcome, Notice};
use crate::error::Result;
use crate::names::fold;
use crate::outbox::DeliveryState;
use crate::{bridges, tutorials};

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::layout::Field;
use crate::timetable_import::plan::ImportPlan;
use crate::timetable_import::problems::{Code, ImportProblem, Issue};

/// A warning for each event with surplus sessions, and one for each session that is missing, by row.
///
/// # Errors
/// The database's alone.
pub(crate) async fn problems(
    db: &mut PgConnection,
    timetable: &Timetable,
    plan: &ImportPlan,
    outcomes: &[DeliveryOutcome],
) -> Result<Vec<ImportProblem>> {
    let taken = plan.items.iter().zip(&timetable.blocks).filter(|(item, _)| item.is_accepted());
    let blocks: HashMap<String, &Block> = taken.map(|(item, block)| (fold(&item.title), block)).collect();
    let mut problems = Vec::new();
    for outcome in outcomes {
        let surplus = outcome.remarks.iter().filter(|remark| matches!(remark, Notice::LeftoverSessions { .. }));
        let row = blocks.get(&fold(&outcome.subject)).map(|block| block.row);
        problems.extend(surplus.map(|remark| {
            let flaw = Issue::new(Code::LeftoverSession, remark.to_string());
            of_event(&outcome.subject, ImportProblem::at(Some(&timetable.sheet), row, None, flaw))
        }));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.state == DeliveryState::Failed);
    let failed: Vec<&str> = failed.map(|outcome| outcome.subject.as_str()).collect();
    let events: HashMap<i64, String> = tutorials::store::ids_by_code(db, &failed).await?.into_iter().collect();
    let ids: Vec<i64> = events.keys().copied().collect();
    for (event, day) in bridges::events::missing_sessions(db, &ids).await? {
        let title = &events[&event];
        let Some(block) = blocks.get(&fold(title)) else { continue };
        let message = format!(
            "Administrate has no session for day {day} of this event: add it there, then `lectern import retry`"
        );
        let flaw = Issue::new(Code::MissingSession, message);
        let row = block.row_of_day(day).unwrap_or(block.row);
        problems.push(of_event(title, timetable.problem(row, Field::Day, flaw)));
    }
    problems.sort_by_key(|problem| problem.row);
    Ok(problems)
}

fn of_event(title: &str, problem: ImportProblem) -> ImportProblem {
    ImportProblem { event: Some(title.to_owned()), ..problem }
}
