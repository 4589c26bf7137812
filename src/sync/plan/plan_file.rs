//! Plans saved in a file (`--plan-out`), to be reviewed and then applied exactly as they are (`--plan`) or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output_file::{self, Existing};
use crate::sync::entity::Entity;
use crate::sync::options::PruneLimit;

/// Plans of one entity or of all, with the options that they were made with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// The version of the file format.
    lectern_sync_plans: u8,
    /// As in [`SyncOptions`](crate::sync::SyncOptions).
    pub only: BTreeSet<String>,
    /// As in [`SyncOptions`](crate::sync::SyncOptions).
    pub prune: Option<PruneLimit>,
    /// The serialised [`SyncPlan`](super::SyncPlan) of each entity.
    pub plans: BTreeMap<Entity, Value>,
}

/// The version of the file format that this program writes and reads.
const VERSION: u8 = 1;

impl PlanFile {
    pub fn new(only: BTreeSet<String>, prune: Option<PruneLimit>, plans: BTreeMap<Entity, Value>) -> Self {
        PlanFile { lectern_sync_plans: VERSION, only, prune, plans }
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`Error::Failed`] if the file cannot be read, [`Error::Usage`] if it is no plan of this version.
    pub fn read(path: &Path) -> Result<PlanFile> {
        let text = std::fs::read(path).map_err(|error| Error::io("reading the plan", path, &error))?;
        let saved: Option<PlanFile> = serde_json::from_slice(&text).ok();
        saved.filter(|saved| saved.lectern_sync_plans == VERSION).ok_or_else(|| {
            let path = path.display();
            Error::Usage(format!(
                "{path} contains no plan of this program: make one with `lectern sync … --plan-out {path}`"
            ))
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`Error::Failed`] if the file cannot be written.
    pub fn write(&self, path: &Path, existing: Existing) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Failed(format!("the plan cannot be written: {error}")))?;
        output_file::write(path, &text, existing)
    }
}

/// Returns whether two serialised plans write the same and found the same, whatever their explanations say.
///
/// Explanations are texts for users: another version of the program may word them differently.
pub(crate) fn is_same_plan(saved: &Value, current: &Value) -> bool {
    let without_explanations = |plan: &Value| {
        let mut plan = plan.clone();
        if let Some(findings) = plan.get_mut("findings") {
            remove_explanations(findings);
        }
        plan
    };
    saved == current || without_explanations(saved) == without_explanations(current)
}

fn remove_explanations(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove_explanations),
        Value::Object(fields) => {
            for name in ["message", "reason"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(remove_explanations);
        }
        _ => {}
    }
}

/// Returns Administrate's id and the name of each change of a serialised plan.
pub(crate) fn changes(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |change: &Value| match &change["after"] {
        Value::Null => text(&change["before"]["external_id"]),
        after => text(&after["external_id"]),
    };
    let changes = plan["changes"].as_array().into_iter().flatten();
    changes.map(|change| (row(change), text(&change["name"]))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plans_are_compared_without_their_explanations() {
        let plan = |message: &str, id: &str| {
            json!({ "changes": [{ "name": "London" }],
                    "findings": { "errors": [{ "external_id": id, "message": message }] } })
        };
        assert!(is_same_plan(&plan("waits", "a"), &plan("needs attention", "a")));
        assert!(!is_same_plan(&plan("waits", "a"), &plan("waits", "b")));
        let other = json!({ "changes": [], "findings": { "errors": [{ "external_id": "a", "message": "waits" }] } });
        assert!(!is_same_plan(&plan("waits", "a"), &other));
    }
}
