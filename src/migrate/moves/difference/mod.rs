//! The difference between existing tables and the shape of a fresh database, as changes with their inverses. Pure.
//!
//! Constraints match by what they require, indexes by what they contain, sequences by the column that they serve. What matches
//! under another name is renamed; a foreign key with another action is replaced; what is missing is added.

mod columns;
mod constraints;
pub mod early;
mod indexes;

use super::change::{Change, Inverse, Phase, Rule};
use super::reference::ReferenceShape;
use super::rename::{Former, free_name, place};
use crate::migrate::catalog::{Catalog, Relation, quote};

/// Returns the changes that make the existing tables of the reference equal to it, table by table.
///
/// `moved` has the tables in their places. A change on a table that does not exist yet is left out; it is returned when the
/// table exists.
pub fn difference(moved: &Catalog, reference: &ReferenceShape) -> Vec<Change> {
    let mut changes = Vec::new();
    for expected in &reference.catalog.tables {
        if let Some(found) = moved.table(&expected.schema, &expected.name).filter(|found| found.is_table()) {
            changes.extend(Comparison { expected, found, moved }.changes());
        }
    }
    changes
}

/// An existing table beside its expected shape.
#[derive(Clone, Copy)]
struct Comparison<'a> {
    expected: &'a Relation,
    found: &'a Relation,
    moved: &'a Catalog,
}

impl Comparison<'_> {
    fn changes(self) -> Vec<Change> {
        let mut changes = self.column_changes();
        changes.extend(self.constraint_changes());
        changes.extend(self.index_changes());
        changes.extend(self.sequence_changes());
        let mut all = self.room(&changes);
        all.extend(changes);
        all
    }

    /// Returns the renames of other constraints and indexes of the table that have the name of an added one.
    fn room(self, changes: &[Change]) -> Vec<Change> {
        let is_renamed = |oid: i64| {
            changes.iter().any(|change| match &change.inverse {
                Inverse::Place { oid: renamed, .. } | Inverse::ConstraintName { oid: renamed, .. } => *renamed == oid,
                _ => false,
            })
        };
        let mut room = Vec::new();
        for change in changes {
            let (name, former) = match &change.inverse {
                Inverse::Constraint { name, former, .. } => (name, former.as_ref().map(|former| &former.name)),
                Inverse::ForeignKey { name, former, .. } => (name, former.as_ref().map(|former| &former.name)),
                Inverse::Index { name, .. } => (name, None),
                _ => continue,
            };
            let index = self.found.indexes.iter().find(|index| index.name == *name && index.is_valid);
            let constraint = self.found.constraints.iter().find(|found| found.name == *name);
            if former == Some(name) {
                continue;
            }
            match (constraint, index) {
                (Some(found), _) if !is_renamed(found.oid) && !index.is_some_and(|index| is_renamed(index.oid)) => {
                    room.push(self.renamed(found, &free_name(name, found.oid)));
                }
                (None, Some(found)) if !is_renamed(found.oid) => {
                    room.push(self.renamed_index(found, &free_name(name, found.oid)));
                }
                _ => {}
            }
        }
        room
    }

    /// Creates a change under the lock of this table.
    fn locked(self, action: String, statements: Vec<String>, inverse: Inverse) -> Change {
        Change {
            table: self.found.full_name(),
            table_oid: self.found.oid,
            action,
            statements,
            inverse,
            phase: Phase::Locked,
            rule: None,
            also_locks: Vec::new(),
        }
    }

    /// Creates a change that lets readers and writers go on.
    fn concurrent(self, action: String, statements: Vec<String>, inverse: Inverse, rule: Option<Rule>) -> Change {
        Change { phase: Phase::Concurrent, rule, ..self.locked(action, statements, inverse) }
    }

    /// Renames an index or sequence of the table, or brings a sequence beside it.
    fn rename(self, former: &Former, schema: &str, name: &str) -> Change {
        let what = former.class.sql().to_lowercase();
        let action = if former.schema == schema {
            format!("rename {what} {} to {name}", quote(former.name))
        } else {
            format!("move {what} {}.{} to {schema}.{name}", quote(former.schema), quote(former.name))
        };
        let inverse = Inverse::Place {
            oid: former.oid,
            class: former.class,
            schema: former.schema.to_owned(),
            name: former.name.to_owned(),
        };
        self.locked(action, place(former, schema, name), inverse)
    }
}
