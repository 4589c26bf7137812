//! An import and its undo, for the command line and the pages.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::apply;
use super::plan::CataloguePlan;
use super::read::WorkbookRows;
use super::undo::{self, CatalogueUndo};
use crate::error::{Error, Exit, Result};
use crate::history::{Interface, sign_run};
use crate::runs::{self, RunKind};

/// Key of the lock that one import or undo at a time holds.
const LOCK: i64 = 0x4C_43_41_54;

/// What to import.
#[derive(Debug, Clone, Copy)]
pub struct CatalogueImport<'a> {
    /// The name of the file without its folder.
    pub file: &'a str,
    /// What each letter of a sitting means.
    pub sittings: &'a BTreeMap<String, String>,
    /// Whether the caller takes everything back. A trial has no run.
    pub is_trial: bool,
}

/// Returns the exit code of an import.
pub fn exit_of(plan: &CataloguePlan) -> Exit {
    if plan.has_errors() { Exit::NeedsAttention } else { Exit::Done }
}

/// Imports in the transaction of the caller. Returns what it did, and the run by which it can be undone.
///
/// # Errors
/// [`Error::Failed`] when another import is running, else when the database cannot be read or written.
pub async fn import_in(
    db: &mut PgConnection,
    pool: &PgPool,
    request: &CatalogueImport<'_>,
    given: &WorkbookRows,
) -> Result<(CataloguePlan, Option<i64>)> {
    let CatalogueImport { file, sittings, is_trial } = *request;
    let run = match is_trial {
        true => None,
        false => {
            lock(db).await?;
            Some(runs::begin(db, RunKind::CatalogueImport, file).await?)
        }
    };
    sign_run(db, run, Interface::Import).await?;
    let plan = apply::apply(db, pool, sittings, given).await?;
    if let Some(run) = run {
        runs::save_journal(db, run, &plan.journal).await?;
        runs::finish(db, run, exit_of(&plan), &plan.document(file, Some(run), false, None)).await?;
    }
    Ok((plan, run))
}

/// Undoes an import and ends the transaction of the caller: completely or not at all. Returns what was undone, and the run
/// that did it.
///
/// # Errors
/// [`Error::Usage`] when there is no such import, [`Error::Failed`] when another one is running.
pub async fn undo_in(
    mut transaction: Transaction<'static, Postgres>,
    pool: &PgPool,
    import: i64,
    is_dry_run: bool,
) -> Result<(CatalogueUndo, Option<i64>)> {
    lock(&mut transaction).await?;
    sign_run(&mut transaction, Some(import), Interface::Import).await?;
    let undone = undo::undo(&mut transaction, pool, import).await?;
    if !undone.refused.is_empty() || is_dry_run || undone.earlier.is_some() {
        transaction.rollback().await?;
        return Ok((undone, None));
    }
    let run = runs::begin(&mut transaction, RunKind::CatalogueUndo, &import.to_string()).await?;
    runs::finish(&mut transaction, run, Exit::Done, &undone.document(import, Some(run), false)).await?;
    transaction.commit().await?;
    Ok((undone, Some(run)))
}

async fn lock(db: &mut PgConnection) -> Result<()> {
    match runs::try_lock_in_transaction(db, LOCK).await? {
        true => Ok(()),
        false => Err(Error::Failed("another import or undo of a catalogue is running: wait until it ends".into())),
    }
}
