//! Created rows of reference data, and whether an undo can delete them.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::error::Result;

/// A row as it was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedRow {
    pub table: CreatedTable,
    pub id: i64,
    /// The display name of the record that it belongs to.
    pub name: String,
    /// Its columns except times of creation and update.
    pub values: Value,
}

/// A table in which rows are created. No table refers to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreatedTable {
    CourseTemplates,
    Locations,
    Venues,
    Accounts,
    Staff,
    Instructors,
}

impl CreatedTable {
    /// Returns the name in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            CreatedTable::CourseTemplates => "acted.tutorial_course_templates",
            CreatedTable::Locations => "acted.tutorial_locations",
            CreatedTable::Venues => "acted.tutorial_venues",
            CreatedTable::Accounts => "public.auth_user",
            CreatedTable::Staff => "acted.staff",
            CreatedTable::Instructors => "acted.tutorial_instructors",
        }
    }

    /// Reports whether users know the rows as records; accounts and staff are parts of an instructor.
    pub fn is_of_records(self) -> bool {
        !matches!(self, CreatedTable::Accounts | CreatedTable::Staff)
    }
}

/// Why rows cannot be deleted, by table and id.
pub type InUseReasons = HashMap<(CreatedTable, i64), String>;

/// Returns why created rows cannot be deleted: the reasons in `known`, a later change, or a row that refers to them.
///
/// References from link rows (`adm.*`) do not count.
pub async fn in_use(db: &mut PgConnection, created: &[CreatedRow], known: InUseReasons) -> Result<InUseReasons> {
    let mut tables: BTreeMap<CreatedTable, Vec<&CreatedRow>> = BTreeMap::new();
    created.iter().for_each(|row| tables.entry(row.table).or_default().push(row));
    let mut reasons = known;
    let mut deletable: Vec<(CreatedTable, Vec<i64>)> = Vec::new();
    for (table, rows) in tables.into_iter().rev() {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let unchanged = store::unchanged(db, table, &rows).await?;
        for id in ids.iter().filter(|id| !unchanged.contains(id)) {
            reasons.entry((table, *id)).or_insert_with(|| "it has been changed or deleted since".into());
        }
        for (referrer, id) in store::referrers(db, table, &ids, &deletable).await? {
            if !referrer.starts_with("adm.") {
                reasons.entry((table, id)).or_insert_with(|| format!("{} refer to it", display_name(&referrer)));
            }
        }
        deletable.push((table, ids.into_iter().filter(|id| !reasons.contains_key(&(table, *id))).collect()));
    }
    Ok(reasons)
}

/// Deletes created rows except those with a reason to stay.
pub async fn delete_unused(db: &mut PgConnection, created: &[CreatedRow], reasons: &InUseReasons) -> Result<()> {
    let mut tables: BTreeMap<CreatedTable, Vec<i64>> = BTreeMap::new();
    let unused = created.iter().filter(|row| !reasons.contains_key(&(row.table, row.id)));
    unused.for_each(|row| tables.entry(row.table).or_default().push(row.id));
    for (table, ids) in tables.into_iter().rev() {
        store::delete_rows(db, table, &ids).await?;
    }
    Ok(())
}

/// Returns the plural by which users know the rows of a table.
fn display_name(table: &str) -> &str {
    match table {
        "acted.tutorial_events" | "lectern.event_details" | "lectern.event_staff" => "events",
        "acted.tutorial_sessions" | "acted.tutorial_session_instructors" => "sessions",
        "acted.tutorial_venues" => "venues",
        "acted.tutorial_instructors" => "instructors",
        other => other,
    }
}
