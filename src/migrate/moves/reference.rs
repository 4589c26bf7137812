//! The shape of a fresh database, and whether an existing table can become that shape. Pure.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::difference::early;
use super::lesson_sessions::shape::is_lesson_table;
use crate::migrate::catalog::{Catalog, Relation, RelationColumn};

/// The tables of a fresh database in schemas `public`, `acted` and `adm`, and the names of everything in `lectern`.
///
/// The document is written by the test `reference_is_the_shape_of_a_fresh_database`, which also keeps it current.
#[derive(Debug, serde::Deserialize)]
pub struct ReferenceShape {
    pub catalog: Catalog,
    /// Everything that a fresh database contains in schema `lectern`, and triggers on other tables, such as
    /// `table lectern.runs`.
    pub added: Vec<String>,
}

static REFERENCE: LazyLock<ReferenceShape> = LazyLock::new(|| {
    serde_json::from_str(include_str!("reference.json")).expect("a test keeps the reference readable")
});

/// Returns the shape of a fresh database.
pub fn reference() -> &'static ReferenceShape {
    &REFERENCE
}

/// Returns the shape of a database as the reference document has it. `functions` are those of schema `lectern`.
pub fn document(catalog: Catalog, functions: &[String]) -> Value {
    let mut tables = catalog.tables;
    let mut added: Vec<String> = functions.iter().map(|name| format!("function lectern.{name}")).collect();
    for table in &tables {
        if table.schema == "lectern" {
            added.push(format!("table lectern.{}", table.name));
        }
        let triggers = table.triggers.iter().filter(|trigger| trigger.schema == "lectern" && table.schema != "lectern");
        added.extend(triggers.map(|trigger| format!("trigger {} on {}", trigger.name, table.full_name())));
    }
    added.sort();
    // Tables of the lessons are used as they are, not adopted.
    let is_lesson = |table: &Relation| is_lesson_table(&table.schema, &table.name);
    tables.retain(|table| table.schema != "lectern" && !is_lesson(table));
    for table in &mut tables {
        strip(table);
    }
    json!({ "catalog": { "tables": tables, "schemas": [], "user": "" }, "added": added })
}

/// Removes what differs between two fresh databases.
fn strip(table: &mut Relation) {
    (table.oid, table.filenode, table.bytes, table.estimated_rows, table.is_owned) = (0, 0, 0, 0, false);
    table.is_readable = false;
    table.owner.clear();
    table.triggers.clear();
    table.dependents.clear();
    table.referenced_by.clear();
    table.constraints.iter_mut().for_each(|constraint| {
        constraint.oid = 0;
        if let Some(target) = &mut constraint.target {
            target.oid = 0;
        }
    });
    table.indexes.iter_mut().for_each(|index| index.oid = 0);
    table.sequences.iter_mut().for_each(|sequence| sequence.oid = 0);
}

/// Columns that may be missing in a table that existed before: nothing reads them there.
const TIMES: &[&str] = &["created_at", "updated_at"];

impl ReferenceShape {
    /// Returns why a relation cannot become a table of this name; none if it can.
    pub fn problem_as(&self, schema: &str, name: &str, found: &Relation) -> Option<String> {
        let expected = self.catalog.table(schema, name)?;
        let place = found.full_name();
        if let Some(kind) = found.other_kind() {
            return Some(format!("{place} is {kind}, not a table: rename it"));
        }
        let differences = differences(expected, found);
        (!differences.is_empty()).then(|| {
            format!("{place} has another shape: {}: rename the table or change these columns", differences.join(", "))
        })
    }
}

fn differences(expected: &Relation, found: &Relation) -> Vec<String> {
    let mut differences = Vec::new();
    for column in &expected.columns {
        match found.column(&column.name) {
            Some(existing) if is_usable(column, existing) => {}
            Some(existing) => differences.push(format!(
                "column {} is of type {} instead of {}",
                column.name, existing.data_type, column.data_type
            )),
            None if can_be_added(expected, column, found) => {}
            None => differences.push(format!("column {} ({}) is missing", column.name, column.data_type)),
        }
    }
    let unknown = found.columns.iter().filter(|column| expected.column(&column.name).is_none());
    for column in unknown.filter(|column| !column.is_optional() && !early::is_known(expected, &column.name)) {
        differences.push(format!(
            "the additional column {} ({}) is NOT NULL without a default",
            column.name, column.data_type
        ));
    }
    if let Some(id) = found.column("id").filter(|id| !id.is_optional()) {
        differences.push(format!("column id ({}) has neither an identity nor a sequence", id.data_type));
    }
    differences
}

/// Reports whether a missing column can be added: a link that an early state lacks, or one that replaces another column.
fn can_be_added(table: &Relation, column: &RelationColumn, found: &Relation) -> bool {
    TIMES.contains(&column.name.as_str())
        || early::is_added_later(table, &column.name)
        || early::former_column(table, &column.name).is_some_and(|former| found.column(former).is_some())
}

/// Reports whether an existing column holds what the expected one holds.
fn is_usable(expected: &RelationColumn, found: &RelationColumn) -> bool {
    expected.data_type == found.data_type
        || is_wider_text(&expected.data_type, &found.data_type)
        || early::is_array_of_text(expected, found)
}

/// Reports whether a text type holds at least as many characters.
fn is_wider_text(expected: &str, found: &str) -> bool {
    let length = |data_type: &str| match data_type {
        "text" | "character varying" => Some(u32::MAX),
        data_type => data_type.strip_prefix("character varying(")?.strip_suffix(')')?.parse().ok(),
    };
    length(expected).zip(length(found)).is_some_and(|(expected, found)| found >= expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_text_is_accepted() {
        for (expected, found, is_accepted) in [
            ("character varying(50)", "character varying(255)", true),
            ("character varying(50)", "text", true),
            ("text", "character varying", true),
            ("character varying(255)", "character varying(50)", false),
            ("text", "character varying(50)", false),
            ("bigint", "text", false),
        ] {
            assert_eq!(is_wider_text(expected, found), is_accepted, "{expected} {found}");
        }
    }
}
