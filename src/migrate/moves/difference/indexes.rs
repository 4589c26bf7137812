//! Differences of indexes and sequences: names, and indexes that are missing.

use super::Comparison;
use crate::migrate::catalog::{Index, quote};
use crate::migrate::moves::change::{Change, Class, Inverse};
use crate::migrate::moves::rename::{Former, plain_name, unfinished_name};

impl Comparison<'_> {
    pub(super) fn index_changes(self) -> Vec<Change> {
        let mut matched: Vec<i64> = Vec::new();
        let mut changes = Vec::new();
        // An index that enforces an expected unique rule has the name of the rule.
        let rules = self.expected.constraints.iter().filter(|rule| rule.kind == "u" && !rule.is_deferrable);
        let rules = rules.map(|rule| (&rule.name, format!("btree ({})", rule.columns.join(", ")), true));
        let plain = self.expected.indexes.iter().filter(|index| !index.is_of_constraint);
        let plain = plain.map(|index| (&index.name, index.definition.clone(), index.is_unique));
        for (name, definition, is_unique) in rules.chain(plain) {
            let is_same = |found: &&Index| {
                !matched.contains(&found.oid)
                    && !found.is_of_constraint
                    && found.is_valid
                    && found.name != unfinished_name(name)
                    && found.is_unique == is_unique
                    && found.definition == definition
            };
            let named = self.found.indexes.iter().filter(is_same).find(|found| found.name == *name);
            let found = named.or_else(|| self.found.indexes.iter().find(is_same));
            matched.extend(found.map(|found| found.oid));
            match found {
                Some(found) if found.name != *name => changes.push(self.renamed_index(found, name)),
                None if !is_unique => changes.push(self.missing_index(name, &definition)),
                _ => {}
            }
        }
        let additional = |found: &&Index| !matched.contains(&found.oid) && !found.is_of_constraint;
        for index in self.found.indexes.iter().filter(additional) {
            let name = plain_name(&index.name);
            if name != index.name && self.found.indexes.iter().all(|other| other.name != name) {
                changes.push(self.renamed_index(index, name));
            }
        }
        changes
    }

    pub(super) fn renamed_index(self, index: &Index, name: &str) -> Change {
        let former = Former { class: Class::Index, oid: index.oid, schema: &self.found.schema, name: &index.name };
        self.rename(&former, &self.found.schema, name)
    }

    fn missing_index(self, name: &str, definition: &str) -> Change {
        let statements =
            vec![format!("CREATE INDEX CONCURRENTLY {} ON {} USING {definition}", quote(name), self.found.sql_name())];
        let inverse = Inverse::Index { table: self.found.oid, name: name.to_owned() };
        self.concurrent(format!("create index {name} ({definition})"), statements, inverse, None)
    }

    /// A sequence has the name of its table and column, and stands beside the table.
    pub(super) fn sequence_changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        for sequence in self.found.sequences.iter().filter(|sequence| !sequence.is_shared) {
            let expected = self.expected.sequences.iter().find(|expected| expected.column == sequence.column);
            let name = expected.map_or_else(|| plain_name(&sequence.name), |expected| &expected.name);
            let schema = if sequence.is_owned { &sequence.schema } else { &self.found.schema };
            let former =
                Former { class: Class::Sequence, oid: sequence.oid, schema: &sequence.schema, name: &sequence.name };
            if sequence.name != name || sequence.schema != *schema {
                changes.push(self.rename(&former, schema, name));
            }
        }
        changes
    }
}
