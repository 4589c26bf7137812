//! The journal of a run: the previous values of the rows that it wrote, and the plan that restores them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bridges::reference::{AdministratorRow, ApprovalRow, CascadedDeletes, LinkRow};
use crate::error::{Error, Result};
use crate::sync::conflicts::Resolution;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::EntitySync;
use crate::sync::matching::{LocalRecord, MatchResult};
use crate::sync::plan::{RowChange, SetDiff, SyncPlan};
use crate::tutorials::reference::CreatedRow;

/// The stored changes of a run.
#[derive(Debug, Deserialize)]
pub(super) struct UndoJournal<R> {
    changes: Vec<RowChange<R>>,
    approvals: SetDiff<ApprovalRow>,
    administrators: SetDiff<AdministratorRow>,
    #[serde(default, rename = "made")]
    pub(super) created_local_rows: Vec<CreatedRow>,
    #[serde(default, rename = "fallen")]
    pub(super) cascaded: CascadedDeletes,
    #[serde(default, rename = "settlements")]
    resolutions: Vec<Resolution>,
    /// What the undo restored beyond its rows.
    #[serde(default)]
    pub(super) restored: CascadedDeletes,
    /// Local records that the undo deleted.
    #[serde(default)]
    pub(super) removed_local: Vec<LocalRecord>,
}

/// The journal of a plan, borrowed for storing: a plan can be too large to copy.
#[derive(Debug, Serialize)]
pub(in crate::sync) struct UndoJournalRef<'a, R> {
    changes: &'a [RowChange<R>],
    approvals: &'a SetDiff<ApprovalRow>,
    administrators: &'a SetDiff<AdministratorRow>,
    #[serde(rename = "made", skip_serializing_if = "<[_]>::is_empty")]
    created_local_rows: &'a [CreatedRow],
    #[serde(rename = "fallen")]
    cascaded: &'a CascadedDeletes,
    #[serde(rename = "settlements", skip_serializing_if = "<[_]>::is_empty")]
    resolutions: &'a [Resolution],
}

/// The journal of an undo, which can be undone like every other run.
#[derive(Debug, Serialize)]
pub(super) struct UndoRunJournalRef<'a, R> {
    #[serde(flatten)]
    pub(super) journal: UndoJournalRef<'a, R>,
    /// The run that is undone.
    pub(super) undoes: i64,
    pub(super) restored: &'a CascadedDeletes,
    pub(super) removed_local: &'a [LocalRecord],
}

impl<'a, R: LinkRow> UndoJournalRef<'a, R> {
    pub(in crate::sync) fn of(plan: &'a SyncPlan<R>) -> Self {
        UndoJournalRef {
            changes: &plan.changes,
            approvals: &plan.approvals,
            administrators: &plan.administrators,
            created_local_rows: &plan.created_local_rows,
            cascaded: &plan.cascaded,
            resolutions: &plan.resolutions,
        }
    }
}

impl<R: LinkRow> UndoJournal<R> {
    /// Restores the plan that was applied.
    pub(super) fn plan(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        plan.changes = self.changes;
        plan.approvals = self.approvals;
        plan.administrators = self.administrators;
        plan.created_local_rows = self.created_local_rows;
        plan.resolutions = self.resolutions;
        plan
    }

    /// Returns the plan that undoes the run. Resolutions that cannot be undone are among its skipped findings.
    pub(super) fn inverse(self, entity: Entity) -> SyncPlan<R> {
        let mut plan = SyncPlan::between(entity, Vec::new(), &[], MatchResult::default());
        let inverse =
            |change: RowChange<R>| RowChange { name: change.name, before: change.after, after: change.before };
        plan.changes = self.changes.into_iter().map(inverse).collect();
        plan.approvals = SetDiff { added: self.approvals.removed, removed: self.approvals.added };
        plan.administrators = SetDiff { added: self.administrators.removed, removed: self.administrators.added };
        for inverse in self.resolutions.into_iter().map(Resolution::inverse) {
            match inverse {
                Ok(resolution) => plan.resolutions.push(resolution),
                Err(skipped) => plan.findings.skipped.push(skipped),
            }
        }
        plan
    }
}

/// Reads a stored journal.
///
/// # Errors
/// [`Error::Failed`] for the journal of an incompatible version of this program.
pub(super) fn parse<E: EntitySync>(journal: Value) -> Result<UndoJournal<E::Row>> {
    serde_json::from_value(journal).map_err(|error| {
        Error::Failed(format!("the run was stored by an incompatible version of this program: {error}"))
    })
}
