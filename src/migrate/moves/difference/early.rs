//! What tables looked like in earlier states of the reference system: columns that are known, added later or renamed.

use crate::migrate::catalog::{Relation, RelationColumn};

/// What becomes of a known additional column that is NOT NULL without a default, so that a row can be written without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It may be null.
    Nullable,
    /// It gets this default.
    Default(&'static str),
}

/// Additional columns of earlier and later states.
const KNOWN: &[(&str, &[&str], Known)] = &[
    ("adm.course_templates", &["code", "title", "categories", "active"], Known::Nullable),
    ("adm.instructors", &["first_name", "last_name", "email"], Known::Nullable),
    ("adm.locations", &["name", "code", "active"], Known::Nullable),
    ("adm.venues", &["name", "description"], Known::Nullable),
    (
        "acted.tutorial_events",
        &["venue", "location", "instructor_id", "main_instructor_id", "exam_session_subject_product_variation_id"],
        Known::Nullable,
    ),
    ("acted.tutorial_sessions", &["venue", "location", "instructor_id"], Known::Nullable),
    ("acted.tutorial_events", &["cancelled"], Known::Default("false")),
    ("acted.prices", &["is_active"], Known::Default("true")),
    ("acted.catalog_exam_sessions", &["is_active"], Known::Default("false")),
];

/// Columns of tutorials that early states lack. Tables of Administrate's side may lack every column that need not be filled:
/// their required `external_id` distinguishes them from tables of other programs.
const ADDED_LATER: &[(&str, &[&str])] = &[
    ("acted.tutorial_events", &["venue_id", "location_id"]),
    ("acted.tutorial_sessions", &["venue_id", "location_id"]),
];

/// Unique rules of early states that hold no longer.
const FORMER_RULES: &[(&str, &str)] = &[("adm.custom_fields", "external_id")];

/// Columns that had another name.
const FORMER_NAMES: &[(&str, &str, &str)] =
    &[("acted.tutorial_events", "product_id", "exam_session_subject_product_variation_id")];

fn key(table: &Relation) -> String {
    format!("{}.{}", table.schema, table.name)
}

/// Returns how a known additional column becomes optional.
pub fn known(table: &Relation, column: &str) -> Option<Known> {
    let key = key(table);
    KNOWN.iter().find(|(table, columns, _)| *table == key && columns.contains(&column)).map(|(_, _, known)| *known)
}

pub fn is_known(table: &Relation, column: &str) -> bool {
    known(table, column).is_some()
}

/// Reports whether a unique rule on one column has to go, because several rows may have its value.
pub fn is_former_rule(table: &Relation, columns: &[String]) -> bool {
    let key = key(table);
    FORMER_RULES.iter().any(|(table, column)| *table == key && columns == [*column])
}

/// Reports whether a missing column can be added.
pub fn is_added_later(table: &Relation, column: &str) -> bool {
    let key = key(table);
    let is_optional = || table.column(column).is_some_and(|column| column.is_optional() && column.name != "id");
    (table.schema == "adm" && is_optional())
        || ADDED_LATER.iter().any(|(table, columns)| *table == key && columns.contains(&column))
}

/// Returns the name that a column had in an early state.
pub fn former_column(table: &Relation, column: &str) -> Option<&'static str> {
    let key = key(table);
    FORMER_NAMES.iter().find(|(table, name, _)| *table == key && *name == column).map(|(_, _, former)| *former)
}

/// Reports whether a list is stored as an array that is expected as JSON.
pub fn is_array_of_text(expected: &RelationColumn, found: &RelationColumn) -> bool {
    expected.data_type == "jsonb"
        && found.data_type.ends_with("[]")
        && (found.data_type.starts_with("character varying") || found.data_type.starts_with("text"))
}
