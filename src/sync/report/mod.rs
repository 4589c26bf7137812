//! What a run tells: the JSON document of contract §3, and the same for a reader at a terminal.

pub mod findings;
pub mod text;
pub mod xlsx;

use std::collections::BTreeSet;

use serde::Serialize;

use self::findings::{Findings, RecordError, RetainedRecord, SkippedRecord};
use super::conflicts::{FieldConflict, ResolvedField};
use super::entity::Entity;
use super::matching::{Ambiguity, LocalRecord, RemoteRecord};
use super::plan::{ChangeAction, SyncPlan};
use crate::bridges::reference::{CascadedDeletes, LinkRow};
use crate::error::{Error, Exit};
use crate::sync::plan::display::ChangeView;

/// The report of one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of which entity.
    pub entity: Entity,
    /// The run in `lectern.runs`; a dry run has none.
    pub run_id: Option<i64>,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// How many of each.
    pub counts: SyncCounts,
    /// Requests to Administrate, logins and repetitions among them.
    pub requests: u64,
    /// Ours that Administrate does not have.
    pub unmatched_local: Vec<LocalRecord>,
    /// Theirs that we do not have.
    pub unmatched_remote: Vec<RemoteRecord>,
    /// Where several could be meant.
    pub ambiguous: Vec<Ambiguity>,
    /// Theirs that are deliberately not bridged, and why.
    pub skipped: Vec<SkippedRecord>,
    /// Values of events that were changed on both sides, and not decided about.
    pub conflicts: Vec<FieldConflict>,
    /// Values of events that were changed in Administrate alone.
    pub differences: Vec<FieldConflict>,
    /// Values of events that were decided about.
    pub settled: Vec<ResolvedField>,
    /// Rows whose record Administrate no longer has and that stay.
    pub gone: Vec<MissingRecord>,
    /// What goes with the rows that are pruned.
    #[serde(skip_serializing_if = "CascadedDeletes::is_empty")]
    pub pruned_along: CascadedDeletes,
    /// Ours that were created there after the run.
    pub created_in_administrate: Vec<CreatedRemote>,
    /// Ours that were to be created there and were not.
    pub not_created_in_administrate: Vec<RetainedRecord>,
    /// Theirs that were made records of ours, or in a dry run would be.
    pub created_local: Vec<RemoteRecord>,
    /// Theirs that were to be made records of ours and could not.
    pub not_created_local: Vec<SkippedRecord>,
    /// Ours that the run made that is taken back, and that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_local: Vec<LocalRecord>,
    /// Likewise, that stay because they are in use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_local: Vec<RetainedRecord>,
    /// What could not be done.
    pub errors: Vec<RecordError>,
    /// What would be written; of a dry run alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<ChangeView>>,
    /// Administrate's ids that were named and that none of its records of this entity goes by.
    #[serde(skip)]
    pub unknown: BTreeSet<String>,
    /// Why the whole run was refused or failed, if it was.
    #[serde(skip)]
    outcome: ReportOutcome,
}

/// How a run went as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportOutcome {
    /// Its plan was carried out, or shown.
    Carried,
    /// It ended before anything was written, with this exit code.
    Ended(Exit),
    /// A signal ended it before anything was written.
    Stopped,
}

/// Counts of a run (rules, Sync): of bridge rows, but for what was fetched, skipped and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SyncCounts {
    /// Records that Administrate has.
    pub fetched: usize,
    /// Rows written anew.
    pub created: usize,
    /// Rows changed.
    pub updated: usize,
    /// Rows that were right already.
    pub unchanged: usize,
    /// Rows deleted.
    pub pruned: usize,
    /// Records deliberately not bridged.
    pub skipped: usize,
    /// What could not be done.
    pub errors: usize,
}

impl SyncCounts {
    /// All of them, in the order of the contract's document.
    pub fn in_order(&self) -> [usize; 7] {
        let SyncCounts { fetched, created, updated, unchanged, pruned, skipped, errors } = *self;
        [fetched, created, updated, unchanged, pruned, skipped, errors]
    }
}

/// A record of ours that was created in Administrate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedRemote {
    /// Our id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Administrate's id.
    pub external_id: String,
    /// What is to be mended there by hand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_mend: Vec<String>,
}

/// A row whose record Administrate no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingRecord {
    /// Administrate's id.
    pub external_id: String,
}

impl Report {
    /// The report of a plan that is carried out, or in a dry run shown.
    pub fn of<R: LinkRow>(plan: &SyncPlan<R>, run_id: Option<i64>, dry_run: bool) -> Report {
        let Findings {
            unmatched_local,
            unmatched_remote,
            ambiguous,
            created_local,
            not_created_local,
            removed_local,
            kept_local,
            skipped,
            conflicts,
            differences,
            errors,
        } = plan.findings.clone();
        let settled = plan.settlements.iter().flat_map(|settlement| settlement.fields.clone()).collect();
        let counts = SyncCounts {
            fetched: plan.fetched,
            created: plan.changes_of(ChangeAction::Create).count(),
            updated: plan.changes_of(ChangeAction::Update).count(),
            unchanged: plan.unchanged.len(),
            pruned: plan.changes_of(ChangeAction::Prune).count(),
            skipped: skipped.len() + plan.not_listed,
            errors: errors.len(),
        };
        let gone =
            plan.missing_remote.iter().map(|row| MissingRecord { external_id: row.external_id().to_owned() }).collect();
        Report {
            entity: plan.entity,
            run_id,
            dry_run,
            counts,
            requests: 0,
            unmatched_local,
            unmatched_remote,
            ambiguous,
            skipped,
            conflicts,
            differences,
            settled,
            gone,
            pruned_along: plan.cascaded.clone(),
            created_in_administrate: Vec::new(),
            not_created_in_administrate: Vec::new(),
            created_local,
            not_created_local,
            removed_local,
            kept_local,
            errors,
            plan: dry_run.then(|| plan.changes.iter().map(ChangeView::of).collect()),
            unknown: plan.unknown.clone(),
            outcome: ReportOutcome::Carried,
        }
    }

    /// The report of a run that ended before anything was written.
    pub fn aborted(entity: Entity, run_id: Option<i64>, dry_run: bool, error: &Error) -> Report {
        let trouble = RecordError { external_id: None, message: error.to_string() };
        Report {
            entity,
            run_id,
            dry_run,
            counts: SyncCounts { errors: 1, ..SyncCounts::default() },
            requests: 0,
            unmatched_local: Vec::new(),
            unmatched_remote: Vec::new(),
            ambiguous: Vec::new(),
            skipped: Vec::new(),
            conflicts: Vec::new(),
            differences: Vec::new(),
            settled: Vec::new(),
            gone: Vec::new(),
            pruned_along: CascadedDeletes::default(),
            created_in_administrate: Vec::new(),
            not_created_in_administrate: Vec::new(),
            created_local: Vec::new(),
            not_created_local: Vec::new(),
            removed_local: Vec::new(),
            kept_local: Vec::new(),
            errors: vec![trouble],
            plan: None,
            unknown: BTreeSet::new(),
            outcome: if matches!(error, Error::Cancelled) {
                ReportOutcome::Stopped
            } else {
                ReportOutcome::Ended(error.exit())
            },
        }
    }

    /// The report of a plan that was not carried out, because it needs a person first.
    pub fn rejected<R: LinkRow>(plan: &SyncPlan<R>, run_id: Option<i64>, dry_run: bool, message: String) -> Report {
        let mut report = Report::of(plan, run_id, dry_run);
        report.errors.push(RecordError { external_id: None, message });
        report.counts = SyncCounts {
            fetched: plan.fetched,
            skipped: report.skipped.len(),
            errors: report.errors.len(),
            ..SyncCounts::default()
        };
        report.outcome = ReportOutcome::Ended(Exit::NeedsAttention);
        report
    }

    /// Notes how many requests it took.
    pub fn with_request_count(mut self, requests: u64) -> Report {
        self.requests = requests;
        self
    }

    /// Notes something that could not be done after the run.
    pub fn add_error(&mut self, trouble: RecordError) {
        self.errors.push(trouble);
        self.counts.errors = self.errors.len();
    }

    /// Notes what a person has decided of the conflicts after the run.
    pub fn record_resolutions(&mut self, decided: Report) {
        let is_decided = |dispute: &FieldConflict| decided.settled.iter().any(|settled| settled.dispute == *dispute);
        self.conflicts.retain(|dispute| !is_decided(dispute));
        self.settled.extend(decided.settled);
    }

    /// Notes that a record is in Administrate now.
    pub fn record_created_remote(&mut self, created: CreatedRemote) {
        self.unmatched_local.retain(|record| record.id != created.id);
        self.created_in_administrate.push(created);
    }

    /// How the command ends. Work done of which a part failed, is ambiguous, was asked for and not done, or was changed on
    /// both sides needs a person; unmatched records alone do not (contract §1).
    pub fn exit(&self) -> Exit {
        match self.outcome {
            ReportOutcome::Ended(exit) => exit,
            ReportOutcome::Stopped => Exit::NeedsAttention,
            ReportOutcome::Carried if self.is_clear() => Exit::Done,
            ReportOutcome::Carried => Exit::NeedsAttention,
        }
    }

    fn is_clear(&self) -> bool {
        self.ambiguous.is_empty()
            && self.conflicts.is_empty()
            && self.errors.is_empty()
            && self.not_created_local.is_empty()
            && self.kept_local.is_empty()
            && self.not_created_in_administrate.is_empty()
            && self.created_in_administrate.iter().all(|created| created.to_mend.is_empty())
    }

    /// Whether a signal ended it before anything was written.
    pub fn is_stopped(&self) -> bool {
        self.outcome == ReportOutcome::Stopped
    }

    /// The exit code that its run is kept with: what was stopped is not done, and nothing may build upon it.
    pub fn stored_exit(&self) -> Exit {
        if self.is_stopped() { Exit::Failed } else { self.exit() }
    }

    /// Whether nothing of it was done.
    pub fn failed(&self) -> bool {
        matches!(self.exit(), Exit::Failed | Exit::Usage | Exit::Prerequisite)
    }

    /// Why nothing of it was done, in sentences; none where something was.
    pub fn failure(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter(|_| self.failed()).map(|trouble| trouble.message.as_str())
    }
}

/// The report of `sync all`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// One for each entity, in order.
    pub reports: Vec<SummaryEntry>,
    /// Entities that were synchronised.
    pub succeeded: usize,
    /// Entities that were not, though tried.
    pub failed: usize,
    /// Entities that were not tried.
    pub not_run: usize,
}

/// An entity's place in [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SummaryEntry {
    /// It was tried.
    Run(Box<Report>),
    /// An earlier failure or a signal stopped the run before it was done.
    NotRun {
        /// Which entity.
        entity: Entity,
        /// Always true.
        not_run: bool,
    },
}

impl Summary {
    /// The summary of the entities tried; the rest of the seven were not run.
    pub fn of(reports: Vec<Report>) -> Summary {
        let failed = reports.iter().filter(|report| report.failed()).count();
        let tried: Vec<Entity> = reports.iter().map(|report| report.entity).collect();
        let mut entries: Vec<SummaryEntry> =
            reports.into_iter().map(|report| SummaryEntry::Run(Box::new(report))).collect();
        let rest = Entity::ALL.into_iter().filter(|entity| !tried.contains(entity));
        entries.extend(rest.map(|entity| SummaryEntry::NotRun { entity, not_run: true }));
        let not_run = entries.len() - tried.len();
        Summary { reports: entries, succeeded: tried.len() - failed, failed, not_run }
    }

    /// The reports of the entities tried.
    pub fn attempted(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter_map(|entry| match entry {
            SummaryEntry::Run(report) => Some(report.as_ref()),
            SummaryEntry::NotRun { .. } => None,
        })
    }

    /// The same, to be added to.
    pub fn attempted_mut(&mut self) -> impl Iterator<Item = &mut Report> {
        self.reports.iter_mut().filter_map(|entry| match entry {
            SummaryEntry::Run(report) => Some(report.as_mut()),
            SummaryEntry::NotRun { .. } => None,
        })
    }

    /// How `sync all` ends: 1 where an entity failed, 4 where one needs a person or was not run.
    pub fn exit(&self) -> Exit {
        if self.failed > 0 {
            return Exit::Failed;
        }
        let worst = self.attempted().map(Report::exit).max().unwrap_or(Exit::Done);
        if self.not_run > 0 { Exit::NeedsAttention } else { worst }
    }
}
