//! The JSON document of an import, and the problems that its delivery found.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::PgConnection;

use crate::delivery::{DeliveryOutcome, Notice};
use crate::error::{Exit, Result};
use crate::names::fold;
use crate::outbox::{DeliveryCounts, DeliveryState, OutboxItem};
use crate::{bridges, tutorials};

use crate::timetable_import::blocks::{Block, Timetable};
use crate::timetable_import::layout::Field;
use crate::timetable_import::plan::new_instructors::NewInstructor;
use crate::timetable_import::plan::{ApprovalRequest, Conflict, ImportCounts, ImportPlan, PlanItem};
use crate::workbook::plan::ValueChange;
use crate::workbook::problems::{Code, ImportProblem, Issue, MAX_NAME_CHARS, shorten};

use crate::workbook::problem_list::ProblemList;

/// Maximum number of blocks in the document of a dry run.
const MAX_ITEMS: usize = 5000;

/// The document of an import, as `lectern import FILE --json` prints it and a run stores it.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The stored run; `None` for a dry run and for a file that cannot be read.
    pub run_id: Option<i64>,
    /// The name of the file without its folder.
    pub file: String,
    pub dry_run: bool,
    /// Events by outcome.
    pub counts: ImportCounts,
    /// Events by delivery state.
    pub delivery: DeliveryCounts,
    /// All problems, by row. The document has the first of them as `problems`, and their number as `problems_total`.
    #[serde(flatten)]
    pub problems: ProblemList,
    /// Path of the workbook with the rejected blocks; `None` if it was not written.
    pub report: Option<String>,
    /// The plan; only in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
    /// Events that are not delivered yet.
    pub undelivered: Vec<Undelivered>,
    /// Number of values that changed on both sides and were not overwritten in Administrate.
    pub conflicts: usize,
    /// Names of the timetable that no instructor has.
    pub unknown_instructors: Vec<String>,
    /// Whether Ctrl-C or SIGTERM stopped the import.
    pub stopped: bool,
    /// What to do next, one sentence each.
    pub next_steps: Vec<String>,
    /// The title of the first new or changed event.
    #[serde(skip)]
    pub first_event: Option<String>,
    /// Number of blocks that were not written because the import was cancelled; import the file again.
    pub not_written: usize,
    /// Notices about delivered events; in a dry run the steps that a user has to do manually.
    #[serde(rename = "remarks")]
    pub notices: Vec<EventNotice>,
}

/// A notice about an event.
#[derive(Clone, Debug, Serialize)]
pub struct EventNotice {
    pub event: String,
    pub message: String,
    #[serde(rename = "needs_a_person")]
    pub needs_attention: bool,
}

/// A plan in the document of a dry run.
#[derive(Clone, Debug, Serialize)]
pub struct PlanView {
    /// The first blocks that are not unchanged.
    pub items: Vec<ItemView>,
    /// The number of all these blocks.
    pub items_total: usize,
    /// Instructors to create locally.
    #[serde(rename = "newcomers")]
    pub new_instructors: Vec<NewInstructor>,
    /// Approvals to set in Administrate before anything is written.
    pub approvals: Vec<ApprovalRequest>,
    /// Number of requests to Administrate.
    pub remote_calls: usize,
    /// Identifies the plan: the same as long as the import would do the same.
    pub digest: String,
}

/// A plan item in the document of a dry run.
#[derive(Clone, Debug, Serialize)]
pub struct ItemView {
    pub event: String,
    pub row: u32,
    pub outcome: &'static str,
    pub sessions: usize,
    pub changes: Vec<ValueChange>,
    pub conflicts: Vec<Conflict>,
    pub requests: usize,
}

/// An event that is not delivered, with its last error.
#[derive(Clone, Debug, Serialize)]
pub struct Undelivered {
    pub event: String,
    pub state: DeliveryState,
    pub error: Option<String>,
}

impl From<OutboxItem> for Undelivered {
    fn from(item: OutboxItem) -> Self {
        Undelivered { event: item.subject, state: item.state, error: item.last_error }
    }
}

impl From<PlanItem> for ItemView {
    fn from(mut item: PlanItem) -> Self {
        let of_conflicts = item.conflicts.iter_mut().map(|conflict| &mut conflict.change);
        for change in item.changes.iter_mut().chain(of_conflicts) {
            for value in [&mut change.old, &mut change.new] {
                *value = value.take().map(|text| shorten(text, MAX_NAME_CHARS));
            }
        }
        Self {
            event: shorten(item.title, MAX_NAME_CHARS),
            row: item.row,
            outcome: item.outcome.word(),
            sessions: item.sessions,
            changes: item.changes,
            conflicts: item.conflicts,
            requests: item.requests,
        }
    }
}

impl Document {
    /// Creates the document of a file without a plan.
    pub fn of_problems(file: String, dry_run: bool, problems: Vec<ImportProblem>) -> Self {
        Self {
            run_id: None,
            file,
            dry_run,
            counts: ImportCounts::default(),
            delivery: DeliveryCounts::default(),
            problems: ProblemList(problems),
            report: None,
            plan: None,
            undelivered: Vec::new(),
            conflicts: 0,
            unknown_instructors: Vec::new(),
            stopped: false,
            next_steps: Vec::new(),
            first_event: None,
            not_written: 0,
            notices: Vec::new(),
        }
    }

    /// Creates the document of a plan that is not executed yet.
    pub fn of_plan(file: String, dry_run: bool, plan: ImportPlan) -> Self {
        let (counts, conflicts, remote_calls) = (plan.counts(), plan.open_conflicts(), plan.remote_calls());
        let digest = if dry_run { plan.digest() } else { String::new() };
        let unknown_instructors = plan.unknown_instructors;
        let mut written = plan.items.iter().filter(|item| item.event.is_some());
        let first_event = written.next().map(|item| item.title.clone());
        let document = Self {
            first_event,
            counts,
            conflicts,
            unknown_instructors,
            ..Self::of_problems(file, dry_run, plan.problems)
        };
        if !dry_run {
            return document;
        }
        // Delivery itself reports the manual steps of an executed plan.
        let manual_steps =
            plan.items.iter().flat_map(|item| item.manual_steps.iter().map(|message| (&item.title, message)));
        let notice = |(event, message): (&String, &String)| EventNotice {
            event: event.clone(),
            message: message.clone(),
            needs_attention: true,
        };
        let notices = manual_steps.map(notice).collect();
        let items_total = plan.items.iter().filter(|item| item.is_shown()).count();
        let items = plan.items.into_iter().filter(PlanItem::is_shown).take(MAX_ITEMS).map(ItemView::from).collect();
        let plan = PlanView {
            items,
            items_total,
            new_instructors: plan.new_instructors,
            approvals: plan.approvals,
            remote_calls,
            digest,
        };
        Self { plan: Some(plan), notices, ..document }
    }

    /// Sets the events that are not delivered yet, sorted by title.
    pub fn add_undelivered(&mut self, open: Vec<OutboxItem>) {
        self.undelivered = open.into_iter().map(Undelivered::from).collect();
        self.undelivered.sort_by(|a, b| a.event.cmp(&b.event));
    }

    /// Adds the notices of delivery, except extra sessions: those are problems.
    pub fn add_notices(&mut self, outcomes: &[DeliveryOutcome]) {
        for outcome in outcomes {
            let notices = outcome.notices.iter().filter(|notice| !matches!(notice, Notice::ExtraSessions { .. }));
            let notices = notices.map(|notice| EventNotice {
                event: outcome.subject.clone(),
                message: notice.to_string(),
                needs_attention: notice.needs_attention(),
            });
            self.notices.extend(notices);
        }
        self.notices.sort_by(|a, b| a.event.cmp(&b.event));
    }

    /// Adds a notice for each example event of an empty workbook.
    pub fn add_examples(&mut self, titles: &[String]) {
        let notice = |title: &String| EventNotice {
            event: shorten(title.clone(), MAX_NAME_CHARS),
            message: "an example of the empty workbook: it is not imported".to_owned(),
            needs_attention: false,
        };
        self.notices.extend(titles.iter().map(notice));
    }

    /// Returns the exit code of an import with this document.
    pub fn exit(&self) -> Exit {
        let has_errors = self.problems.iter().any(ImportProblem::is_error);
        let differs = self.conflicts > 0 || self.notices.iter().any(|notice| notice.needs_attention);
        if has_errors || differs || self.not_written > 0 || self.delivery.is_open() {
            Exit::NeedsAttention
        } else {
            Exit::Done
        }
    }
}

/// Returns a warning for each event with extra sessions in Administrate and for each missing session, by row.
///
/// # Errors
/// The database fails.
pub(crate) async fn delivery_problems(
    db: &mut PgConnection,
    timetable: &Timetable,
    plan: &ImportPlan,
    outcomes: &[DeliveryOutcome],
) -> Result<Vec<ImportProblem>> {
    let accepted = plan.items.iter().zip(&timetable.blocks).filter(|(item, _)| item.is_accepted());
    let blocks: HashMap<String, &Block> = accepted.map(|(item, block)| (fold(&item.title), block)).collect();
    let mut problems = Vec::new();
    for outcome in outcomes {
        let extra = outcome.notices.iter().filter(|notice| matches!(notice, Notice::ExtraSessions { .. }));
        let row = blocks.get(&fold(&outcome.subject)).map(|block| block.row);
        problems.extend(extra.map(|notice| {
            let issue = Issue::new(Code::ExtraSession, notice.to_string());
            with_event(&outcome.subject, ImportProblem::at(Some(&timetable.sheet), row, None, issue))
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
            "Administrate has no session for day {day} of this event: add it in Administrate, then run `lectern import retry`"
        );
        let issue = Issue::new(Code::MissingSession, message);
        let row = block.row_of_day(day).unwrap_or(block.row);
        problems.push(with_event(title, timetable.problem(row, Field::Day, issue)));
    }
    problems.sort_by_key(|problem| problem.row);
    Ok(problems)
}

fn with_event(title: &str, problem: ImportProblem) -> ImportProblem {
    ImportProblem { event: Some(title.to_owned()), ..problem }
}
