//! Differences of constraints: names, actions of foreign keys, and rules that are missing.

use super::Comparison;
use super::early::is_former_rule;
use crate::migrate::catalog::{Constraint, KeyTarget, quote};
use crate::migrate::moves::change::{Change, Class, ForeignKey, FormerConstraint, Inverse, Rule, action_words};
use crate::migrate::moves::recognition::replaced_name;
use crate::migrate::moves::rename::{Former, column_list, plain_name, unfinished_name};

impl<'a> Comparison<'a> {
    pub(super) fn constraint_changes(self) -> Vec<Change> {
        let mut matched: Vec<i64> = Vec::new();
        let mut changes = Vec::new();
        for expected in &self.expected.constraints {
            let found = self.counterpart(expected, &matched);
            matched.extend(found.map(|found| found.oid));
            match (expected.kind.as_str(), found) {
                ("f", found) => changes.extend(self.foreign_key(expected, found)),
                ("u", Some(found)) if expected.is_deferrable && !found.is_deferrable => {
                    changes.push(self.unique(expected, Some(found)));
                }
                ("u", None) if !self.has_unique_index(expected) => changes.push(self.unique(expected, None)),
                ("c", None) => changes.push(self.check(expected)),
                (_, Some(found)) if found.name != expected.name => changes.push(self.renamed(found, &expected.name)),
                _ => {}
            }
        }
        for additional in self.found.constraints.iter().filter(|found| !matched.contains(&found.oid)) {
            if additional.kind == "u" && is_former_rule(self.expected, &additional.columns) {
                changes.push(self.dropped(additional));
                continue;
            }
            let name = plain_name(&additional.name);
            if name != additional.name && self.found.constraints.iter().all(|other| other.name != name) {
                changes.push(self.renamed(additional, name));
            }
        }
        changes
    }

    /// Returns the existing constraint that requires the same.
    fn counterpart(self, expected: &Constraint, matched: &[i64]) -> Option<&'a Constraint> {
        let is_same = |found: &&Constraint| {
            let columns = || sorted(&found.columns) == sorted(&expected.columns);
            !matched.contains(&found.oid)
                && found.kind == expected.kind
                && match (&expected.target, &found.target) {
                    (Some(target), Some(found_target)) => columns() && self.is_target(target, found_target),
                    _ if expected.kind == "c" => same_condition(&expected.definition, &found.definition),
                    _ => columns(),
                }
        };
        // Of several, the one with the right name.
        let named = self.found.constraints.iter().filter(is_same).find(|found| found.name == expected.name);
        named.or_else(|| self.found.constraints.iter().find(is_same))
    }

    /// Reports whether a foreign key refers to the expected table, or to the empty one that gave way to it.
    fn is_target(self, expected: &KeyTarget, found: &KeyTarget) -> bool {
        let right = self.moved.table(&expected.schema, &expected.table);
        expected.columns == found.columns
            && (right.is_some_and(|right| right.oid == found.oid)
                || found.schema == "lectern" && found.table == replaced_name(&expected.table))
    }

    fn foreign_key(self, expected: &Constraint, found: Option<&Constraint>) -> Option<Change> {
        let target = expected.target.as_ref()?;
        let right = self.moved.table(&target.schema, &target.table)?;
        let was = found.and_then(|found| Some((found, found.target.as_ref()?)));
        if let Some((found, found_target)) = was
            && found_target.on_delete == target.on_delete
            && found_target.oid == right.oid
        {
            return (found.name != expected.name).then(|| self.renamed(found, &expected.name));
        }
        let key = ForeignKey {
            name: expected.name.clone(),
            columns: expected.columns.clone(),
            target: right.oid,
            target_columns: target.columns.clone(),
            on_delete: target.on_delete.clone(),
            on_update: was.map_or(&target.on_update, |(_, target)| &target.on_update).clone(),
            is_deferrable: was.is_some_and(|(found, _)| found.is_deferrable),
            is_deferred: was.is_some_and(|(found, _)| found.is_deferred),
            is_valid: true,
        };
        let former = was.map(|(found, target)| ForeignKey {
            name: found.name.clone(),
            columns: found.columns.clone(),
            target: target.oid,
            target_columns: target.columns.clone(),
            on_delete: target.on_delete.clone(),
            on_update: target.on_update.clone(),
            is_deferrable: found.is_deferrable,
            is_deferred: found.is_deferred,
            is_valid: found.is_valid,
        });
        Some(self.replaced_key(&key, former, &right.full_name(), &right.sql_name()))
    }

    fn replaced_key(self, key: &ForeignKey, former: Option<ForeignKey>, target: &str, target_sql: &str) -> Change {
        let (table, name) = (self.found.sql_name(), quote(&key.name));
        let mut statements = Vec::new();
        if let Some(former) = &former {
            statements.push(format!("ALTER TABLE {table} DROP CONSTRAINT {}", quote(&former.name)));
        }
        let definition = key.definition(target_sql);
        statements.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID"));
        let action = match (&former, action_words(&key.on_delete)) {
            (Some(_), Some(action)) => format!("replace foreign key {} by one with ON DELETE {action}", key.name),
            (Some(_), None) => format!("replace foreign key {}", key.name),
            (None, _) => format!("add foreign key {} to {target}", key.name),
        };
        let rule = former.is_none().then(|| Rule::ForeignKey {
            name: key.name.clone(),
            columns: key.columns.clone(),
            target_oid: key.target,
            target: target.to_owned(),
            target_columns: key.target_columns.clone(),
        });
        let former_target = former.as_ref().map(|former| former.target);
        let inverse = Inverse::ForeignKey { table: self.found.oid, name: key.name.clone(), former };
        let also_locks = [key.target].into_iter().chain(former_target).collect();
        Change { also_locks, rule, ..self.locked(action, statements, inverse) }
    }

    /// Builds the index while readers and writers go on; only the constraint is added under the lock.
    fn unique(self, expected: &Constraint, found: Option<&Constraint>) -> Change {
        let (table, name, columns) = (self.found.sql_name(), &expected.name, column_list(&expected.columns));
        let index = unfinished_name(name);
        let drop = found.map(|found| format!("DROP CONSTRAINT {}, ", quote(&found.name))).unwrap_or_default();
        let deferrable = if expected.is_deferrable { " DEFERRABLE INITIALLY IMMEDIATE" } else { "" };
        let statements = vec![
            format!("CREATE UNIQUE INDEX CONCURRENTLY {} ON {table} ({columns})", quote(&index)),
            format!(
                "ALTER TABLE {table} {drop}ADD CONSTRAINT {} UNIQUE USING INDEX {}{deferrable}",
                quote(name),
                quote(&index)
            ),
        ];
        let columns = expected.columns.join(", ");
        let action = match found {
            Some(_) => format!("make unique constraint {name} ({columns}) deferrable"),
            None => format!("add unique constraint {name} ({columns})"),
        };
        let rule = Rule::Unique { name: name.clone(), columns: expected.columns.clone() };
        let former =
            found.map(|found| FormerConstraint { name: found.name.clone(), definition: found.definition.clone() });
        let inverse = Inverse::Constraint { table: self.found.oid, name: name.clone(), former };
        self.concurrent(action, statements, inverse, Some(rule))
    }

    /// Drops a unique rule that holds no longer.
    fn dropped(self, found: &Constraint) -> Change {
        let sql = format!("ALTER TABLE {} DROP CONSTRAINT {}", self.found.sql_name(), quote(&found.name));
        let former = FormerConstraint { name: found.name.clone(), definition: found.definition.clone() };
        let inverse = Inverse::Constraint { table: self.found.oid, name: found.name.clone(), former: Some(former) };
        let columns = found.columns.join(", ");
        self.locked(format!("drop unique constraint {} ({columns}): values may repeat", found.name), vec![sql], inverse)
    }

    fn check(self, expected: &Constraint) -> Change {
        let (table, name) = (self.found.sql_name(), &expected.name);
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {} {} NOT VALID", quote(name), expected.definition);
        let condition = expected.definition.trim_start_matches("CHECK ").to_owned();
        let inverse = Inverse::Constraint { table: self.found.oid, name: name.clone(), former: None };
        let action = format!("add check {name}: {condition}");
        let rule = Rule::Check { name: name.clone(), condition };
        Change { rule: Some(rule), ..self.locked(action, vec![sql], inverse) }
    }

    /// Reports whether an index without a constraint already enforces a unique rule.
    fn has_unique_index(self, expected: &Constraint) -> bool {
        let definition = format!("btree ({})", expected.columns.join(", "));
        let is_same = |index: &&crate::migrate::catalog::Index| {
            index.is_unique
                && index.is_valid
                && index.definition == definition
                && index.name != unfinished_name(&expected.name)
        };
        !expected.is_deferrable && self.found.indexes.iter().any(|index| is_same(&index))
    }

    /// Renames a constraint; one with an index through the index, which needs the weaker lock.
    pub(super) fn renamed(self, found: &Constraint, name: &str) -> Change {
        let index = self.found.indexes.iter().find(|index| index.is_of_constraint && index.name == found.name);
        if let Some(index) = index.filter(|_| matches!(found.kind.as_str(), "p" | "u" | "x")) {
            let former = Former { class: Class::Index, oid: index.oid, schema: &self.found.schema, name: &index.name };
            return self.rename(&former, &self.found.schema, name);
        }
        let sql = format!(
            "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
            self.found.sql_name(),
            quote(&found.name),
            quote(name)
        );
        let inverse = Inverse::ConstraintName { table: self.found.oid, oid: found.oid, name: found.name.clone() };
        self.locked(format!("rename constraint {} to {name}", quote(&found.name)), vec![sql], inverse)
    }
}

fn sorted(columns: &[String]) -> Vec<&String> {
    let mut columns: Vec<&String> = columns.iter().collect();
    columns.sort();
    columns
}

/// Compares two check constraints as PostgreSQL writes them.
fn same_condition(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches(" NOT VALID").to_owned();
    plain(a) == plain(b)
}
