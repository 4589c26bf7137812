//! What `lectern doctor` examines: where tables are, which ones are used, and which rules rows break. Read only.

use sqlx::PgPool;

use super::created_tables::created_tables;
use super::{grants, moves, versioned};
use crate::error::Result;

/// Returns the names of all tables that the versioned SQL creates or uses, with their schemas.
pub fn table_names() -> Vec<String> {
    let created = |text: &String| created_tables(text);
    let tables = versioned::texts();
    tables.iter().flat_map(created).map(|table| format!("{}.{}", table.schema, table.name)).collect()
}

/// A privilege that commands other than `lectern migrate` need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrivilege {
    /// With its schema.
    pub table: &'static str,
    /// Such as `SELECT`.
    pub privilege: &'static str,
    /// The only column for which it is needed.
    pub column: Option<&'static str>,
}

/// Returns the privileges on tables that commands other than `lectern migrate` need.
pub fn service_privileges() -> Vec<ServicePrivilege> {
    let split = |(table, privileges): &(&'static str, &'static str)| {
        let table = *table;
        privileges.split(", ").map(move |text| match text.split_once(" (") {
            None => ServicePrivilege { table, privilege: text, column: None },
            Some((privilege, column)) => {
                ServicePrivilege { table, privilege, column: Some(column.trim_end_matches(')')) }
            }
        })
    };
    grants::of_service().iter().flat_map(split).collect()
}

/// Where one of the seven tables of Administrate's side is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePlace {
    pub table: &'static str,
    /// Every table that may be it, with the schema.
    pub found: Vec<String>,
    /// Whether it is in schema `adm` under its name.
    pub is_right: bool,
}

/// Returns where the seven tables are, and why they cannot be moved.
pub async fn placements(pool: &PgPool) -> Result<(Vec<TablePlace>, Vec<String>)> {
    let mut transaction = pool.begin().await?;
    let plan = moves::survey(&mut transaction).await?.plan;
    transaction.rollback().await?;
    let place = |placed: moves::PlacedTable| TablePlace {
        table: placed.table,
        is_right: !placed.is_misplaced(),
        found: placed.found,
    };
    Ok((plan.placements.into_iter().map(place).collect(), plan.placement_conflicts))
}

/// Returns the names that the seven tables and their views have or had, without their schema.
pub fn former_names() -> Vec<String> {
    moves::former_names()
}

/// Describes the rows that break a rule, so that it does not hold in the database.
pub async fn broken_rules(pool: &PgPool) -> Result<Vec<String>> {
    let mut transaction = pool.begin().await?;
    let broken = moves::broken_rules(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(broken)
}
