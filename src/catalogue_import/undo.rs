//! Undoes the import of a catalogue workbook: completely or not at all.

use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use super::plan::{CatalogueJournal, JournalEntry};
use super::sheets::resource_of;
use crate::bridges::store::CASCADE_GUARDS;
use crate::error::{Error, Result};
use crate::resources::rows;
use crate::runs::{self, RunKind};
use crate::tutorials::reference::{InUseReasons, delete_unused, in_use};

/// What an undo did, or why it is refused.
#[derive(Debug, Default)]
pub struct CatalogueUndo {
    pub removed: usize,
    pub restored: usize,
    pub refused: Vec<String>,
}

impl CatalogueUndo {
    /// Returns the JSON document.
    pub fn document(&self, undone: i64, run: Option<i64>, dry_run: bool) -> Value {
        json!({ "run_id": run, "undone_run": undone, "dry_run": dry_run,
                "counts": { "removed": self.removed, "restored": self.restored, "refused": self.refused.len() },
                "refused": self.refused })
    }
}

/// Reads what an import wrote.
///
/// # Errors
/// [`Error::Usage`] when there is no such import, or it is undone already.
pub async fn journal(db: &mut PgConnection, run: i64) -> Result<CatalogueJournal> {
    let found = runs::find(db, RunKind::CatalogueImport, run).await?;
    let stored = found.ok_or_else(|| Error::Usage(format!("there is no catalogue import {run}")))?;
    let undos = runs::latest(db, RunKind::CatalogueUndo, i64::from(i32::MAX)).await?;
    if let Some(undo) = undos.iter().find(|undo| undo.subject == run.to_string()) {
        return Err(Error::Usage(format!("catalogue import {run} is undone already, by run {}", undo.id)));
    }
    let journal = stored.journal.map(serde_json::from_value).transpose();
    let damaged = |error| Error::Failed(format!("the journal of run {run} cannot be read: {error}"));
    journal.map_err(damaged)?.ok_or_else(|| Error::Usage(format!("catalogue import {run} wrote nothing")))
}

/// Restores what an import changed, in the transaction of the caller.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn undo(db: &mut PgConnection, pool: &PgPool, journal: &CatalogueJournal) -> Result<CatalogueUndo> {
    let mut undo = CatalogueUndo::default();
    for entry in journal.rows.iter().rev() {
        undo_row(db, pool, entry, &mut undo).await?;
    }
    let reasons = in_use(db, &journal.people, InUseReasons::default()).await?;
    undo.refused.extend(journal.people.iter().filter_map(|row| {
        let reason = reasons.get(&(row.table, row.id))?;
        Some(format!("{}: {reason}", row.name))
    }));
    delete_unused(db, &journal.people, &reasons).await?;
    undo.removed += journal.people.iter().filter(|row| row.table.is_of_records()).count();
    Ok(undo)
}

async fn undo_row(db: &mut PgConnection, pool: &PgPool, entry: &JournalEntry, undo: &mut CatalogueUndo) -> Result<()> {
    let JournalEntry { table, id, before, after } = entry;
    let Some(resource) = resource_of(table) else { return Ok(()) };
    let name = ["code", "session_code", "product_code", "fullname", "bundle_name", "name"].iter();
    let name = name.clone().find_map(|field| after[*field].as_str()).map_or_else(|| id.to_string(), str::to_owned);
    let name = format!("{} {name}", resource.noun);
    let Some(current) = rows::one(db, resource, *id).await? else {
        if before.is_some() {
            undo.refused.push(format!("{name}: it was deleted since"));
        }
        return Ok(());
    };
    if essential(&current) != essential(after) {
        undo.refused.push(format!("{name}: it was changed since"));
        return Ok(());
    }
    let refused = match before {
        None => {
            undo.removed += 1;
            rows::remove(db, pool, resource, *id, CASCADE_GUARDS).await?.err()
        }
        Some(before) => {
            undo.restored += 1;
            rows::write(db, pool, resource, Some(*id), before).await?.err()
        }
    };
    undo.refused.extend(refused.map(|problem| match problem.status().as_u16() {
        409 => format!("{name}: other records refer to it by now"),
        _ => format!("{name}: {}", problem.detail()),
    }));
    Ok(())
}

/// Returns the values of a document without times and without what other rows tell.
fn essential(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        for time in ["created_at", "updated_at", "create_date", "modified_date", "product_ids"] {
            fields.remove(time);
        }
    }
    document
}
