//! The report of a run: the JSON document of `--json`, and the same as text and as a workbook.

mod commands;
pub mod description;
pub(crate) mod display_name;
pub mod findings;
mod summary;
pub mod text;
pub mod xlsx;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use self::commands::{with_command, with_commands};
use self::findings::{Findings, RecordError, RetainedRecord, SkippedRecord};
pub use self::summary::{Summary, SummaryEntry};
use super::conflicts::{FieldConflict, ResolvedField};
use super::entity::Entity;
use super::matching::{Ambiguity, LocalRecord, RemoteRecord, Separation};
use super::plan::{ChangeAction, SyncPlan};
use crate::bridges::reference::{CascadedDeletes, LinkRow};
use crate::error::{Error, Exit};
use crate::sync::plan::display::{ChangeView, has_first_details, row_name};

/// The report of one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub entity: Entity,
    /// The run in `lectern.runs`; none for a dry run.
    pub run_id: Option<i64>,
    pub dry_run: bool,
    pub counts: SyncCounts,
    /// Number of requests to Administrate, including logins and retries.
    pub requests: u64,
    /// Local records that Administrate does not have.
    pub unmatched_local: Vec<LocalRecord>,
    /// Records of Administrate that do not exist locally.
    pub unmatched_remote: Vec<RemoteRecord>,
    /// Ambiguous matches. Existing links stay; nothing else is linked.
    pub ambiguous: Vec<Ambiguity>,
    /// Unmatched records with a namesake that a user's decision keeps apart from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub separated: Vec<Separation>,
    /// Records of Administrate that are deliberately left out.
    pub skipped: Vec<SkippedRecord>,
    /// Unresolved values of events that were changed on both sides.
    pub conflicts: Vec<FieldConflict>,
    /// Values of events that were changed in Administrate only.
    pub differences: Vec<FieldConflict>,
    /// Resolved values of events.
    #[serde(rename = "settled")]
    pub resolved: Vec<ResolvedField>,
    /// Rows that stay although Administrate no longer has their record.
    #[serde(rename = "gone")]
    pub missing_remote: Vec<MissingRecord>,
    /// Rows that are deleted together with the pruned rows.
    #[serde(rename = "pruned_along", skip_serializing_if = "CascadedDeletes::is_empty")]
    pub cascaded: CascadedDeletes,
    /// Local records that were created in Administrate after the run or, in a dry run, would be.
    pub created_in_administrate: Vec<CreatedRemote>,
    /// Local records that could not be created in Administrate.
    pub not_created_in_administrate: Vec<RetainedRecord>,
    /// Records of Administrate that were created locally or, in a dry run, would be.
    pub created_local: Vec<RemoteRecord>,
    /// Records of Administrate that could not be created locally.
    pub not_created_local: Vec<SkippedRecord>,
    /// Local records that are deleted because the run that created them is undone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_local: Vec<LocalRecord>,
    /// Local records that stay because they are in use, although the run that created them is undone.
    #[serde(rename = "kept_local", skip_serializing_if = "Vec::is_empty")]
    pub retained_local: Vec<RetainedRecord>,
    pub errors: Vec<RecordError>,
    /// The planned changes; only in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<ChangeView>>,
    /// Number of rows that only had a link before.
    #[serde(skip)]
    pub first_details: usize,
    /// Requested Administrate ids that no record of this entity has.
    #[serde(skip)]
    pub unknown: BTreeSet<String>,
    /// Number of fetched records that `--only` leaves out; they are counted as skipped.
    #[serde(skip)]
    pub left_out: usize,
    #[serde(skip)]
    outcome: ReportOutcome,
}

/// How a run ended as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportOutcome {
    /// The plan was applied or, in a dry run, printed.
    Completed,
    /// The run ended with this exit code before anything was written.
    Ended(Exit),
    /// A signal ended the run before anything was written.
    Stopped,
}

/// Counts of a run. `created`, `updated`, `unchanged` and `pruned` count link rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCounts {
    /// Records that Administrate has.
    pub fetched: usize,
    pub created: usize,
    pub updated: usize,
    pub unchanged: usize,
    /// Deleted rows, whose record Administrate no longer has.
    pub pruned: usize,
    /// Records that are deliberately left out.
    pub skipped: usize,
    pub errors: usize,
}

impl SyncCounts {
    /// Returns all counts in the order of the JSON document.
    pub fn in_order(&self) -> [usize; 7] {
        let SyncCounts { fetched, created, updated, unchanged, pruned, skipped, errors } = *self;
        [fetched, created, updated, unchanged, pruned, skipped, errors]
    }
}

/// A local record that was created in Administrate or, in a dry run, would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreatedRemote {
    /// The local id.
    pub id: i64,
    pub name: String,
    /// Administrate's id; none in a dry run.
    pub external_id: Option<String>,
    /// What a user has to correct in Administrate manually.
    #[serde(rename = "to_mend", skip_serializing_if = "Vec::is_empty")]
    pub manual_steps: Vec<String>,
}

/// A row whose record Administrate no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingRecord {
    /// Administrate's id.
    pub external_id: String,
    /// The name in the row; none for rows that only have ids.
    #[serde(skip)]
    pub name: Option<String>,
}

impl Report {
    /// Returns a report without findings.
    fn empty(entity: Entity, run_id: Option<i64>, dry_run: bool, outcome: ReportOutcome) -> Report {
        Report {
            entity,
            run_id,
            dry_run,
            counts: SyncCounts::default(),
            requests: 0,
            unmatched_local: Vec::new(),
            unmatched_remote: Vec::new(),
            ambiguous: Vec::new(),
            separated: Vec::new(),
            skipped: Vec::new(),
            conflicts: Vec::new(),
            differences: Vec::new(),
            resolved: Vec::new(),
            missing_remote: Vec::new(),
            cascaded: CascadedDeletes::default(),
            created_in_administrate: Vec::new(),
            not_created_in_administrate: Vec::new(),
            created_local: Vec::new(),
            not_created_local: Vec::new(),
            removed_local: Vec::new(),
            retained_local: Vec::new(),
            errors: Vec::new(),
            plan: None,
            first_details: 0,
            unknown: BTreeSet::new(),
            left_out: 0,
            outcome,
        }
    }

    /// Returns the report of a plan that is applied or, in a dry run, printed.
    pub fn of<R: LinkRow>(plan: &SyncPlan<R>, run_id: Option<i64>, dry_run: bool) -> Report {
        let Findings {
            unmatched_local,
            unmatched_remote,
            ambiguous,
            separated,
            created_local,
            not_created_local,
            removed_local,
            retained_local,
            skipped,
            conflicts,
            differences,
            resolved_places,
            errors,
        } = plan.findings.clone();
        let resolved = plan.resolutions.iter().flat_map(|resolution| resolution.fields.iter().cloned());
        let counts = SyncCounts {
            fetched: plan.fetched,
            created: plan.changes_of(ChangeAction::Create).count(),
            updated: plan.changes_of(ChangeAction::Update).count(),
            unchanged: plan.unchanged.len(),
            pruned: plan.changes_of(ChangeAction::Prune).count(),
            skipped: skipped.len() + plan.not_listed,
            errors: errors.len(),
        };
        let missing = |row: &R| MissingRecord { external_id: row.external_id().to_owned(), name: row_name(row) };
        Report {
            counts,
            unmatched_local,
            unmatched_remote,
            ambiguous: ambiguous.into_iter().map(|one| with_commands(one, plan.entity)).collect(),
            separated: separated.into_iter().map(|one| with_command(one, plan.entity)).collect(),
            skipped,
            conflicts,
            differences,
            resolved: resolved.chain(resolved_places).collect(),
            missing_remote: plan.missing_remote.iter().map(missing).collect(),
            cascaded: plan.cascaded.clone(),
            created_local,
            not_created_local,
            removed_local,
            retained_local,
            errors,
            first_details: plan.changes.iter().filter(|change| has_first_details(change)).count(),
            plan: dry_run.then(|| plan.changes.iter().map(ChangeView::of).collect()),
            unknown: plan.unknown.clone(),
            left_out: plan.left_out,
            ..Report::empty(plan.entity, run_id, dry_run, ReportOutcome::Completed)
        }
    }

    /// Leaves out what the run would change: of this run only its findings count.
    pub(super) fn without_changes(mut self) -> Report {
        self.plan = self.plan.map(|_| Vec::new());
        let SyncCounts { fetched, errors, .. } = self.counts;
        self.counts = SyncCounts { fetched, errors, ..SyncCounts::default() };
        self
    }

    /// Returns the report of a run that has nothing to write.
    pub fn unchanged(entity: Entity, dry_run: bool) -> Report {
        Report::empty(entity, None, dry_run, ReportOutcome::Completed)
    }

    /// Returns the report of a run that ended before anything was written.
    pub fn aborted(entity: Entity, run_id: Option<i64>, dry_run: bool, error: &Error) -> Report {
        let outcome = match error {
            Error::Cancelled => ReportOutcome::Stopped,
            error => ReportOutcome::Ended(error.exit()),
        };
        let mut report = Report::empty(entity, run_id, dry_run, outcome);
        report.add_error(RecordError { external_id: None, message: error.to_string() });
        report
    }

    /// Returns the report of a plan that was not applied because a user has to decide first.
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

    /// Returns the unmatched local records that no decision keeps apart from a remote one of their name.
    pub(super) fn creatable_local(&self) -> Vec<&LocalRecord> {
        let separated: HashSet<i64> = self.separated.iter().map(|one| one.local.id).collect();
        self.unmatched_local.iter().filter(|record| !separated.contains(&record.id)).collect()
    }

    /// Returns the unmatched remote records that no decision keeps apart from a local one of their name.
    pub(super) fn creatable_remote(&self) -> Vec<&RemoteRecord> {
        let separated: HashSet<&str> = self.separated.iter().map(|one| one.remote.external_id.as_str()).collect();
        self.unmatched_remote.iter().filter(|record| !separated.contains(record.external_id.as_str())).collect()
    }

    /// Adds what a refusal is about.
    pub fn with_errors(mut self, errors: Vec<RecordError>) -> Report {
        errors.into_iter().for_each(|error| self.add_error(error));
        self
    }

    pub fn with_request_count(mut self, requests: u64) -> Report {
        self.requests = requests;
        self
    }

    /// Adds an error and counts it.
    pub fn add_error(&mut self, error: RecordError) {
        self.errors.push(error);
        self.counts.errors = self.errors.len();
    }

    /// Moves the conflicts that `resolutions` resolves to the resolved values.
    pub fn record_resolutions(&mut self, resolutions: Report) {
        let resolved = resolutions.resolved;
        self.conflicts.retain(|conflict| resolved.iter().all(|field| field.conflict != *conflict));
        self.resolved.extend(resolved);
    }

    /// Moves a record from the unmatched to the created ones.
    pub fn record_created_remote(&mut self, created: CreatedRemote) {
        self.unmatched_local.retain(|record| record.id != created.id);
        self.created_in_administrate.push(created);
    }

    /// Returns the exit code of the command.
    ///
    /// A completed run needs attention if a part of it failed, is ambiguous, is in conflict, or was requested and not
    /// done. Unmatched records alone do not need attention.
    pub fn exit(&self) -> Exit {
        match self.outcome {
            ReportOutcome::Ended(exit) => exit,
            ReportOutcome::Stopped => Exit::NeedsAttention,
            ReportOutcome::Completed if self.is_clean() => Exit::Done,
            ReportOutcome::Completed => Exit::NeedsAttention,
        }
    }

    fn is_clean(&self) -> bool {
        self.ambiguous.is_empty()
            && self.conflicts.is_empty()
            && self.errors.is_empty()
            && self.not_created_local.is_empty()
            && self.retained_local.is_empty()
            && self.not_created_in_administrate.is_empty()
            && self.created_in_administrate.iter().all(|created| created.manual_steps.is_empty())
    }

    /// Returns whether a signal ended the run before anything was written.
    pub fn is_stopped(&self) -> bool {
        self.outcome == ReportOutcome::Stopped
    }

    /// Returns the exit code to store with the run. A stopped run is stored as failed: later syncs must not rely on it.
    pub fn stored_exit(&self) -> Exit {
        if self.is_stopped() { Exit::Failed } else { self.exit() }
    }

    /// Returns whether the run wrote nothing because it failed.
    pub fn failed(&self) -> bool {
        matches!(self.exit(), Exit::Failed | Exit::Usage | Exit::Prerequisite)
    }

    /// Returns the reasons why the run failed; none if it did not fail.
    pub fn failure(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter(|_| self.failed()).map(|error| error.message.as_str())
    }
}
