//! Moves: steps that change a database which existed before Lectern, without loss and reversibly.
//!
//! A move is planned on the system catalogue as plain data, applied under short locks, verified, and taken back by the
//! inverse of each change, which is stored when the change is made. Objects are found by dependency and by OID, never by
//! name, because living databases have names of several origins.

mod adm_schema;
mod adopt;
mod change;
mod compat_views;
mod difference;
mod django;
mod hashing;
pub(super) mod lesson_sessions;
mod locks;
mod plan;
mod quiet_update;
mod receipt;
mod recognition;
mod reference;
mod rename;
mod state;
mod store;
mod survey;
mod tutorial_references;
mod undo;
mod verify;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::PgConnection;

pub(super) use self::adm_schema::adm_schema;
pub(super) use self::adopt::{adopt, broken_rules, broken_rules_of, record_adoption};
pub(super) use self::change::Change;
pub(super) use self::compat_views::NAME as COMPAT_VIEWS;
pub(super) use self::locks::{lock_for_versioned_sql, try_locks};
pub(super) use self::plan::PlacedTable;
pub(super) use self::receipt::MoveReceipt;
use self::receipt::Origin;
pub(super) use self::recognition::{TABLES as PLACED_TABLES, former_names};
use self::reference::reference;
pub(super) use self::state::description;
pub(super) use self::store::{comments, keep_comments, last_receipt};
pub(super) use self::survey::{ADM_SCHEMA, ADOPT, Survey, survey};
pub(super) use self::tutorial_references::{
    ChangedTable, NAME as TUTORIAL_REFERENCES, NEEDED_DJANGO, ReferencesPlan, foreseen, tutorial_references,
    undo as undo_references, unsettled,
};
pub use self::undo::Undone;
pub(super) use self::undo::undo;
pub use self::verify::Check;
pub(super) use self::verify::{verify, verify_receipt};
use super::attempts::Attempts;
use super::catalog::Catalog;
use crate::error::Result;

/// Returns the number of moves that were undone and not applied again.
pub(super) async fn undone(db: &mut PgConnection) -> Result<usize> {
    let undone = store::records(db).await?.undone;
    let is_lesson_move = |name: &String| name == lesson_sessions::NAME;
    // Never applied, or not to its end.
    let unfinished = !undone.iter().any(is_lesson_move) && lesson_sessions::is_unfinished(db).await?;
    Ok(undone.iter().filter(|name| *name != COMPAT_VIEWS).count() + usize::from(unfinished))
}

/// Remembers what the database contains if it has tables of the lessons: they existed before Lectern.
pub(super) async fn remember_lesson_tables(db: &mut PgConnection) -> Result<()> {
    let is_older = !store::records(db).await?.has_schema_steps;
    if is_older && lesson_sessions::has_lesson_tables(&super::catalog::read(db).await?) {
        store::prepare_records(db, &receipt::new_key()?).await?;
    }
    Ok(())
}

/// Returns the moves that are in force.
pub(super) async fn applied(db: &mut PgConnection) -> Result<Vec<String>> {
    let mut applied = store::records(db).await?.applied;
    // Undone with adm-schema.
    applied.retain(|name| name != COMPAT_VIEWS);
    Ok(applied)
}

/// Reports whether a fresh database has a table of this name.
pub(super) fn is_reference_table(schema: &str, name: &str) -> bool {
    reference().catalog.table(schema, name).is_some()
}

/// Reports whether the table of a fresh database has an index of this name.
pub(super) fn is_index_of_reference(table: &super::catalog::Relation, index: &str) -> bool {
    let expected = reference().catalog.table(&table.schema, &table.name);
    expected.is_some_and(|expected| expected.indexes.iter().any(|expected| expected.name == index))
}

/// Returns the statements of changes, as `migrate plan --sql` prints them.
pub(super) fn sql<'a>(changes: impl IntoIterator<Item = &'a Change>) -> String {
    let statements = changes.into_iter().flat_map(|change| &change.statements);
    statements.map(|sql| format!("{sql};\n")).collect()
}

/// Returns everything that Lectern adds and that is not there.
pub(super) fn added(catalog: &Catalog) -> Vec<String> {
    let mut added: Vec<String> = Vec::new();
    for schema in ["lectern", "acted", "adm"] {
        if !catalog.has_schema(schema) {
            added.push(format!("schema {schema}"));
        }
    }
    let missing = |table: &&super::catalog::Relation| catalog.table(&table.schema, &table.name).is_none();
    added.extend(reference().catalog.tables.iter().filter(missing).map(|table| format!("table {}", table.full_name())));
    if !catalog.has_schema("lectern") {
        added.extend(store::RECORD_TABLES.iter().map(|table| format!("table lectern.{table}")));
        // A table of the lessons that exists is used as it is.
        let is_used = |object: &&String| {
            let mut names = lesson_sessions::lesson_table_names();
            names.any(|name| catalog.table("public", name).is_some() && object.ends_with(&format!(" on public.{name}")))
        };
        added.extend(reference().added.iter().filter(|object| !is_used(object)).cloned());
    }
    let is_missing = |name: &&str| catalog.table("public", name).is_none();
    added.extend(lesson_sessions::lesson_table_names().filter(is_missing).map(|name| format!("table public.{name}")));
    added
}

/// Tables above this size are not counted: the plan shows the estimate of PostgreSQL's statistics.
const MAX_COUNTED_BYTES: i64 = 1 << 30;

/// Returns the number of rows of each table that the plan shows, by OID.
pub(super) async fn row_counts(db: &mut PgConnection, survey: &Survey) -> Result<HashMap<i64, i64>> {
    let references = ReferencesPlan::new(&survey.plan.moved);
    let shown = |oid: i64| {
        survey.plan.placements.iter().any(|placed| placed.oid == Some(oid))
            || survey.plan.adoption.iter().any(|change| change.table_oid == oid)
            || references.changed().any(|table| table.oid == oid)
    };
    let mut rows = HashMap::new();
    for table in survey.catalog.tables.iter().filter(|table| table.is_table() && table.is_readable && shown(table.oid))
    {
        let count = match table.bytes > MAX_COUNTED_BYTES {
            true => table.estimated_rows.max(0),
            false => store::count(db, table).await?,
        };
        rows.insert(table.oid, count);
    }
    Ok(rows)
}

/// Rows that are hashed to measure the speed.
const SAMPLE_ROWS: i64 = 20_000;

/// Seconds for a statement on a connection of its own.
const STATEMENT_SECONDS: f64 = 0.01;

/// Seconds in which `tutorial-references` hashes, archives and changes a byte of its tables.
const REFERENCES_SECONDS_PER_BYTE: f64 = 2.5e-7;

/// Estimates how long the moves take: almost all of it is the reading of rows for their hashes.
pub(super) async fn estimate(db: &mut PgConnection, survey: &Survey) -> Result<Duration> {
    let changes = || survey.plan.moving.iter().chain(&survey.plan.adoption);
    let tables = survey.catalog.tables.iter().filter(|table| changes().any(|change| change.table_oid == table.oid));
    let tables: Vec<_> = tables.filter(|table| table.is_table()).collect();
    let bytes: i64 = tables.iter().map(|table| table.bytes).sum();
    let references: i64 = ReferencesPlan::new(&survey.plan.moved).changed().map(|table| table.bytes).sum();
    let of_references = match references {
        bytes if bytes > 0 && survey.is_adopted() => 0.5 + bytes as f64 * REFERENCES_SECONDS_PER_BYTE,
        _ => 0.0,
    };
    let Some(largest) = tables.iter().max_by_key(|table| table.bytes).filter(|_| survey.is_adopted()) else {
        return Ok(Duration::from_secs_f64(of_references));
    };
    let started = Instant::now();
    let (rows, sample) = store::sample(db, largest, SAMPLE_ROWS).await?;
    let seconds = started.elapsed().as_secs_f64();
    // Twice, before and after.
    let per_byte = if sample > 0 { seconds / sample as f64 } else { 0.0 };
    let hashing = if rows < SAMPLE_ROWS { seconds * 2.0 } else { per_byte * bytes as f64 * 2.0 };
    let started = Instant::now();
    super::catalog::read(db).await?;
    let reading = started.elapsed().as_secs_f64();
    let count = |is_counted: fn(&Change) -> bool| changes().filter(|change| is_counted(change)).count() as f64;
    let (concurrent, keys) = (count(Change::is_concurrent), count(Change::is_foreign_key));
    // Each table is locked on trial, changed and renamed on a connection of its own.
    let statements = 4.0 * concurrent + keys + 3.0 * tables.len() as f64 + 5.0;
    let changing = reading * (8.0 + concurrent) + STATEMENT_SECONDS * statements;
    let moving = hashing + changing + changes().count() as f64 * 0.001;
    Ok(Duration::from_secs_f64(moving + of_references))
}

/// Stores the signed receipt of these moves, and returns it.
pub(super) async fn store_receipt(
    attempts: &Attempts<'_>,
    moves: Vec<MoveReceipt>,
    estimate: Duration,
    django: &[String],
) -> Result<Value> {
    let write = async |db: &mut PgConnection| {
        let (database, server, user, at) = store::origin(db).await?;
        let origin = Origin { database, server, user, at };
        let key = store::receipt_key(db).await?.unwrap_or_default();
        let receipt = receipt::signed(&origin, &moves, estimate, django, &key);
        store::store_receipt(db, &receipt).await?;
        Ok(receipt)
    };
    attempts.transaction(write).await
}

/// Returns the shape of a database, as the reference document has it.
pub(super) async fn shape(db: &mut PgConnection) -> Result<Value> {
    let functions = store::functions(db).await?;
    Ok(reference::document(super::catalog::read(db).await?, &functions))
}
