//! Undoes the import of a catalogue workbook: completely or not at all.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool};

use super::plan::{CatalogueJournal, JournalEntry};
use super::stored::resource_of;
use crate::bridges::store::CASCADE_GUARDS;
use crate::error::{Error, Result};
use crate::http::problem::HttpProblem;
use crate::resources::{FieldUsage, ResourceField, TableResource, rows};
use crate::runs::{self, RunKind};
use crate::tutorials::reference::{InUseReasons, delete_unused, in_use};

/// Most blockers in a sentence.
const MAX_NAMED: usize = 5;

/// A field of groups that other rows tell.
const OF_OTHER_ROWS: &str = "product_ids";

/// Fields by which users know a row, the best one first.
const NAMES: [&str; 7] = ["code", "session_code", "product_code", "fullname", "bundle_name", "name", "first_name"];

/// A record that an undo cannot restore.
#[derive(Debug, Serialize)]
pub struct RefusedUndo {
    pub record: String,
    pub reason: String,
    /// The rows that refer to the record.
    pub blockers: Vec<Value>,
}

impl std::fmt::Display for RefusedUndo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.record, self.reason)?;
        let name = |blocker: &Value| {
            let text = |key: &str| blocker[key].as_str().unwrap_or_default().to_owned();
            format!("{} in {} (id {})", text("name"), text("table"), blocker["id"])
        };
        let named: Vec<String> = self.blockers.iter().take(MAX_NAMED).map(name).collect();
        if !named.is_empty() {
            write!(f, ": {}", named.join(", "))?;
        }
        match self.blockers.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What an undo did, or why it is refused.
#[derive(Debug, Default)]
pub struct CatalogueUndo {
    pub removed: usize,
    pub restored: usize,
    pub refused: Vec<RefusedUndo>,
    /// The run that undid the import earlier.
    pub earlier: Option<i64>,
}

impl CatalogueUndo {
    /// Returns the JSON document.
    pub fn document(&self, undone: i64, run: Option<i64>, dry_run: bool) -> Value {
        json!({ "run_id": run, "undone_run": undone, "dry_run": dry_run, "undone_by": self.earlier.or(run),
                "counts": { "removed": self.removed, "restored": self.restored, "refused": self.refused.len() },
                "refused": self.refused })
    }
}

/// Returns the run that undid an import.
pub async fn undone_by(db: &mut PgConnection, import: i64) -> Result<Option<i64>> {
    runs::latest_on(db, RunKind::CatalogueUndo, &import.to_string()).await
}

/// Restores what an import changed, in the transaction of the caller. An import that is undone already stays as it is.
///
/// # Errors
/// [`Error::Usage`] when there is no such import, else when the database cannot be read or written.
pub async fn undo(db: &mut PgConnection, pool: &PgPool, run: i64) -> Result<CatalogueUndo> {
    let found = runs::find(db, RunKind::CatalogueImport, run).await?;
    let Some(stored) = found else {
        let last = runs::latest(db, RunKind::CatalogueImport, 1).await?;
        let last = last.first().map(|last| format!("; the last one is {} ({})", last.id, last.subject));
        return Err(Error::Usage(format!("there is no catalogue import {run}{}", last.unwrap_or_default())));
    };
    let mut undo = CatalogueUndo { earlier: undone_by(db, run).await?, ..CatalogueUndo::default() };
    let (None, Some(journal)) = (undo.earlier, stored.journal) else { return Ok(undo) };
    let damaged = |error| Error::Failed(format!("the journal of run {run} cannot be read: {error}"));
    let journal: CatalogueJournal = serde_json::from_value(journal).map_err(damaged)?;
    let created: HashSet<(String, i64)> = journal
        .rows
        .iter()
        .filter(|entry| entry.before.is_none())
        .map(|entry| (entry.table.clone(), entry.id))
        .collect();
    let mut restored = HashSet::new();
    for entry in journal.rows.iter().rev() {
        match undo_row(db, pool, entry, &created).await? {
            Ok(true) if created.contains(&(entry.table.clone(), entry.id)) && entry.before.is_some() => {}
            Ok(true) if entry.before.is_none() => undo.removed += 1,
            Ok(true) => drop(restored.insert((&entry.table, entry.id))),
            Ok(false) => {}
            Err(refused) => undo.refused.push(refused),
        }
    }
    undo.restored = restored.len();
    let reasons = in_use(db, &journal.people, InUseReasons::default()).await?;
    undo.refused.extend(journal.people.iter().filter_map(|row| {
        let reason = reasons.get(&(row.table, row.id))?.clone();
        Some(RefusedUndo { record: format!("instructor {}", row.name), reason, blockers: Vec::new() })
    }));
    delete_unused(db, &journal.people, &reasons).await?;
    undo.removed += journal.people.iter().filter(|row| row.table.is_of_records()).count();
    Ok(undo)
}

/// Undoes the change of one row. Returns whether there was something to undo.
async fn undo_row(
    db: &mut PgConnection,
    pool: &PgPool,
    entry: &JournalEntry,
    created: &HashSet<(String, i64)>,
) -> Result<std::result::Result<bool, RefusedUndo>> {
    let JournalEntry { table, id, before, after } = entry;
    let Some(resource) = resource_of(table) else { return Ok(Ok(false)) };
    let refused = |reason: &str, blockers| RefusedUndo {
        record: name_of(resource, *id, after),
        reason: reason.to_owned(),
        blockers,
    };
    let Some(current) = rows::one(db, resource, *id).await? else {
        return Ok(if before.is_some() { Err(refused("it was deleted since", Vec::new())) } else { Ok(false) });
    };
    if values_of(resource, &current) != values_of(resource, after) {
        return Ok(Err(refused(
            &format!("it was changed since ({})", changed_fields(resource, after, &current)),
            Vec::new(),
        )));
    }
    let Some(before) = before else {
        let cleared = rows::clearing(db, resource, *id).await?;
        if !cleared.is_empty() {
            return Ok(Err(refused("other records refer to it by now", cleared)));
        }
        let Err(problem) = rows::remove(db, pool, resource, *id, CASCADE_GUARDS).await? else { return Ok(Ok(true)) };
        let blockers = blockers(&problem, created);
        // Nothing but records of the same import, which are refused for their own reasons.
        let is_consequence = blockers.is_empty() && problem.member("blockers").is_some_and(|all| all != &json!([]));
        let reason =
            if problem.status().as_u16() == 409 { "other records refer to it by now" } else { problem.detail() };
        return Ok(if is_consequence { Ok(false) } else { Err(refused(reason, blockers)) });
    };
    let values = before.as_object().into_iter().flatten();
    let changed = values.filter(|(field, value)| after[field.as_str()] != **value && is_value(resource, field));
    let patch: Map<String, Value> = changed.map(|(field, value)| (field.clone(), value.clone())).collect();
    let written = rows::write(db, pool, resource, Some(*id), &Value::Object(patch)).await?;
    Ok(written.map(|_| true).map_err(|problem| refused(problem.detail(), Vec::new())))
}

/// Returns the rows that forbid a deletion, without those that the import created itself.
fn blockers(problem: &HttpProblem, created: &HashSet<(String, i64)>) -> Vec<Value> {
    let all = problem.member("blockers").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_own = |blocker: &Value| {
        let (table, id) = (blocker["table"].as_str().unwrap_or_default(), blocker["id"].as_i64());
        id.is_some_and(|id| created.contains(&(table.to_owned(), id)))
    };
    all.into_iter().filter(|blocker| !is_own(blocker)).collect()
}

fn name_of(resource: &TableResource, id: i64, document: &Value) -> String {
    let mut names = NAMES.iter().filter_map(|field| document[*field].as_str()).filter(|name| !name.is_empty());
    let name = match document["last_name"].as_str() {
        Some(last) => format!("{} {last}", document["first_name"].as_str().unwrap_or_default()).trim().to_owned(),
        None => names.next().map_or_else(|| format!("with id {id}"), str::to_owned),
    };
    format!("{} {name}", resource.noun)
}

fn is_value(resource: &TableResource, field: &str) -> bool {
    let is_written = |known: &&ResourceField| known.name == field && !matches!(known.usage, FieldUsage::ReadOnly);
    field != OF_OTHER_ROWS && resource.fields.iter().any(|known| is_written(&known))
}

/// Returns the values of a document.
fn values_of(resource: &TableResource, document: &Value) -> Map<String, Value> {
    let fields = document.as_object().into_iter().flatten().filter(|(field, _)| is_value(resource, field));
    fields.map(|(field, value)| (field.clone(), value.clone())).collect()
}

fn changed_fields(resource: &TableResource, old: &Value, new: &Value) -> String {
    let old = values_of(resource, old).into_iter();
    old.filter(|(field, value)| new[field] != *value)
        .map(|(field, _)| field.replace('_', " "))
        .collect::<Vec<_>>()
        .join(", ")
}
