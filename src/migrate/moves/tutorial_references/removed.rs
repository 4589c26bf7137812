//! Which columns and tables of earlier states the move removes. Pure.

use crate::migrate::catalog::{Catalog, Index, Relation, RelationColumn, quote};
use crate::migrate::moves::change::Inverse;
use crate::migrate::moves::compat_views::is_compat_view;

/// Columns whose content goes to `acted.tutorial_*`, or into references to them.
const REMOVED: &[(&str, &str, &[&str])] = &[
    ("adm", "course_templates", &["code", "title", "categories", "active"]),
    ("adm", "instructors", &["first_name", "last_name", "email"]),
    ("adm", "locations", &["name", "code", "active"]),
    ("adm", "venues", &["name", "description"]),
    ("acted", "tutorial_events", &["venue", "exam_session_subject_product_variation_id", "instructor_id"]),
    ("acted", "tutorial_sessions", &["venue", "location", "instructor_id"]),
];

/// A table that existed for some days of February 2026; its rows go to the staff of the events.
pub const EVENT_INSTRUCTORS: &str = "tutorial_event_instructors";

/// A column that the move removes.
#[derive(Debug, Clone, Copy)]
pub struct Removed<'a> {
    pub table: &'a Relation,
    pub column: &'a RelationColumn,
}

/// Returns the columns that exist.
pub fn columns(catalog: &Catalog) -> Vec<Removed<'_>> {
    let mut removed = Vec::new();
    for (schema, name, columns) in REMOVED {
        let Some(table) = catalog.table(schema, name).filter(|table| table.is_table()) else { continue };
        let found = table.columns.iter().filter(|column| columns.contains(&column.name.as_str()));
        removed.extend(found.map(|column| Removed { table, column }));
    }
    removed
}

pub fn event_instructors(catalog: &Catalog) -> Option<&Relation> {
    catalog.table("acted", EVENT_INSTRUCTORS).filter(|table| table.is_table())
}

/// Returns the views of other programs on these columns: the move never drops them.
pub fn conflicts(removed: &[Removed<'_>]) -> Vec<String> {
    let mut conflicts = Vec::new();
    for Removed { table, column } in removed {
        let views = table.dependents.iter().filter(|view| view.columns.contains(&column.name));
        for view in views.filter(|view| !is_compat_view(table, &view.schema, &view.name)) {
            conflicts.push(format!(
                "the view {}.{} reads {}.{}, which has to go: drop the view, or change it to read acted.tutorial_*, then \
                 run `lectern migrate` again",
                view.schema,
                view.name,
                table.full_name(),
                column.name
            ));
        }
    }
    conflicts
}

impl Removed<'_> {
    /// Returns how the column is brought back, with the constraints and indexes that go with it.
    pub fn inverses(&self) -> Vec<Inverse> {
        let (table, column) = (self.table, self.column);
        let on_it = |columns: &[String]| columns.contains(&column.name);
        let mut inverses = Vec::new();
        // An undo runs from the last to the first: the column comes back before its rules.
        for constraint in table.constraints.iter().filter(|constraint| on_it(&constraint.columns)) {
            let (name, definition) = (quote(&constraint.name), &constraint.definition);
            inverses.push(Inverse::Statement {
                sql: format!("ALTER TABLE {} ADD CONSTRAINT {name} {definition}", table.sql_name()),
            });
        }
        let names = |index: &&Index| !index.is_of_constraint && mentions(&index.definition, &column.name);
        for index in table.indexes.iter().filter(names) {
            let unique = if index.is_unique { "UNIQUE " } else { "" };
            let (name, definition) = (quote(&index.name), &index.definition);
            inverses.push(Inverse::Statement {
                sql: format!("CREATE {unique}INDEX {name} ON {} USING {definition}", table.sql_name()),
            });
        }
        inverses.push(Inverse::RemovedColumn {
            table: table.oid,
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            not_null: column.not_null,
            default: column.default.clone(),
        });
        inverses
    }

    pub fn source(&self) -> String {
        format!("{}.{}", self.table.schema, self.table.name)
    }
}

/// Reports whether the definition of an index contains a column.
fn mentions(definition: &str, column: &str) -> bool {
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
