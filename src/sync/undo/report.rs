//! The result of an undo: its JSON document and its text.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::obstacles::LaterRuns;
use crate::console::counted;
use crate::error::{Error, Exit};
use crate::sync::entity::Entity;
use crate::sync::report::{Report, SyncCounts};

/// The result of an undo, or what prevents it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoReport {
    /// The report of the undo of the requested run; none if that run has no entity.
    #[serde(flatten)]
    pub report: Option<Report>,
    /// The requested run.
    pub undone_run: i64,
    /// The runs that are undone or, in a dry run, would be, the latest first.
    pub undone: Vec<UndoneRun>,
    /// Later runs that have to be undone first; if there are any, nothing is changed.
    pub blocked_by: Vec<BlockingRun>,
    /// Why there is nothing to undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
    /// The reports of all undone runs, in the order of `undone`.
    #[serde(skip)]
    pub reports: Vec<Report>,
}

/// A run that is undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoneRun {
    pub run: i64,
    pub entity: Entity,
    /// The run of its undo; none in a dry run.
    pub run_id: Option<i64>,
    /// `created`: rows that are restored, `pruned`: rows that are deleted.
    pub counts: SyncCounts,
    /// Number of local records that are deleted.
    pub removed_local: usize,
    /// Number of resolved values of events that are taken back.
    pub decisions: usize,
}

/// A later run that wrote rows which depend on the run to undo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockingRun {
    pub run: i64,
    pub entity: Entity,
    /// Number of its rows that depend on the run to undo.
    pub rows: usize,
}

impl UndoReport {
    /// Returns the result of undoing these runs, the latest first and the requested one last.
    pub(super) fn of(run: i64, runs: Vec<(i64, Report)>) -> UndoReport {
        let undone = |(run, report): &(i64, Report)| UndoneRun {
            run: *run,
            entity: report.entity,
            run_id: report.run_id,
            counts: report.counts,
            removed_local: report.removed_local.len(),
            decisions: report.resolved.len(),
        };
        UndoReport {
            undone: runs.iter().map(undone).collect(),
            report: runs.last().map(|(_, report)| report.clone()),
            reports: runs.into_iter().map(|(_, report)| report).collect(),
            ..UndoReport::empty(run)
        }
    }

    /// Returns the result of a run that is not undone because later runs depend on it.
    pub(super) fn blocked(run: i64, entity: Entity, dry_run: bool, later: LaterRuns) -> UndoReport {
        let blocking = |(run, (entity, rows)): (i64, (Entity, _))| {
            let rows: std::collections::BTreeSet<String> = rows;
            BlockingRun { run, entity, rows: rows.len() }
        };
        let blocked_by: Vec<BlockingRun> = later.into_iter().rev().map(blocking).collect();
        let list = blocked_by.iter().map(BlockingRun::to_string).collect::<Vec<_>>().join("; ");
        let error = Error::NeedsAttention(format!(
            "run {run} cannot be undone alone, and nothing was changed, because later runs depend on it ({list}): \
             undo them together with `lectern sync undo {run} --cascade`"
        ));
        let report = Some(Report::aborted(entity, None, dry_run, &error));
        UndoReport { report, blocked_by, ..UndoReport::empty(run) }
    }

    /// Returns the result for a run that wrote nothing.
    pub(super) fn nothing(run: i64, entity: Option<Entity>, dry_run: bool, reason: String) -> UndoReport {
        let report = entity.map(|entity| Report::unchanged(entity, dry_run));
        UndoReport { report, nothing: Some(reason), ..UndoReport::empty(run) }
    }

    fn empty(run: i64) -> UndoReport {
        UndoReport {
            report: None,
            undone_run: run,
            undone: Vec::new(),
            blocked_by: Vec::new(),
            nothing: None,
            reports: Vec::new(),
        }
    }

    /// Returns whether the runs can be undone.
    pub fn is_possible(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Returns the exit code of the command.
    pub fn exit(&self) -> Exit {
        if !self.blocked_by.is_empty() {
            return Exit::NeedsAttention;
        }
        self.reports.iter().map(Report::exit).max().unwrap_or(Exit::Done)
    }
}

impl fmt::Display for BlockingRun {
    /// `run 4, venues: 10 rows`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}, {}: {}", self.run, self.entity.plural(), counted(self.rows, "row"))
    }
}

impl fmt::Display for UndoneRun {
    /// `run 4, venues: 10 rows to delete, 2 rows to restore`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |count, what| (count, format!("{} to {what}", counted(count, "row")));
        let parts = [
            row(self.counts.pruned, "delete"),
            row(self.counts.created, "restore"),
            row(self.counts.updated, "change back"),
            (self.removed_local, format!("{} to delete", counted(self.removed_local, "local record"))),
            (self.decisions, format!("{} to take back", counted(self.decisions, "decision"))),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
        let parts = if parts.is_empty() { "nothing that can be taken back".to_owned() } else { parts.join(", ") };
        write!(f, "run {}, {}: {parts}", self.run, self.entity.plural())
    }
}

impl fmt::Display for UndoReport {
    /// What is undone, or what prevents it, in lines for a user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.undone_run;
        if let Some(nothing) = &self.nothing {
            return f.write_str(nothing);
        }
        if self.blocked_by.is_empty() {
            write!(f, "Undo of run {run}")?;
            if self.undone.len() > 1 {
                write!(f, " with {}", counted(self.undone.len() - 1, "later run"))?;
            }
            return self.undone.iter().try_for_each(|run| write!(f, "\n  {run}"));
        }
        write!(f, "run {run} cannot be undone alone, because later runs depend on it; nothing was changed")?;
        self.blocked_by.iter().try_for_each(|run| write!(f, "\n  {run}"))?;
        write!(f, "\nundo them together, the latest first:  lectern sync undo {run} --cascade")
    }
}
