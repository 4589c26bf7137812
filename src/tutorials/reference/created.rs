//! Rows of reference data that were brought in, and whether they can be taken away again.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::store;
use crate::error::Result;

/// A row as it was brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedRow {
    /// In which table.
    pub table: CreatedTable,
    /// Its id there.
    pub id: i64,
    /// What people call the record that it belongs to.
    pub name: String,
    /// Its columns, but for the times that PostgreSQL keeps of it.
    pub values: Value,
}

/// Where rows are brought in. None refers to a later one.
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
    /// The name in the database.
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

    /// Whether its rows are records that people speak of; accounts and staff come with an instructor.
    pub fn is_of_records(self) -> bool {
        !matches!(self, CreatedTable::Accounts | CreatedTable::Staff)
    }
}

/// By table and id, why rows cannot be taken away.
pub type InUseReasons = HashMap<(CreatedTable, i64), String>;

/// Why rows that were brought in cannot be taken away: `known` says why, somebody has changed them, or something that
/// stays refers to them. The links with Administrate are not looked at.
pub async fn in_use(db: &mut PgConnection, made: &[CreatedRow], known: InUseReasons) -> Result<InUseReasons> {
    let mut tables: BTreeMap<CreatedTable, Vec<&CreatedRow>> = BTreeMap::new();
    made.iter().for_each(|row| tables.entry(row.table).or_default().push(row));
    let mut staying = known;
    let mut going: Vec<(CreatedTable, Vec<i64>)> = Vec::new();
    for (table, rows) in tables.into_iter().rev() {
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let unchanged = store::unchanged(db, table, &rows).await?;
        for id in ids.iter().filter(|id| !unchanged.contains(id)) {
            staying.entry((table, *id)).or_insert_with(|| "it has been changed or deleted since".into());
        }
        for (referrer, id) in store::referrers(db, table, &ids, &going).await? {
            if !referrer.starts_with("adm.") {
                staying.entry((table, id)).or_insert_with(|| format!("{} refer to it", called(&referrer)));
            }
        }
        going.push((table, ids.into_iter().filter(|id| !staying.contains_key(&(table, *id))).collect()));
    }
    Ok(staying)
}

/// Takes rows away that were brought in, but for those that stay.
pub async fn delete_unused(db: &mut PgConnection, made: &[CreatedRow], staying: &InUseReasons) -> Result<()> {
    let mut tables: BTreeMap<CreatedTable, Vec<i64>> = BTreeMap::new();
    let going = made.iter().filter(|row| !staying.contains_key(&(row.table, row.id)));
    going.for_each(|row| tables.entry(row.table).or_default().push(row.id));
    for (table, ids) in tables.into_iter().rev() {
        store::delete_rows(db, table, &ids).await?;
    }
    Ok(())
}

/// What people call the rows of a table.
fn called(table: &str) -> &str {
    match table {
        "acted.tutorial_events" | "lectern.event_details" | "lectern.event_staff" => "events",
        "acted.tutorial_sessions" | "acted.tutorial_session_instructors" => "sessions",
        "acted.tutorial_venues" => "venues",
        "acted.tutorial_instructors" => "instructors",
        other => other,
    }
}
