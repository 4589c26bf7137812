//! What a sync is asked to do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entity::Entity;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// Show the plan and write nothing.
    pub dry_run: bool,
    /// Write only what concerns these records, by Administrate's id; empty: everything.
    pub only: BTreeSet<String>,
    /// Delete rows whose record Administrate no longer has.
    pub prune: Option<PruneLimit>,
    /// Make records of ours of Administrate's unmatched ones, all or those of `only`.
    pub create_local: bool,
    /// `sync all` goes on after an entity that failed.
    pub skip_errors: bool,
    /// Apply exactly these plans; one that is not what would be planned now is refused.
    pub exactly: Option<BTreeMap<Entity, Value>>,
}

/// How much of an entity a run may delete, in percent of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PruneLimit(pub u8);

impl Default for PruneLimit {
    /// A fifth (rules, Sync).
    fn default() -> Self {
        PruneLimit(20)
    }
}

impl PruneLimit {
    /// Whether `pruned` of so many rows are more.
    pub(super) fn is_exceeded(self, pruned: usize, rows: usize) -> bool {
        pruned * 100 > rows * usize::from(self.0)
    }
}
