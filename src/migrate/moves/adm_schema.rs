//! Applies the move `adm-schema`.

use std::sync::atomic::Ordering;
use std::time::Instant;

use sqlx::PgConnection;

use super::change::{Change, Class, Inverse};
use super::hashing::{Which, contents};
use super::locks::{Done, lock, parts};
use super::plan::Plan;
use super::receipt::{MoveReceipt, TableReceipt};
use super::survey::{ADM_SCHEMA, refuse, survey};
use super::{compat_views, store};
use crate::error::Result;
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{Catalog, Relation, quote};

/// Moves the tables to schema `adm` if they are elsewhere. Returns what was done.
pub async fn adm_schema(attempts: &Attempts<'_>, compat_views: bool) -> Result<MoveReceipt> {
    let started = Instant::now();
    let before = attempts.transaction(async |db| contents(db, &Which::Placed).await).await?;
    let moved = attempts.transaction(async |db| move_tables(db, compat_views).await).await?;
    if !moved.changes.is_empty() {
        attempts.has_changed.store(true, Ordering::Relaxed);
    }
    // Also those of tables that an interrupted application has moved.
    rename_objects(attempts).await?;
    let after = attempts.transaction(async |db| contents(db, &Which::Same(&before)).await).await?;
    Ok(MoveReceipt {
        name: ADM_SCHEMA.to_owned(),
        tables: TableReceipt::pairs(ADM_SCHEMA, &before, &after),
        changes: moved.changes,
        problems: Vec::new(),
        notes: Vec::new(),
        locked: moved.locked,
        took: started.elapsed(),
    })
}

async fn move_tables(db: &mut PgConnection, with_views: bool) -> Result<Done> {
    let survey = survey(db).await?;
    let plan = &survey.plan;
    refuse(&plan.placement_conflicts)?;
    refuse(&plan.adoption_conflicts)?;
    let views = if with_views {
        compat_views::missing(&survey.catalog, plan, survey.records.found_before.as_deref())
    } else {
        Vec::new()
    };
    if plan.moving.is_empty() && views.is_empty() {
        return Ok(Done::default());
    }
    let key: [u8; 32] = super::receipt::new_key()?;
    store::prepare_records(db, &key).await?;
    let oids: Vec<i64> =
        plan.placements.iter().filter(|placed| placed.is_moved()).filter_map(|placed| placed.oid).collect();
    let mut inverses = Vec::new();
    if !survey.catalog.has_schema("adm") {
        store::execute(db, &["CREATE SCHEMA adm".to_owned()]).await?;
        inverses.push(Inverse::Schema { name: "adm".to_owned() });
    }
    let tables: Vec<&Relation> = oids.iter().filter_map(|oid| store::table_of(&survey.catalog, *oid)).collect();
    inverses.extend(grant_usage(db, &tables).await?);
    inverses.extend(plan.moving.iter().map(|change| change.inverse.clone()));
    store::record(db, ADM_SCHEMA, &inverses).await?;
    if !views.is_empty() {
        let inverses: Vec<Inverse> = views.iter().map(|view| view.inverse.clone()).collect();
        store::record(db, compat_views::NAME, &inverses).await?;
    }
    let mut statements = lock(&plan.moving, &survey.catalog);
    statements.extend(still_empty(plan, &survey.catalog));
    let all = || plan.moving.iter().chain(&views);
    statements.extend(all().flat_map(|change| change.statements.iter().cloned()));
    let started = Instant::now();
    store::execute(db, &statements).await?;
    let changes = all().map(|change| change.action.clone()).collect();
    Ok(Done { changes, locked: started.elapsed() })
}

/// Roles that may use a moved table must be able to look into its schema.
async fn grant_usage(db: &mut PgConnection, tables: &[&Relation]) -> Result<Vec<Inverse>> {
    let have = store::schema_users(db, "adm").await?;
    let mut roles: Vec<&String> = tables.iter().flat_map(|table| &table.grants).map(|grant| &grant.role).collect();
    let owners: Vec<String> = tables.iter().map(|table| table.owner.clone()).collect();
    roles.extend(&owners);
    roles.sort();
    roles.dedup();
    roles.retain(|role| !have.contains(role));
    let grantee = |role: &str| if role.is_empty() { "PUBLIC".to_owned() } else { quote(role) };
    let statements: Vec<String> =
        roles.iter().map(|role| format!("GRANT USAGE ON SCHEMA adm TO {}", grantee(role))).collect();
    store::execute(db, &statements).await?;
    Ok(roles.into_iter().map(|role| Inverse::Usage { schema: "adm".to_owned(), role: role.clone() }).collect())
}

/// An empty table that gives way must still be empty under the lock; otherwise the transaction is tried again.
fn still_empty(plan: &Plan, catalog: &Catalog) -> Vec<String> {
    let tables = plan.gives_way.iter().filter_map(|oid| store::table_of(catalog, *oid));
    let check = |table: &Relation| {
        format!(
            "DO $$ BEGIN IF EXISTS (SELECT FROM {}) THEN
                 RAISE EXCEPTION 'the table has got rows' USING ERRCODE = 'lock_not_available'; END IF; END $$",
            table.sql_name()
        )
    };
    tables.map(check).collect()
}

/// Gives the indexes, constraints and sequences of moved tables the names of a fresh database.
async fn rename_objects(attempts: &Attempts<'_>) -> Result<()> {
    let find = async |db: &mut PgConnection| {
        let journal = store::journal(db, ADM_SCHEMA).await?.unwrap_or_default();
        let survey = survey(db).await?;
        let is_moved = |table: i64| {
            journal
                .iter()
                .any(|inverse| matches!(inverse, Inverse::Place { oid, class: Class::Table, .. } if *oid == table))
        };
        let is_name = |change: &&Change| {
            matches!(change.inverse, Inverse::Place { .. } | Inverse::ConstraintName { .. })
                && is_moved(change.table_oid)
        };
        let changes: Vec<Change> = survey.plan.adoption.iter().filter(is_name).cloned().collect();
        Ok((changes, survey.catalog))
    };
    let (changes, catalog) = attempts.transaction(find).await?;
    for part in parts(&changes) {
        let rename = async |db: &mut PgConnection| {
            let inverses: Vec<Inverse> = part.iter().map(|change| change.inverse.clone()).collect();
            store::record(db, ADM_SCHEMA, &inverses).await?;
            let mut statements = lock(part, &catalog);
            statements.extend(part.iter().flat_map(|change| change.statements.iter().cloned()));
            store::execute(db, &statements).await
        };
        attempts.transaction(rename).await?;
    }
    Ok(())
}
