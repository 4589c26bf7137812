//! The parts of a plan: changes of single rows and of sets. Plain data that uses nothing else of the sync.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One link row to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowChange<R> {
    /// The name that users know the record by.
    pub name: String,
    /// The stored row; none if the row is created.
    pub before: Option<R>,
    /// The row after the change; none if the row is pruned.
    pub after: Option<R>,
}

/// What a change does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    Create,
    Update,
    Prune,
}

impl<R> RowChange<R> {
    pub fn action(&self) -> ChangeAction {
        match (&self.before, &self.after) {
            (None, _) => ChangeAction::Create,
            (Some(_), Some(_)) => ChangeAction::Update,
            (Some(_), None) => ChangeAction::Prune,
        }
    }

    /// Returns the row after the change or, if it is pruned, the row before it.
    pub fn row(&self) -> Option<&R> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// The difference between two sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetDiff<T> {
    /// Items to add. An added item replaces a stored one with the same id.
    pub added: Vec<T>,
    /// Items to remove.
    pub removed: Vec<T>,
}

impl<T> SetDiff<T> {
    /// Returns a difference that changes nothing.
    pub fn none() -> Self {
        SetDiff { added: Vec::new(), removed: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl<T: Clone + Ord> SetDiff<T> {
    /// Returns the difference that turns `current` into `desired`.
    pub fn between(current: &[T], desired: impl IntoIterator<Item = T>) -> Self {
        let current: BTreeSet<T> = current.iter().cloned().collect();
        let desired: BTreeSet<T> = desired.into_iter().collect();
        SetDiff {
            added: desired.difference(&current).cloned().collect(),
            removed: current.difference(&desired).cloned().collect(),
        }
    }
}
