//! Runs the changes of a move under one lock.

use std::time::Duration;

use sqlx::PgConnection;

use super::change::Change;
use super::store;
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation};

/// What a transaction under locks has done.
#[derive(Default)]
pub(super) struct Done {
    pub oids: Vec<i64>,
    pub changes: Vec<String>,
    pub locked: Duration,
}

/// Returns the statements that lock every table of these changes, with one bounded wait for all of them: others
/// wait behind them no longer, and a deadlock ends this transaction, not the other one.
pub(super) fn lock(changes: &[Change], catalog: &Catalog) -> Vec<String> {
    let mut oids: Vec<i64> =
        changes.iter().flat_map(|change| [change.table_oid].into_iter().chain(change.also_locks.clone())).collect();
    oids.sort_unstable();
    oids.dedup();
    let tables: Vec<&Relation> =
        oids.iter().filter_map(|oid| store::table_of(catalog, *oid)).filter(|table| table.is_table()).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = tables.iter().map(|table| table.sql_name()).collect();
    vec![
        "SELECT set_config('statement_timeout', current_setting('lock_timeout'), true)".to_owned(),
        format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")),
        "SET LOCAL statement_timeout = 0".to_owned(),
    ]
}

/// Runs changes under a lock of all their tables.
pub(super) async fn run_locked(db: &mut PgConnection, changes: &[Change], catalog: &Catalog) -> Result<()> {
    let mut statements = lock(changes, catalog);
    statements.extend(changes.iter().flat_map(|change| change.statements.iter().cloned()));
    store::execute(db, &statements).await
}
