//! Which changes of a journal are undone together, and the tables that they lock.

use crate::migrate::catalog::{Catalog, Relation};
use crate::migrate::moves::change::{Class, Inverse};
use crate::migrate::moves::store;

/// Returns the tables that these changes lock. A foreign key belongs to two.
pub(super) fn changed_tables<'a>(inverses: impl IntoIterator<Item = &'a Inverse>, catalog: &Catalog) -> Vec<i64> {
    let mut oids: Vec<i64> = Vec::new();
    for inverse in inverses {
        oids.extend(table_oid(inverse));
        if let Inverse::ForeignKey { table, name, former } = inverse {
            oids.extend(former.as_ref().map(|former| former.target));
            let keys = store::table_of(catalog, *table).into_iter().flat_map(|table| &table.constraints);
            let key = keys.filter(|key| key.name == *name).find_map(|key| key.target.as_ref());
            oids.extend(key.map(|target| target.oid));
        }
    }
    let is_changed = |table: &&Relation| {
        let sequences = table.sequences.iter().map(|sequence| sequence.oid);
        let parts = table.indexes.iter().map(|index| index.oid).chain(sequences).chain([table.oid]);
        table.is_table() && parts.into_iter().any(|part| oids.contains(&part))
    };
    catalog.tables.iter().filter(is_changed).map(|table| table.oid).collect()
}

/// Returns where the last changes begin that are undone together: those of one table, or all tables that were moved together.
pub(super) fn last_group(journal: &[Inverse], catalog: &Catalog) -> usize {
    let key = |inverse: &Inverse| {
        let oid = table_oid(inverse)?;
        let owner = catalog.tables.iter().find(|table| {
            let parts = table.indexes.iter().map(|index| index.oid);
            parts.chain(table.sequences.iter().map(|sequence| sequence.oid)).any(|part| part == oid)
        });
        // Each foreign key belongs to other two tables.
        let key = if let Inverse::ForeignKey { name, .. } = inverse { name.as_str() } else { "" };
        Some((owner.map_or(oid, |table| table.oid), key.to_owned()))
    };
    let is_moved = |inverse: &Inverse| {
        matches!(inverse, Inverse::Place { class: Class::Table, .. }) || table_oid(inverse).is_none()
    };
    let Some(last) = journal.last() else { return 0 };
    if is_moved(last) {
        return 0;
    }
    let same = journal.iter().rev().take_while(|inverse| !is_moved(inverse) && key(inverse) == key(last)).count();
    journal.len() - same
}

/// Returns the table or relation that an inverse changes.
pub(super) fn table_oid(inverse: &Inverse) -> Option<i64> {
    match inverse {
        Inverse::ConstraintName { table, .. }
        | Inverse::ForeignKey { table, .. }
        | Inverse::Constraint { table, .. }
        | Inverse::Validation { table, .. }
        | Inverse::Index { table, .. }
        | Inverse::Column { table, .. }
        | Inverse::Default { table, .. }
        | Inverse::NotNull { table, .. }
        | Inverse::ArrayType { table, .. }
        | Inverse::Trigger { table, .. } => Some(*table),
        Inverse::Place { oid, .. } => Some(*oid),
        Inverse::Usage { .. } | Inverse::View { .. } | Inverse::References { .. } | Inverse::Schema { .. } => None,
    }
}
