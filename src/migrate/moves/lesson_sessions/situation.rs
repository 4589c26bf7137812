//! The database as the move finds it, and why the move is refused.

use sqlx::PgConnection;

use super::mapping::Mapping;
use super::recognition::{Recognised, candidates, holders, recognise};
use super::store;
use crate::error::Result;
use crate::migrate::catalog::{self, Catalog, Relation};
use crate::migrate::moves::recognition::Rows;
use crate::migrate::moves::store::rows_exist;

/// The greatest number that the new table can hold.
const GREATEST_ID: i64 = i32::MAX as i64;

/// The database as it is.
pub struct Situation {
    pub catalog: Catalog,
    rows: Rows,
    pub zone: String,
}

impl Situation {
    pub async fn read(db: &mut PgConnection) -> Result<Situation> {
        let catalog = catalog::read(db).await?;
        Situation::of(db, catalog).await
    }

    pub async fn of(db: &mut PgConnection, catalog: Catalog) -> Result<Situation> {
        let rows = rows_exist(db, &candidates(&catalog)).await?;
        let zone = store::database_zone(db).await?;
        Ok(Situation { catalog, rows, zone })
    }

    pub fn recognised(&self) -> Recognised<'_> {
        recognise(&self.catalog, &self.rows)
    }

    pub fn mapping<'a>(&'a self, source: &'a Relation) -> Mapping<'a> {
        Mapping::new(source, &self.catalog, &self.zone)
    }

    /// Returns why the move is refused: what the catalogue says, and rows that the new table cannot hold.
    pub async fn conflicts(&self, db: &mut PgConnection) -> Result<Vec<String>> {
        let found = self.recognised();
        let mut conflicts = found.conflicts;
        let Some(source) = found.source.filter(|_| conflicts.is_empty()) else { return Ok(conflicts) };
        let place = source.full_name();
        for column in ["session_date", "start_time"] {
            if source.column(column).is_some_and(|column| column.not_null) {
                continue;
            }
            let ids: Vec<String> = store::null_ids(db, source, column).await?.iter().map(i64::to_string).collect();
            if !ids.is_empty() {
                conflicts.push(format!(
                    "{place}: rows without {column} (id {}): give them one or delete them",
                    ids.join(", ")
                ));
            }
        }
        if let Some(greatest) = store::greatest_id(db, source).await?.filter(|greatest| *greatest > GREATEST_ID) {
            conflicts
                .push(format!("{place}: id {greatest} is greater than {GREATEST_ID}, which the new table can hold"));
        }
        conflicts.extend(self.foreign_owners());
        for key in store::inbound_keys(db, source.oid).await?.iter().filter(|key| !key.is_owned) {
            conflicts.push(format!(
                "the foreign key {} of {} refers to {place}, but {} may not change that table: run `lectern migrate` as \
                 its owner",
                key.name, key.table_name, self.catalog.user
            ));
        }
        Ok(conflicts)
    }

    /// Returns a sentence for each table that the move changes and that another user owns.
    pub fn foreign_owners(&self) -> Vec<String> {
        let holders: Vec<i64> = holders(&self.catalog, None).iter().map(|holder| holder.table_oid).collect();
        let is_changed = |table: &&Relation| {
            holders.contains(&table.oid) || table.schema == "public" && table.name == "enrolled_students"
        };
        let tables = self.catalog.tables.iter().filter(is_changed);
        let foreign = tables.filter(|table| table.is_table() && !table.is_owned);
        foreign.map(|table| table.foreign_owner_message(&self.catalog.user)).collect()
    }

    /// Returns why enrolments cannot be made; none if they can.
    pub fn enrolment_problem(&self) -> Option<String> {
        let table = self.catalog.table("public", "enrolled_students")?;
        let filled = ["id", "tutor_id", "student_id", "package_id"];
        let needed =
            table.columns.iter().find(|column| !column.is_optional() && !filled.contains(&column.name.as_str()))?;
        Some(format!(
            "no enrolments can be made, because {}.{} is NOT NULL without a default: give it a default, or leave out \
             --create-enrolments",
            table.full_name(),
            needed.name
        ))
    }
}
