//! What the move would do with a database.

use sqlx::PgConnection;

use super::removed::{changed_tables, columns, event_instructors};
use super::store;
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation, quote};
use crate::migrate::moves::compat_views::is_compat_view;

/// What the move would do.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ReferencesPlan {
    /// The tables that lose columns.
    pub tables: Vec<ChangedTable>,
    /// The table whose rows go to the staff of events.
    pub event_instructors: Option<ChangedTable>,
    /// Why the move is refused.
    pub conflicts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ChangedTable {
    pub oid: i64,
    pub name: String,
    pub bytes: i64,
    /// Columns that go.
    pub columns: Vec<String>,
}

impl ChangedTable {
    fn new(table: &Relation, columns: Vec<String>) -> ChangedTable {
        ChangedTable { oid: table.oid, name: table.full_name(), bytes: table.bytes, columns }
    }
}

impl ReferencesPlan {
    /// Plans on the catalogue alone, without the objects that stand in the way.
    pub fn new(catalog: &Catalog) -> ReferencesPlan {
        let removed = columns(catalog);
        let mut tables: Vec<ChangedTable> = Vec::new();
        for gone in &removed {
            match tables.last_mut().filter(|table| table.oid == gone.table.oid) {
                Some(table) => table.columns.push(gone.column.name.clone()),
                None => tables.push(ChangedTable::new(gone.table, vec![gone.column.name.clone()])),
            }
        }
        let event_instructors = event_instructors(catalog).map(|table| ChangedTable::new(table, Vec::new()));
        let foreign = changed_tables(catalog, &removed).into_iter().filter(|table| !table.is_owned);
        let conflicts = foreign.map(|table| table.foreign_owner_message(&catalog.user)).collect();
        ReferencesPlan { tables, event_instructors, conflicts }
    }

    /// Plans, and finds the objects of other programs that keep a column in its place.
    pub async fn read(db: &mut PgConnection, catalog: &Catalog) -> Result<ReferencesPlan> {
        let mut plan = ReferencesPlan::new(catalog);
        let columns = plan.tables.iter().flat_map(|table| table.columns.iter().map(|name| (table.oid, name.clone())));
        let columns: Vec<(i64, String)> = columns.collect();
        for user in store::objects_on_columns(db, &columns).await? {
            let Some(table) = catalog.tables.iter().find(|table| table.oid == user.table_oid) else { continue };
            let (schema, name) = (user.view_schema.unwrap_or_default(), user.view_name.unwrap_or_default());
            let Some(view) = user.view_oid.filter(|_| is_compat_view(table, &schema, &name)) else {
                plan.conflicts.push(in_the_way(&user.object, table, &user.column));
                continue;
            };
            let on_view = store::objects_on_view(db, view).await?;
            plan.conflicts.extend(on_view.iter().map(|object| in_the_way(object, table, &user.column)));
        }
        plan.conflicts.sort();
        plan.conflicts.dedup();
        Ok(plan)
    }

    /// Returns the statements on columns and tables, as `migrate plan --sql` prints them.
    pub fn sql(&self) -> String {
        let first = "-- rows first: texts become references, every value of a removed column goes to lectern.archive";
        let mut statements = vec![first.to_owned()];
        for table in &self.tables {
            let drop = |column: &String| format!("ALTER TABLE {} DROP COLUMN {};", table.name, quote(column));
            statements.extend(table.columns.iter().map(drop));
        }
        let staff = self.event_instructors.iter();
        statements.extend(staff.map(|table| format!("ALTER TABLE {} SET SCHEMA lectern;", table.name)));
        statements.join("\n") + "\n"
    }

    /// Reports whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.event_instructors.is_none()
    }

    /// Returns every table that is changed, for the plan.
    pub fn changed(&self) -> impl Iterator<Item = &ChangedTable> {
        self.tables.iter().chain(&self.event_instructors)
    }

    /// Returns each change as a sentence.
    pub fn changes(&self) -> Vec<String> {
        let removed = self.tables.iter().flat_map(|table| {
            let sentence = |column: &String| {
                format!("{}: archive {column}, turn it into references where it has one meaning, remove it", table.name)
            };
            table.columns.iter().map(sentence)
        });
        let staff = self.event_instructors.iter().map(|table| {
            format!("bring the rows of {} to the staff of the events, and the table to schema lectern", table.name)
        });
        removed.chain(staff).collect()
    }
}

fn in_the_way(object: &str, table: &Relation, column: &str) -> String {
    let name = table.full_name();
    format!(
        "the {object} uses {name}.{column}, which has to go: drop it, or change it to use acted.tutorial_*, then run \
         `lectern migrate` again"
    )
}
