//! The database as it is, and what the moves would do with it.

use sqlx::PgConnection;

use super::change::{Change, Inverse};
use super::plan::Plan;
use super::recognition::candidates;
use super::reference::reference;
use super::store;
use crate::error::{Error, Result};
use crate::migrate::catalog::{self, Catalog, Relation};

pub const ADM_SCHEMA: &str = "adm-schema";
pub const ADOPT: &str = "adopt";

/// The database as it is, and what the moves would do with it.
pub struct Survey {
    pub catalog: Catalog,
    pub plan: Plan,
    pub(super) records: store::Records,
}

/// Reads the database and plans both moves.
pub async fn survey(db: &mut PgConnection) -> Result<Survey> {
    let catalog = catalog::read(db).await?;
    if let Some(message) = catalog.closed_schemas_message() {
        return Err(Error::Prerequisite(message));
    }
    let records = store::records(db).await?;
    let mut tables = candidates(&catalog);
    // Tables that refer to an empty one decide whether it may give way.
    let users: Vec<&Relation> = tables
        .iter()
        .flat_map(|table| &table.referenced_by)
        .filter_map(|user| catalog.table(&user.schema, &user.table))
        .collect();
    tables.extend(users);
    let rows = store::rows_exist(db, &tables).await?;
    let plan = Plan::new(&catalog, reference(), &rows);
    Ok(Survey { catalog, plan, records })
}

impl Survey {
    /// Reports whether `adm-schema` has something to do.
    pub fn has_moving(&self) -> bool {
        !self.plan.moving.is_empty()
    }

    /// Reports whether the tables existed before Lectern: they are adopted, not created.
    pub fn is_adopted(&self) -> bool {
        let is_older = !self.records.has_schema_steps && self.plan.has_tables;
        let has_former = |change: &Change| match &change.inverse {
            Inverse::Place { .. } | Inverse::ConstraintName { .. } | Inverse::ArrayType { .. } => true,
            Inverse::ForeignKey { former, .. } => former.is_some(),
            Inverse::Constraint { former, .. } => former.is_some(),
            _ => false,
        };
        is_older
            || self.is_recorded(ADOPT)
            || self.was_undone(ADOPT)
            || self.has_moving()
            || self.plan.adoption.iter().any(has_former)
    }

    /// Returns the migrations of Django that Lectern makes unnecessary.
    pub fn django(&self) -> Vec<String> {
        super::django::to_be_faked(&self.catalog, &self.plan.moved)
    }

    pub fn is_recorded(&self, name: &str) -> bool {
        self.records.applied.iter().any(|applied| applied == name)
    }

    pub fn was_undone(&self, name: &str) -> bool {
        self.records.undone.iter().any(|undone| undone == name)
    }
}

/// Returns an error if there is a conflict.
pub(super) fn refuse(conflicts: &[String]) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::NeedsAttention(format!("nothing was changed: {}", conflicts.join("; "))))
}
