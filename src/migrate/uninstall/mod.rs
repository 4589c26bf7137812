//! Takes away what Lectern added to an adopted database.
//!
//! Moves are undone first. What exists only in schema `lectern`, or in tables that Lectern created, is either exported or
//! keeps the schema in place.

pub mod cli;
mod store;

use std::path::Path;

use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::attempts::Attempts;
use super::catalog::{self, Catalog, Relation};
use super::moves;
use crate::error::{Error, Result};
use crate::output_file::{self, Existing};

/// Tables of schema `lectern` that say nothing of the provider's.
const OWN_WORK: &[&str] = &[
    "schema_steps",
    "moves",
    "receipts",
    "found_before",
    "catalogue_version",
    // A database that is not migrated to 0101 still has it.
    "catalogue_changes",
    "search_changes",
    "request_allowance",
    "schedule",
    "adoption",
    "demo",
    "schema_compatibility",
    "lesson_copy",
    "lesson_copy_batches",
    "lesson_changes",
];

/// A table that is taken away, with the number of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub table: String,
    pub rows: i64,
}

/// What is taken away.
#[derive(Debug)]
pub struct Removal {
    /// Tables that Lectern created, in schema `lectern` and elsewhere.
    pub tables: Vec<Removed>,
    /// Those whose rows exist only there.
    pub only_here: Vec<Removed>,
}

/// Takes everything away, in one transaction. With `export`, the rows are written to that file first.
///
/// # Errors
/// [`Error::Prerequisite`] when moves are not undone or the database was not adopted, [`Error::NeedsAttention`] when rows exist
/// only there and are not exported. Nothing is changed then.
pub(super) async fn uninstall(attempts: &Attempts<'_>, export: Option<(&Path, Existing)>) -> Result<Option<Removal>> {
    attempts.transaction(async |db| uninstall_in(db, export).await).await
}

async fn uninstall_in(db: &mut PgConnection, export: Option<(&Path, Existing)>) -> Result<Option<Removal>> {
    let catalog = catalog::read(db).await?;
    if !catalog.has_schema("lectern") {
        return Ok(None);
    }
    let Some(before) = store::found_before(db).await? else {
        return Err(Error::Prerequisite(
            "Lectern created the tables of this database itself, so that there is nothing to give back: to remove \
             everything, drop the database"
                .to_owned(),
        ));
    };
    refuse_applied_moves(db).await?;
    let created = created_tables(&catalog, &before);
    let removal = count(db, &created).await?;
    if !removal.only_here.is_empty() {
        match export {
            Some((path, existing)) => write_export(db, &created, path, existing).await?,
            None => return Err(Error::NeedsAttention(only_here_message(&removal))),
        }
    }
    store::remove(db, &catalog, &created, &before).await?;
    Ok(Some(removal))
}

async fn refuse_applied_moves(db: &mut PgConnection) -> Result<()> {
    let mut applied = moves::applied(db).await?;
    // The last one is undone first.
    applied.reverse();
    if applied.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> = applied.iter().map(|name| format!("`lectern migrate undo {name}`")).collect();
    Err(Error::Prerequisite(format!("moves are in force: run {} first", commands.join(" and "))))
}

/// Returns the tables that Lectern created: all of schema `lectern`, and those of a fresh database that did not exist before.
fn created_tables<'a>(catalog: &'a Catalog, before: &store::FoundBefore) -> Vec<&'a Relation> {
    let is_created = |table: &&Relation| {
        let is_candidate = table.schema == "lectern"
            || moves::is_reference_table(&table.schema, &table.name)
            || moves::lesson_sessions::is_lesson_table(&table.schema, &table.name);
        table.is_table() && is_candidate && !before.relations.contains(&table.oid)
    };
    catalog.tables.iter().filter(is_created).collect()
}

async fn count(db: &mut PgConnection, created: &[&Relation]) -> Result<Removal> {
    let mut removal = Removal { tables: Vec::new(), only_here: Vec::new() };
    for table in created {
        let removed = Removed { table: table.full_name(), rows: store::count(db, table).await? };
        let is_own_work = table.schema == "lectern" && OWN_WORK.contains(&table.name.as_str());
        if removed.rows > 0 && !is_own_work {
            removal.only_here.push(removed.clone());
        }
        removal.tables.push(removed);
    }
    Ok(removal)
}

fn only_here_message(removal: &Removal) -> String {
    let tables: Vec<String> =
        removal.only_here.iter().map(|removed| format!("{} ({})", removed.table, removed.rows)).collect();
    format!(
        "nothing was changed: these tables hold rows that exist only there: {}: write them to a file with `lectern \
         uninstall --export FILE`",
        tables.join(", ")
    )
}

async fn write_export(db: &mut PgConnection, created: &[&Relation], path: &Path, existing: Existing) -> Result<()> {
    let mut tables = Map::new();
    for table in created {
        let rows = store::rows(db, table).await?;
        if !rows.is_empty() {
            tables.insert(table.full_name(), Value::Array(rows));
        }
    }
    let document = json!({ "program": concat!("lectern ", env!("CARGO_PKG_VERSION")), "tables": tables });
    let text =
        serde_json::to_vec_pretty(&document).map_err(|error| Error::Failed(format!("the export failed: {error}")))?;
    output_file::write(path, &text, existing)
}
