//! What an import tells: the contract's JSON document, and the same for a person at a terminal.

pub mod rejected;
pub mod undelivered;

use serde::Serialize;

use crate::console;
use crate::delivery::{self, Notice};
use crate::error::Exit;
use crate::outbox;

use super::plan::{ImportCounts, ImportPlan, PlanItem};
use super::problems::{ImportProblem, Severity};

/// Most problems that a terminal is shown; all are in the JSON document and the report workbook.
const SHOWN: usize = 200;

/// `import FILE --json` (contract §3). `plan` and `undelivered` are additions.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The kept run; null for a dry run and where nothing could be read.
    pub run_id: Option<i64>,
    /// The file's name.
    pub file: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Events by what becomes of them.
    pub counts: ImportCounts,
    /// Events by how far they are on their way to Administrate.
    pub delivery: outbox::DeliveryCounts,
    /// Everything that is wrong, by row.
    pub problems: Vec<ImportProblem>,
    /// Where the workbook with the refused blocks is, if anything was refused and it was written.
    pub report: Option<String>,
    /// What would happen; only in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
    /// Events that are not in Administrate yet, and why.
    pub undelivered: Vec<Undelivered>,
    /// Values that changed on both sides and were left as Administrate has them.
    pub conflicts: usize,
    /// Blocks that nobody has come to, because somebody said stop: the file is to be imported again.
    pub not_written: usize,
    /// What should be known of events although they were delivered.
    pub remarks: Vec<EventNotice>,
}

/// Something said of an event.
#[derive(Clone, Debug, Serialize)]
pub struct EventNotice {
    pub event: String,
    pub message: String,
    pub needs_a_person: bool,
}

/// A plan as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct PlanView {
    /// What becomes of each block that is not the same already.
    pub items: Vec<ItemView>,
    /// Instructors who would be created here.
    pub newcomers: Vec<crate::timetable_import::plan::new_instructors::NewInstructor>,
    /// Approvals that would be given first.
    pub approvals: Vec<super::plan::ApprovalRequest>,
    /// Requests to Administrate that it will cost.
    pub remote_calls: usize,
}

/// An item as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct ItemView {
    pub event: String,
    pub row: u32,
    pub outcome: &'static str,
    pub sessions: usize,
    pub changes: Vec<super::plan::ValueChange>,
    pub conflicts: Vec<super::plan::Conflict>,
    pub requests: usize,
}

/// An event that is not delivered.
#[derive(Clone, Debug, Serialize)]
pub struct Undelivered {
    pub event: String,
    pub state: outbox::DeliveryState,
    pub error: Option<String>,
}

impl From<outbox::OutboxItem> for Undelivered {
    fn from(item: outbox::OutboxItem) -> Self {
        Undelivered { event: item.subject, state: item.state, error: item.last_error }
    }
}

impl From<PlanItem> for ItemView {
    fn from(item: PlanItem) -> Self {
        Self {
            event: item.title,
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
    /// A document of a file of which only problems are known.
    pub fn of_problems(file: String, dry_run: bool, problems: Vec<ImportProblem>) -> Self {
        Self {
            run_id: None,
            file,
            dry_run,
            counts: ImportCounts::default(),
            delivery: outbox::DeliveryCounts::default(),
            problems,
            report: None,
            plan: None,
            undelivered: Vec::new(),
            conflicts: 0,
            not_written: 0,
            remarks: Vec::new(),
        }
    }

    /// A document of a plan, of which nothing has been carried out yet.
    pub fn of_plan(file: String, dry_run: bool, plan: ImportPlan) -> Self {
        let (counts, conflicts, remote_calls) = (plan.counts(), plan.open_conflicts(), plan.remote_calls());
        let document = Self { counts, conflicts, ..Self::of_problems(file, dry_run, plan.problems) };
        if !dry_run {
            return document;
        }
        // Of what is carried out delivery tells it.
        let by_hand = plan.items.iter().flat_map(|item| item.manual_steps.iter().map(|message| (&item.title, message)));
        let told = |(event, message): (&String, &String)| EventNotice {
            event: event.clone(),
            message: message.clone(),
            needs_a_person: true,
        };
        let remarks = by_hand.map(told).collect();
        let items = plan.items.into_iter().filter(PlanItem::is_shown).map(ItemView::from).collect();
        let plan = PlanView { items, newcomers: plan.newcomers, approvals: plan.approvals, remote_calls };
        Self { plan: Some(plan), remarks, ..document }
    }

    /// Adds what is still open of the import, with why.
    pub fn add_undelivered(&mut self, open: Vec<outbox::OutboxItem>) {
        self.undelivered = open.into_iter().map(Undelivered::from).collect();
        self.undelivered.sort_by(|a, b| a.event.cmp(&b.event));
    }

    /// Adds what delivery saw on the way, but for surplus sessions, which are problems.
    pub fn add_notices(&mut self, outcomes: &[delivery::DeliveryOutcome]) {
        for outcome in outcomes {
            let told = outcome.remarks.iter().filter(|remark| !matches!(remark, Notice::LeftoverSessions { .. }));
            let told = told.map(|remark| EventNotice {
                event: outcome.subject.clone(),
                message: remark.to_string(),
                needs_a_person: remark.needs_a_person(),
            });
            self.remarks.extend(told);
        }
        self.remarks.sort_by(|a, b| a.event.cmp(&b.event));
    }

    /// How a run that told this ends.
    pub fn exit(&self) -> Exit {
        let refused = self.problems.iter().any(ImportProblem::is_error);
        let differs = self.conflicts > 0 || self.remarks.iter().any(|told| told.needs_a_person);
        if refused || differs || self.not_written > 0 || self.delivery.is_open() {
            Exit::NeedsAttention
        } else {
            Exit::Done
        }
    }
}

/// The problems as a table for a terminal; None when there are none.
pub fn table(problems: &[ImportProblem]) -> Option<String> {
    if problems.is_empty() {
        return None;
    }
    let mut table = console::table(["", "cell", "event", "problem"]);
    for problem in problems.iter().take(SHOWN) {
        let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
        let place = problem.cell.clone().or_else(|| problem.row.map(|row| format!("row {row}")));
        table.add_row([
            severity.to_owned(),
            place.unwrap_or_default(),
            problem.event.clone().unwrap_or_default(),
            sentence(problem),
        ]);
    }
    let more = problems.len().saturating_sub(SHOWN);
    let rest =
        if more > 0 { format!("\n… and {more} more; --json or --report has all of them") } else { String::new() };
    Some(format!("{table}{rest}"))
}

fn sentence(problem: &ImportProblem) -> String {
    match problem.suggestions.as_slice() {
        [] => problem.message.clone(),
        suggestions => format!("{} (perhaps: {})", problem.message, suggestions.join(", ")),
    }
}
