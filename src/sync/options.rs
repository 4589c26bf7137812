//! Options of a sync.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entity::Entity;

#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// Plan and write nothing.
    pub dry_run: bool,
    /// Apply only changes of the records with these ids in Administrate; empty: all changes.
    pub only: BTreeSet<String>,
    /// Delete rows whose record is missing in Administrate, up to this limit.
    pub prune: Option<PruneLimit>,
    /// Create local records for unmatched ones in Administrate, all or those of `only`.
    pub create_local: bool,
    /// `sync all` continues after an entity that failed.
    pub skip_errors: bool,
    /// Apply exactly these plans. A plan that differs from the current one is refused.
    pub exactly: Option<BTreeMap<Entity, Value>>,
    /// Of these plans, apply only changes of the records with these ids in Administrate; empty: all changes.
    pub chosen: BTreeSet<String>,
}

/// The largest share of an entity's rows that a run may delete, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PruneLimit(pub u8);

impl Default for PruneLimit {
    /// Returns 20 percent.
    fn default() -> Self {
        PruneLimit(20)
    }
}

impl PruneLimit {
    /// Returns whether pruning `pruned` of `rows` rows exceeds the limit.
    pub(super) fn is_exceeded(self, pruned: usize, rows: usize) -> bool {
        pruned * 100 > rows * usize::from(self.0)
    }
}
