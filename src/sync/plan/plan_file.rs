//! Plans kept in a file: made today, read by a person, applied exactly as they are or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output_file;
use crate::sync::entity::Entity;
use crate::sync::options::PruneLimit;

/// Plans of one entity or of all, with the options under which they were made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// What this file is; a later version may mean something else.
    lectern_sync_plans: u8,
    /// As in [`super::Options`].
    pub only: BTreeSet<String>,
    /// As in [`super::Options`].
    pub prune: Option<PruneLimit>,
    /// Each plan as its entity's `Plan` serialises.
    pub plans: BTreeMap<Entity, Value>,
}

/// The version that this program writes and reads.
const VERSION: u8 = 1;

impl PlanFile {
    /// Plans to be saved.
    pub fn new(only: BTreeSet<String>, prune: Option<PruneLimit>, plans: BTreeMap<Entity, Value>) -> Self {
        PlanFile { lectern_sync_plans: VERSION, only, prune, plans }
    }

    /// Reads a file that [`write`](Self::write) wrote.
    pub fn read(path: &Path) -> Result<PlanFile> {
        let text = std::fs::read(path).map_err(|error| Error::io("reading the plan", path, &error))?;
        let saved: Option<PlanFile> = serde_json::from_slice(&text).ok();
        saved.filter(|saved| saved.lectern_sync_plans == VERSION).ok_or_else(|| {
            let path = path.display();
            Error::Usage(format!(
                "{path} holds no plan of this program: make one with `lectern sync … --plan-out {path}`"
            ))
        })
    }

    /// Writes the file, over one that is there.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::Failed(format!("the plan cannot be written: {error}")))?;
        output_file::write(path, &text)
    }
}

/// The changes of a plan as it is saved: Administrate's id and the name of each.
pub(crate) fn changes(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |change: &Value| match &change["after"] {
        Value::Null => text(&change["before"]["external_id"]),
        after => text(&after["external_id"]),
    };
    let changes = plan["changes"].as_array().into_iter().flatten();
    changes.map(|change| (row(change), text(&change["name"]))).collect()
}
