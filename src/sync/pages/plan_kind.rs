//! What a plan would do once it is applied: a sync, creations in Administrate, or the undo of a run.

use serde_json::Value;

use super::super::undo::report::UndoneRun;
use crate::jobs::JobRun;
use crate::runs::RunKind;
use crate::web::document::{list, number};
use crate::web::format::sentence;

/// What a plan would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlanKind {
    Sync,
    /// Creates records in Administrate.
    Creation,
    /// Undoes runs.
    Undo,
}

fn counted(counts: &Value) -> i64 {
    ["created", "updated", "pruned"].iter().map(|name| number(&counts[name])).sum()
}

impl PlanKind {
    pub(super) fn of(run: &JobRun, document: &Value) -> PlanKind {
        if run.kind == RunKind::SyncUndo.as_str() {
            return PlanKind::Undo;
        }
        match list(&document["created_in_administrate"]).next() {
            Some(_) => PlanKind::Creation,
            None => PlanKind::Sync,
        }
    }

    /// Returns how much it would change.
    pub(super) fn changes(self, document: &Value) -> i64 {
        match self {
            PlanKind::Sync => {
                let reports = list(&document["reports"]).map(|report| counted(&report["counts"])).sum::<i64>();
                counted(&document["counts"]) + reports
            }
            PlanKind::Creation => list(&document["created_in_administrate"]).count() as i64,
            // An undo of a run that only decided is one too.
            PlanKind::Undo => list(&document["undone"])
                .map(|run| (counted(&run["counts"]) + number(&run["removed_local"]) + number(&run["decisions"])).max(1))
                .sum(),
        }
    }

    pub(super) fn is_sync(self) -> bool {
        self == PlanKind::Sync
    }

    pub(super) fn is_creation(self) -> bool {
        self == PlanKind::Creation
    }

    pub(super) fn is_undo(self) -> bool {
        self == PlanKind::Undo
    }

    /// Returns where every change of an undo is shown.
    pub(super) fn undo_path(self, document: &Value) -> String {
        let later = if list(&document["undone"]).count() > 1 { "&with=later" } else { "" };
        match (self, document["entity"].as_str()) {
            (PlanKind::Undo, Some(entity)) => {
                format!("/syncs/{entity}/undo?run={}{later}", number(&document["undone_run"]))
            }
            _ => String::new(),
        }
    }
}

/// Returns the runs that an undo takes back, in words.
pub(super) fn undone(document: &Value) -> Vec<String> {
    let runs: Vec<UndoneRun> = serde_json::from_value(document["undone"].clone()).unwrap_or_default();
    runs.iter().map(|run| sentence(&run.to_string())).collect()
}
