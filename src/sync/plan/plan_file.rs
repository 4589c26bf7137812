//! Plans saved in a file (`--plan-out`), to be reviewed and then applied exactly as they are (`--plan`) or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output_file::{self, Existing};
use crate::runs::DatabaseIdentity;
use crate::sync::entity::Entity;
use crate::sync::options::PruneLimit;

/// Plans of one entity or of all, with the options that they were made with and what they were made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// The version of the file format.
    lectern_sync_plans: u8,
    /// None in files of version 1.
    made_of: Option<PlanSource>,
    /// As in [`SyncOptions`](crate::sync::SyncOptions).
    pub only: BTreeSet<String>,
    /// As in [`SyncOptions`](crate::sync::SyncOptions).
    pub prune: Option<PruneLimit>,
    /// The serialised [`SyncPlan`](super::SyncPlan) of each entity.
    pub plans: BTreeMap<Entity, Value>,
}

/// What a plan is made of. It can be applied only to the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSource {
    /// The entity, none for all.
    pub entity: Option<Entity>,
    /// The address of the tenant's API, without credentials.
    pub administrate: String,
    pub database: DatabaseIdentity,
}

/// The version of the file format that this program writes.
const VERSION: u8 = 2;

/// The versions that this program reads.
const READABLE: std::ops::RangeInclusive<u64> = 1..=2;

impl PlanFile {
    pub fn new(
        made_of: PlanSource,
        only: BTreeSet<String>,
        prune: Option<PruneLimit>,
        plans: BTreeMap<Entity, Value>,
    ) -> Self {
        PlanFile { lectern_sync_plans: VERSION, made_of: Some(made_of), only, prune, plans }
    }

    /// Reads a file that [`write`](Self::write) wrote.
    ///
    /// # Errors
    /// [`Error::Failed`] if the file cannot be read, [`Error::Usage`] if it is no plan of this version.
    pub fn read(path: &Path) -> Result<PlanFile> {
        let bytes = std::fs::read(path).map_err(|error| Error::io("reading the plan", path, &error))?;
        let path = path.display();
        let make_one = format!("save one with `lectern sync ENTITY --plan-out {path}`");
        let document: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Usage(format!("{path} is no plan or is damaged ({error}): {make_one}")))?;
        match document.get("lectern_sync_plans").map(Value::as_u64) {
            None => return Err(Error::Usage(format!("{path} contains no plan of a sync: {make_one}"))),
            Some(version) if !version.is_some_and(|version| READABLE.contains(&version)) => {
                return Err(Error::Usage(format!(
                    "{path} was saved by another version of Lectern, whose plans cannot be applied by this one: {make_one}"
                )));
            }
            Some(_) => {}
        }
        let damaged = |reason: String| Error::Usage(format!("the plan in {path} is damaged ({reason}): {make_one}"));
        let file: PlanFile = serde_json::from_value(document).map_err(|error| damaged(error.to_string()))?;
        if file.made_of.is_none() && file.lectern_sync_plans == VERSION {
            return Err(damaged("missing field `made_of`".into()));
        }
        Ok(file)
    }

    /// Returns the entity of the plan, none for all. Version 1 does not say it: one plan is of its entity.
    fn entity(&self) -> Option<Entity> {
        let mut entities = self.plans.keys();
        match (&self.made_of, entities.next(), entities.next()) {
            (Some(source), ..) => source.entity,
            (None, Some(entity), None) => Some(*entity),
            (None, ..) => None,
        }
    }

    /// Checks that the plan was made of the same entity, tenant and database.
    ///
    /// # Errors
    /// [`Error::Usage`] that names both.
    pub fn check(&self, path: &Path, current: &PlanSource) -> Result<()> {
        let path = path.display();
        let entity = self.entity();
        let (planned, requested) = (entity.map_or("all", Entity::name), current.entity.map_or("all", Entity::name));
        if entity != current.entity {
            return Err(Error::Usage(format!(
                "{path} contains the plan of {planned}, not of {requested}: apply it with `lectern sync {planned} --plan \
                 {path}`"
            )));
        }
        let Some(PlanSource { administrate, database, .. }) = &self.made_of else { return Ok(()) };
        if administrate != &current.administrate {
            return Err(Error::Usage(format!(
                "{path} contains a plan for the Administrate at {administrate}, not for the one at {}: save a new plan",
                current.administrate
            )));
        }
        if database != &current.database {
            return Err(Error::Usage(format!(
                "{path} contains a plan for the database {database}, not for {}: save a new plan",
                current.database
            )));
        }
        Ok(())
    }

    /// Reports whether the plan was made of exactly this.
    pub fn is_made_of(&self, current: &PlanSource) -> bool {
        self.made_of.as_ref() == Some(current)
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
        plan.get_mut("changes").into_iter().for_each(remove_unplanned);
        plan
    };
    saved == current || without_explanations(saved) == without_explanations(current)
}

/// Removes what a plan of events only needs to be applied and undone. Older versions saved less of it.
fn remove_unplanned(changes: &mut Value) {
    let rows = changes.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    for row in rows.flat_map(|change| change.values_mut()).filter_map(Value::as_object_mut) {
        for name in ["places_baseline", "stood"] {
            row.remove(name);
        }
    }
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

/// Returns Administrate's id and the name of each record with changes of a serialised plan, in the order of the plan.
///
/// A link that another record takes over is no choice of its own: it follows the choice of that record.
pub(crate) fn changes(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |change: &Value| match &change["after"] {
        Value::Null => text(&change["before"]["external_id"]),
        after => text(&after["external_id"]),
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let gone: BTreeSet<String> = list(&plan["gone"]).iter().map(|row| text(&row["external_id"])).collect();
    let rows = list(&plan["changes"]).into_iter().map(|change| (row(&change), text(&change["name"])));
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |id: String, name: String| match found.iter_mut().find(|(known, _)| *known == id) {
        Some((_, names)) if !names.split(", ").any(|known| known == name) => *names = format!("{names}, {name}"),
        Some(_) => {}
        None => found.push((id, name)),
    };
    rows.filter(|(id, _)| !gone.contains(id)).for_each(|(id, name)| add(id, name));
    for (set, id, what) in [
        ("approvals", "template_external_id", "approved instructors"),
        ("administrators", "external_id", "administrator"),
    ] {
        for item in list(&plan[set]["added"]).iter().chain(&list(&plan[set]["removed"])) {
            add(text(&item[id]), what.to_owned());
        }
    }
    found
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
