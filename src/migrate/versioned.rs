//! Versioned SQL: which steps are applied, and their application in one transaction.

use sqlx::PgConnection;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use super::created_tables::{CreatedTable, created_tables};
use super::catalog::Catalog;
use super::{compatibility, store};
use super::store::STEPS;
use crate::error::{Error, Result};

pub(super) fn migrator() -> Migrator {
    sqlx::migrate!()
}

/// Returns the versions of the steps of this program.
pub(super) fn known_versions() -> Vec<i64> {
    migrator().iter().map(|migration| migration.version).collect()
}

/// Returns the name of a step, such as `catalogue`.
pub(super) fn name(migration: &Migration) -> String {
    migration.description.replace(' ', "-")
}

/// Returns why a table that a step creates cannot be created.
pub(super) fn problem(table: &CreatedTable, catalog: &Catalog) -> Option<String> {
    let existing = catalog.table(&table.schema, &table.name)?;
    (!table.accepts_existing)
        .then(|| format!("{} exists already, but this program has not created it: rename it", existing.full_name()))
}

/// Returns the steps that are not applied.
///
/// # Errors
/// [`Error::Migration`] when an applied step differs from this program's.
async fn pending(db: &mut PgConnection) -> Result<Vec<Migration>> {
    if let Some(version) = db.dirty_version(STEPS).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied = db.list_applied_migrations(STEPS).await?;
    let migrator = migrator();
    let mut pending = Vec::new();
    for migration in migrator.iter() {
        match applied.iter().find(|step| step.version == migration.version) {
            Some(step) if step.checksum != migration.checksum && !is_rewritten(migration.version, &step.checksum) => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
            None => pending.push(migration.clone()),
        }
    }
    Ok(pending)
}

/// Checksums of steps that were rewritten later without a change of what they leave in a new database.
const FORMER_CHECKSUMS: &[(i64, &str)] = &[
    (1, "f641db277b5d7e3fd30d50349416bdeb58c447e7c481b739a9df883b3cfaac9d885d51a80cebb2310668fa17976de06a"),
    (3, "797261f4ec8919ce2453577dd3c732aa676d152fda8194e3b3f2603fcfe47be338c6d82801ac702ed32f0ea3d33aeb6b"),
];

fn is_rewritten(version: i64, checksum: &[u8]) -> bool {
    let checksum = hex::encode(checksum);
    FORMER_CHECKSUMS.iter().any(|former| *former == (version, checksum.as_str()))
}

/// Applies the pending steps in the caller's transaction, in order; with `last`, none after the step of that name.
///
/// # Errors
/// [`Error::NeedsAttention`] when a table stands in the way. Nothing is changed then.
pub(super) async fn apply_pending(db: &mut PgConnection, catalog: &Catalog, last: Option<&str>) -> Result<()> {
    db.create_schema_if_not_exists("lectern").await?;
    db.ensure_migrations_table(STEPS).await?;
    let mut pending = pending(db).await?;
    if let Some(last) = last
        && let Some(at) = pending.iter().position(|migration| name(migration) == last)
    {
        pending.truncate(at + 1);
    }
    let created = pending.iter().flat_map(|migration| created_tables(migration.sql.as_str()));
    let problems: Vec<String> = created.filter_map(|table| problem(&table, catalog)).collect();
    if !problems.is_empty() {
        return Err(Error::NeedsAttention(format!("nothing was changed: {}", problems.join("; "))));
    }
    for migration in &pending {
        db.apply(STEPS, migration).await?;
        store::check_constraints(db).await?;
    }
    let migrator = migrator();
    let headers = migrator.iter().filter_map(|step| Some((step.version, compatibility::header(step.sql.as_str())?)));
    store::store_headers(db, &headers.collect::<Vec<_>>()).await
}
