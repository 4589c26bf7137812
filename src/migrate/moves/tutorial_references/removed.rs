//! Which columns and tables of earlier states the move removes. Pure.

use crate::migrate::catalog::{Catalog, Relation, RelationColumn};

/// What a removed column contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
}

use Kind::{Flag, Number, Text};

/// Schema and name of a table, with the columns that go.
type RemovedColumns = (&'static str, &'static str, &'static [(&'static str, Kind)]);

/// Columns whose content goes to `acted.tutorial_*`, or into references to them.
const REMOVED: &[RemovedColumns] = &[
    ("adm", "course_templates", &[("code", Text), ("title", Text), ("categories", Text), ("active", Flag)]),
    ("adm", "instructors", &[("first_name", Text), ("last_name", Text), ("email", Text)]),
    ("adm", "locations", &[("name", Text), ("code", Text), ("active", Flag)]),
    ("adm", "venues", &[("name", Text), ("description", Text)]),
    (
        "acted",
        "tutorial_events",
        &[("venue", Text), ("location", Text), (FORMER_PRODUCT, Number), ("instructor_id", Number)],
    ),
    ("acted", "tutorial_sessions", &[("venue", Text), ("location", Text), ("instructor_id", Number)]),
];

/// The name that `product_id` of events had until 6 February.
pub const FORMER_PRODUCT: &str = "exam_session_subject_product_variation_id";

/// Tables that get rows, or whose rows get references.
const WRITTEN: &[(&str, &str)] = &[
    ("acted", "staff"),
    ("acted", "tutorial_course_templates"),
    ("acted", "tutorial_events"),
    ("acted", "tutorial_instructors"),
    ("acted", "tutorial_locations"),
    ("acted", "tutorial_session_instructors"),
    ("acted", "tutorial_sessions"),
    ("acted", "tutorial_venues"),
    ("public", "auth_user"),
];

/// A table that existed for some days of February 2026; its rows go to the staff of the events.
pub const EVENT_INSTRUCTORS: &str = "tutorial_event_instructors";

/// A column that the move removes.
#[derive(Debug, Clone, Copy)]
pub struct RemovedColumn<'a> {
    pub table: &'a Relation,
    pub column: &'a RelationColumn,
}

impl RemovedColumn<'_> {
    /// Returns the table as the archive names it.
    pub fn source(&self) -> String {
        format!("{}.{}", self.table.schema, self.table.name)
    }
}

/// Returns the columns that exist.
pub fn columns(catalog: &Catalog) -> Vec<RemovedColumn<'_>> {
    let mut removed = Vec::new();
    for (schema, name, columns) in REMOVED {
        let Some(table) = catalog.table(schema, name).filter(|table| table.is_table()) else { continue };
        for (column, kind) in *columns {
            let found = table.column(column).filter(|column| is_of(*kind, &column.data_type));
            removed.extend(found.map(|column| RemovedColumn { table, column }));
        }
    }
    removed
}

/// A column of another type is one of another program.
fn is_of(kind: Kind, data_type: &str) -> bool {
    match kind {
        Text => data_type.starts_with("character") || data_type == "text",
        Number => ["bigint", "integer"].contains(&data_type),
        Flag => data_type == "boolean",
    }
}

pub fn event_instructors(catalog: &Catalog) -> Option<&Relation> {
    let columns = ["tutorialevents_id", "tutorialinstructor_id"];
    let is_known = |table: &&Relation| table.is_table() && columns.iter().all(|column| table.column(column).is_some());
    catalog.table("acted", EVENT_INSTRUCTORS).filter(is_known)
}

/// Returns the tables that the move changes, if it has something to do.
pub fn changed_tables<'a>(catalog: &'a Catalog, removed: &[RemovedColumn<'a>]) -> Vec<&'a Relation> {
    let mut tables: Vec<&Relation> = removed.iter().map(|removed| removed.table).collect();
    tables.extend(event_instructors(catalog));
    if tables.is_empty() {
        return tables;
    }
    tables.extend(WRITTEN.iter().filter_map(|(schema, name)| catalog.table(schema, name)));
    tables.retain(|table| table.is_table());
    tables.sort_by_key(|table| table.sql_name());
    tables.dedup_by_key(|table| table.oid);
    tables
}

/// Reports whether the definition of an index contains a column.
pub fn mentions(definition: &str, column: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    definition.split(|c: char| !is_part(c)).any(|word| word == column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_is_found_in_the_definition_of_an_index() {
        for (definition, is_found) in [
            ("btree (code)", true),
            ("btree (code varchar_pattern_ops)", true),
            ("btree (lower((code)::text))", true),
            ("btree (id) WHERE (code IS NOT NULL)", true),
            ("btree (code_2)", false),
        ] {
            assert_eq!(mentions(definition, "code"), is_found, "{definition}");
        }
    }
}
