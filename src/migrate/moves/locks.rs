//! Runs the changes of a move under one lock.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::change::{Change, Class, Inverse};
use super::compat_views::is_compat_view;
use super::reference::reference;
use super::store;
use super::survey::Survey;
use crate::error::Result;
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{Catalog, Dependent, Relation, quote};

/// What transactions under locks have done.
#[derive(Default)]
pub(super) struct Done {
    pub changes: Vec<String>,
    /// From the first request of a lock to the end of the commit.
    pub locked: Duration,
}

impl Done {
    /// Adds what a transaction has done that requested for its locks at this time and has ended.
    pub fn add(&mut self, changes: impl IntoIterator<Item = String>, requested: Instant) {
        self.changes.extend(changes);
        self.locked += requested.elapsed();
    }
}

/// Returns the statements that lock every table of these changes, with one bounded wait for all of them: others
/// wait behind them no longer, and a deadlock ends this transaction, not the other one.
pub(super) fn lock(changes: &[Change], catalog: &Catalog) -> Vec<String> {
    let mut oids: Vec<i64> =
        changes.iter().flat_map(|change| [change.table_oid].into_iter().chain(change.also_locks.clone())).collect();
    oids.sort_unstable();
    oids.dedup();
    let mode = if changes.iter().all(lets_others_work) { SHARED } else { EXCLUSIVE };
    lock_tables(oids.iter().filter_map(|oid| store::table_of(catalog, *oid)), mode)
}

/// Keeps everybody else away.
pub(super) const EXCLUSIVE: &str = "ACCESS EXCLUSIVE";

/// Keeps other changes of the table away. Readers and writers go on.
const SHARED: &str = "SHARE UPDATE EXCLUSIVE";

/// PostgreSQL locks only the index or the sequence itself while its name is changed.
fn lets_others_work(change: &Change) -> bool {
    matches!(change.inverse, Inverse::Place { class: Class::Index | Class::Sequence, .. })
}

/// Returns the statements that lock tables with one bounded wait for all of them.
///
/// The compatibility views on a table that others wait for are locked before it, in the same mode. A statement that uses a
/// view locks the view first: it would wait for the table, and a later change of the view would wait for that statement.
pub(super) fn lock_tables<'a>(tables: impl Iterator<Item = &'a Relation>, mode: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for table in tables.filter(|table| table.is_table()) {
        let is_locked =
            |view: &&Dependent| mode != SHARED && view.kind == "v" && is_compat_view(table, &view.schema, &view.name);
        let views = table.dependents.iter().filter(is_locked);
        names.extend(views.map(|view| format!("{}.{}", quote(&view.schema), quote(&view.name))));
        names.push(table.sql_name());
    }
    if names.is_empty() {
        return Vec::new();
    }
    // Two programs that need several tables may wait for each other, and only this one gives way. Most attempts are
    // therefore short: the next one finds the tables free.
    let wait = match names.len() {
        1 => "1",
        // A longer limit than usual waits for an autovacuum worker.
        _ => "CASE WHEN random() < 0.7 AND current_setting('lock_timeout')::interval <= '1 s' THEN 0.4 ELSE 1 END",
    };
    vec![
        format!(
            "SELECT set_config('statement_timeout',
                               ceil(extract(epoch FROM current_setting('lock_timeout')::interval) * 1000 * {wait})::text, true)"
        ),
        format!("LOCK TABLE {} IN {mode} MODE", names.join(", ")),
        "SET LOCAL statement_timeout = 0".to_owned(),
    ]
}

/// Takes every lock that an application needs, one at a time, and gives it back. A transaction that holds one of them for
/// long ends the application before anything is changed.
pub(in crate::migrate) async fn try_locks(attempts: &Attempts<'_>, survey: &Survey) -> Result<()> {
    let plan = &survey.plan;
    let changes = || plan.moving.iter().chain(&plan.names).chain(&plan.adoption);
    let is_needed = |table: &&Relation| {
        let is_locked = |change: &Change| {
            !change.is_concurrent() && (change.table_oid == table.oid || change.also_locks.contains(&table.oid))
        };
        changes().any(is_locked)
    };
    try_each(attempts, survey.catalog.tables.iter().filter(is_needed)).await
}

/// Takes an exclusive lock of each table, one at a time, and gives it back.
pub(super) async fn try_each(attempts: &Attempts<'_>, tables: impl Iterator<Item = &Relation>) -> Result<()> {
    for table in tables.filter(|table| table.is_table()) {
        let statements = lock_tables(std::iter::once(table), EXCLUSIVE);
        attempts.transaction(async |db| store::execute(db, &statements).await).await?;
    }
    Ok(())
}

/// Locks the existing tables to which versioned SQL adds triggers and foreign keys. Readers go on.
pub(in crate::migrate) async fn lock_for_versioned_sql(db: &mut PgConnection, catalog: &Catalog) -> Result<()> {
    let expected = &reference().catalog;
    let existing = catalog.tables.iter().filter(|table| expected.table(&table.schema, &table.name).is_some());
    store::execute(db, &lock_tables(existing, "SHARE ROW EXCLUSIVE")).await
}

/// Returns the changes in parts that lock the same tables in the same way: the fewer tables at a time, the sooner all of them are free.
pub(super) fn parts(changes: &[Change]) -> impl Iterator<Item = &[Change]> {
    let locks = |change: &Change| (change.table_oid, change.also_locks.clone(), lets_others_work(change));
    changes.chunk_by(move |one, next| locks(one) == locks(next))
}
