//! Versioned SQL: which steps are applied, and their application in one transaction.

use sqlx::PgConnection;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use super::catalog::Catalog;
use super::created_tables::{TableToCreate, created_tables};
use super::store::STEPS;
use super::{compatibility, store};
use crate::error::{Error, Result};

pub(super) fn migrator() -> Migrator {
    sqlx::migrate!()
}

/// Returns the SQL of every step, oldest first.
pub(super) fn texts() -> Vec<String> {
    migrator().iter().map(|migration| migration.sql.as_str().to_owned()).collect()
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
pub(super) fn problem(table: &TableToCreate, catalog: &Catalog) -> Option<String> {
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
    (2, "48d4c9fb78fd131eee8dbca7f1c5f5b6049da9b5f8da5587101e7fed86bfe4b6118eddcd9e9b5f130784da592fd7112c"),
    (3, "797261f4ec8919ce2453577dd3c732aa676d152fda8194e3b3f2603fcfe47be338c6d82801ac702ed32f0ea3d33aeb6b"),
    (4, "ac6edcf7461b7fe70d59d971a216c374a466af52c5d23cbe4a10eb04fce44b2525eb4793f6e2064301a97ce39055e55d"),
    (5, "e2e0709372a908fd55b2a67972bd775ac5a91d44b55ce7b0f9d4f21e24d026047b6545c954d094b7d9f1a3735a1eaf90"),
    (6, "7cadbd4981bfd565d3661950b2e1fb5300b01d0e977ae5525a4d6885dfcdc313748d4175ece6f30c31dfbdc1776bd29a"),
    (7, "030b3c9bdb94c4a63610cf1850fe565d1835c9107d744026da1085a1252c02cc63e2cffbb95e3a51525926ec3f51eed4"),
    (8, "2c913b09a6ffe7bdd13d1a336eb080f39985fe87f7edd00c37b771eeaa7aad7795246a33e8a9a8b8fe98531d346fa828"),
    (10, "5e3610639a8285ce7181903f5c97a443f76f309272ad1e061530fcb21549e05e56ca2b6eee272a2b24f4271085a3aeb4"),
    (11, "3d11b21782bb7f7f76b1fe136022d8ad3dd4d9139809aa738577c2f6d92cdf322f70f9270588abf6372c82a640f1ae15"),
    (12, "303fbaf05ff2ac2e047d6f4edd45c857fcc4ac7b2711781af61d632ddbcb1bbac1fdfb447c513872f1c0a89287314ed5"),
    (13, "5be7cd350335e77833d96f1fa935301ffb4cc7d4562a283b2817d714e80ac5c67bfef674e8ccdcc6efb1e3d8b48d8329"),
    (14, "b5cfc67c0fec2f99d8748a1fd6ef41cbd86b839df48bf5df70f1fdab212c9283d396baed4c6a1010f8afb4e7ecba9d2b"),
    (30, "c54faa6ba99fb8d695b37acc89d2454354edfafb89d8b4bf4a00523e985bed6f914ff2efb12ea9276e41726768831d21"),
    (40, "4fef36eb0b7925d575b79462b7d0dae017e49d11e900793b9ea21315d2305d42b44d963b324974c97c5931eac97dc715"),
    (52, "e26d3187fddbe979087b9d587c7d7c29d39627b6b1073b84da5be732e5422b0ffe014dca1b121f40061f2f09b8e68515"),
    (55, "fd93a923de7af8d72d684ae91bd18e5035ae3c2337839002fec4ad9639b814878d512a1f9eaee4c9f2150cf81e7fdb43"),
    (56, "00d42570a71f43a055380f2f8a158adf48a8f61491092a9461fd53b8c4aeba4871113751ea62bbd28aeae8d2c8076de8"),
    (57, "f7bc6abc807e9a60976ed1098b2aeb134b8153eb6b4201f867781690499490d9075f462c9f7a077352b0cff834f7719e"),
    (58, "fb8761534d82e283ce7a3a09ba1b4a38822ca271a02c73dc10e6d900c4558256a7c46829ed60bcc461f73e0da55c2f2f"),
    (59, "abf8377f2a064304b30d247e580c25a01295d5bec0ff303775716ebd1ea859145b44e93bbeab7582c34a5d1d90c6c41d"),
];

fn is_rewritten(version: i64, checksum: &[u8]) -> bool {
    let checksum = hex::encode(checksum);
    FORMER_CHECKSUMS.contains(&(version, checksum.as_str()))
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
