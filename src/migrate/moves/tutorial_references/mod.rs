//! The move `tutorial-references`: reference data of `adm` is copied to `acted.tutorial_*`, texts become references, and the
//! columns that contained them go. Nothing is guessed: what does not have one meaning stays null, is reported, and stays in
//! `lectern.archive`.
//!
//! All of it is one transaction. Readers go on while rows are changed; only for the removal of the columns do they wait.

mod copy;
mod foreseen;
mod journal;
mod matching;
mod plan;
mod reasons;
mod removed;
mod report;
mod store;
mod texts;
mod triggers;
mod undo;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

pub use self::foreseen::foreseen;
use self::journal::{FormerTable, ReferenceJournal};
pub use self::plan::{ChangedTable, ReferencesPlan};
pub use self::reasons::NAME;
use self::removed::{FORMER_PRODUCT, RemovedColumn, event_instructors};
use self::report::RowReport;
use self::store::EnabledTrigger;
use self::triggers::{KEEP_PRODUCT, started_again, stop_triggers, switched};
pub use self::undo::undo;
use super::hashing::{Hashed, hash};
use super::receipt::{MoveReceipt, TableReceipt};
use super::store as records;
use super::survey::refuse;
use super::{compat_views, locks};
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Relation, quote};

/// Programs that can use the database after the move.
pub const NEEDED_DJANGO: &str =
    "after this move only a Django program of 2026-02-13 or newer works: older ones use the columns that go";

/// Applies the move. Returns what was done, and what was not carried over.
pub async fn tutorial_references(attempts: &Attempts<'_>) -> Result<MoveReceipt> {
    let started = Instant::now();
    let read = async |db: &mut PgConnection| {
        let catalog = catalog::read(db).await?;
        Ok((ReferencesPlan::read(db, &catalog).await?, catalog))
    };
    let (plan, catalog) = attempts.transaction(read).await?;
    if plan.is_empty() {
        return Ok(MoveReceipt { name: NAME.to_owned(), ..MoveReceipt::default() });
    }
    refuse(&plan.conflicts)?;
    locks::try_each(attempts, removed::changed_tables(&catalog, &removed::columns(&catalog)).into_iter()).await?;
    let done = attempts.transaction(apply_in).await?;
    attempts.has_changed.store(true, Ordering::Relaxed);
    Ok(MoveReceipt {
        name: NAME.to_owned(),
        tables: TableReceipt::pairs(NAME, &done.before, &done.after),
        changes: done.report.changes,
        problems: done.report.problems,
        notes: done.report.notes,
        locked: done.locked,
        took: started.elapsed(),
        ..MoveReceipt::default()
    })
}

/// What the transaction did.
struct ChangedRows {
    before: Vec<Hashed>,
    after: Vec<Hashed>,
    report: RowReport,
    locked: Duration,
}

async fn apply_in(db: &mut PgConnection) -> Result<ChangedRows> {
    let catalog = catalog::read(db).await?;
    let plan = ReferencesPlan::read(db, &catalog).await?;
    refuse(&plan.conflicts)?;
    let columns = removed::columns(&catalog);
    let tables = removed::changed_tables(&catalog, &columns);
    let started = Instant::now();
    // Writers wait, readers go on.
    records::execute(db, &locks::lock_tables(tables.iter().copied(), "SHARE ROW EXCLUSIVE")).await?;
    records::content_settings(db).await?;
    let before = hash(db, &catalog, |table| unchanged_columns(&columns, table)).await?;
    let triggers = stop_triggers(db, &catalog, &tables).await?;
    let mut report = RowReport::default();
    let mut journal = journal(db, &catalog, &columns).await?;
    change_rows(db, &catalog, &columns, &mut report).await?;
    journal.archived = archive(db, &columns).await?;
    let after = hash(db, &catalog, |table| unchanged_columns(&columns, table)).await?;
    refuse_changed(&before, &after)?;
    records::record(db, NAME, &[journal.inverse()?]).await?;
    records::execute(db, &locks::lock_tables(tables.iter().copied(), locks::EXCLUSIVE)).await?;
    remove(db, &catalog, &columns, &triggers, &mut report).await?;
    Ok(ChangedRows { before, after, report, locked: started.elapsed() })
}

async fn change_rows(
    db: &mut PgConnection,
    catalog: &Catalog,
    columns: &[RemovedColumn<'_>],
    report: &mut RowReport,
) -> Result<()> {
    let has = |table: &str, column: &str| {
        columns.iter().any(|removed| removed.table.name == table && removed.column.name == column)
    };
    copy::reference_data(db, &has, report).await?;
    texts::resolve(db, &has, report).await?;
    texts::instructors(db, &has, event_instructors(catalog).is_some(), report).await
}

/// References that the move sets, with the table that refers.
const REFERENCES: &[(&str, &str)] = &[
    ("acted.tutorial_events", "venue_id"),
    ("acted.tutorial_events", "location_id"),
    ("acted.tutorial_sessions", "venue_id"),
    ("acted.tutorial_sessions", "location_id"),
    ("adm.course_templates", "tutorial_course_template_id"),
    ("adm.locations", "tutorial_location_id"),
    ("adm.venues", "tutorial_venue_id"),
    ("adm.instructors", "tutorial_instructor_id"),
];

/// Returns the columns that the move leaves as they are, of tables that lose others.
fn unchanged_columns(removed: &[RemovedColumn<'_>], table: &Relation) -> Option<Vec<String>> {
    let gone: Vec<&str> =
        removed.iter().filter(|gone| gone.table.oid == table.oid).map(|gone| gone.column.name.as_str()).collect();
    let source = format!("{}.{}", table.schema, table.name);
    let is_set = |name: &str| REFERENCES.contains(&(source.as_str(), name));
    let names = table.columns.iter().map(|column| column.name.clone());
    (!gone.is_empty()).then(|| names.filter(|name| !gone.contains(&name.as_str()) && !is_set(name)).collect())
}

/// Ends the transaction if a trigger or rule has changed more than the move did.
fn refuse_changed(before: &[Hashed], after: &[Hashed]) -> Result<()> {
    let is_changed = |(before, after): &(&Hashed, &Hashed)| before.content != after.content;
    let changed = before.iter().zip(after).filter(is_changed).map(|(before, _)| before.place.clone());
    let changed: Vec<String> = changed.collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::Failed(format!(
        "nothing was changed: columns of {} that the move leaves alone would have changed: look for rules on these tables",
        changed.join(", ")
    )))
}

async fn journal(db: &mut PgConnection, catalog: &Catalog, columns: &[RemovedColumn<'_>]) -> Result<ReferenceJournal> {
    let mut journal = ReferenceJournal {
        event_instructors: event_instructors(catalog).map(|table| table.oid),
        had_former_product: columns.iter().any(|gone| gone.column.name == FORMER_PRODUCT),
        ..ReferenceJournal::default()
    };
    for of_table in columns.chunk_by(|one, next| one.table.oid == next.table.oid) {
        let names: Vec<String> = of_table.iter().map(|gone| gone.column.name.clone()).collect();
        let table = of_table[0].table;
        let details = store::column_details(db, table.oid, &names).await?;
        let last_id = store::last_id(db, &of_table[0].source()).await?;
        journal.tables.push(FormerTable::new(catalog, table, of_table, &details, last_id));
    }
    Ok(journal)
}

/// Archives the columns that go, and the references beside them.
async fn archive(db: &mut PgConnection, columns: &[RemovedColumn<'_>]) -> Result<Vec<journal::Archived>> {
    let mut archived = Vec::new();
    store::analyze(db).await?;
    for gone in columns {
        // Another column has its values.
        if gone.column.name != FORMER_PRODUCT {
            archived.push(store::archive_column(db, &gone.source(), &gone.column.name).await?);
        }
    }
    store::analyze(db).await?;
    for (source, reference) in REFERENCES {
        if columns.iter().any(|gone| gone.source() == *source && gone.table.column(reference).is_some()) {
            store::archive_references(db, source, reference).await?;
        }
    }
    Ok(archived)
}

/// Removes the columns, brings the table of event instructors to schema `lectern`, and starts the triggers again.
async fn remove(
    db: &mut PgConnection,
    catalog: &Catalog,
    columns: &[RemovedColumn<'_>],
    triggers: &[EnabledTrigger],
    report: &mut RowReport,
) -> Result<()> {
    let mut statements = vec!["SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
    let had_former_product = columns.iter().any(|gone| gone.column.name == FORMER_PRODUCT);
    if had_former_product {
        statements.push(format!("DROP TRIGGER IF EXISTS {KEEP_PRODUCT} ON acted.tutorial_events"));
        match store::rows_without_product(db).await?.as_slice() {
            [] => statements.push("ALTER TABLE acted.tutorial_events ALTER COLUMN product_id SET NOT NULL".to_owned()),
            ids => report.problems.push(format!("acted.tutorial_events: rows {} have no product", report::listed(ids))),
        }
    }
    let views = views_without(catalog, columns);
    statements.extend(views.drop);
    for gone in columns {
        statements.push(format!("ALTER TABLE {} DROP COLUMN {}", gone.table.sql_name(), quote(&gone.column.name)));
        report.changes.push(format!("remove column {} of {}", gone.column.name, gone.source()));
    }
    statements.extend(views.create);
    if let Some(table) = event_instructors(catalog) {
        statements.push(format!("ALTER TABLE {} SET SCHEMA lectern", table.sql_name()));
        report.changes.push(format!("move {} to schema lectern", table.full_name()));
    }
    let again: Vec<EnabledTrigger> =
        triggers.iter().filter(|trigger| !had_former_product || trigger.name != KEEP_PRODUCT).cloned().collect();
    statements.extend(switched(&again, &moved_event_instructors(catalog), started_again));
    records::execute(db, &statements).await
}

/// Returns how the views under former names lose the columns that go.
fn views_without(catalog: &Catalog, columns: &[RemovedColumn<'_>]) -> compat_views::Around {
    let mut around = compat_views::Around::default();
    for of_table in columns.chunk_by(|one, next| one.table.oid == next.table.oid) {
        let mut views = compat_views::columns_of_views(catalog, of_table[0].table);
        for (_, names) in &mut views {
            names.retain(|name| !of_table.iter().any(|gone| gone.column.name == *name));
        }
        let of_table = compat_views::with_columns(of_table[0].table, &views);
        around.drop.extend(of_table.drop);
        around.create.extend(of_table.create);
    }
    around
}

/// Returns the catalogue with the table of event instructors in its new place.
fn moved_event_instructors(catalog: &Catalog) -> Catalog {
    let mut moved = catalog.clone();
    let oid = event_instructors(catalog).map(|table| table.oid);
    for table in moved.tables.iter_mut().filter(|table| Some(table.oid) == oid) {
        "lectern".clone_into(&mut table.schema);
    }
    moved
}

/// Returns what still stands as text in the archive, for the plan.
pub async fn unsettled(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(store::unsettled(db).await?.iter().map(report::unsettled).collect())
}

/// Returns a check for each removed column: the archive still has its values.
pub async fn verify(db: &mut PgConnection) -> Result<Vec<(String, i64, i64)>> {
    let Some(inverses) = records::journal(db, NAME).await? else { return Ok(Vec::new()) };
    let mut checks = Vec::new();
    for archived in ReferenceJournal::of(&inverses)?.archived {
        let found = store::archived_values(db, &archived.source, &archived.field).await?;
        checks.push((format!("archive: {}.{}", archived.source, archived.field), archived.rows, found));
    }
    Ok(checks)
}
