//! The plan of both moves: where the seven tables go, and what changes of the tables that are adopted. Pure.

use super::change::{Change, Class, Inverse, Phase, Rule};
use super::compat_views;
use super::difference::difference;
use super::recognition::{self, Action, Placement, TABLES, placements, replaced_name};
use super::reference::ReferenceShape;
use super::rename::{Former, place};
use super::state::refused_state;
use crate::migrate::catalog::{Catalog, Relation, quote};

/// What both moves would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// The seven tables.
    pub placements: Vec<PlacedTable>,
    /// OIDs of empty tables that give way to one with rows.
    pub gives_way: Vec<i64>,
    /// Statements of `adm-schema` under one lock.
    pub moving: Vec<Change>,
    /// Names that follow the moved tables.
    pub names: Vec<Change>,
    /// The changes of `adopt`.
    pub adoption: Vec<Change>,
    /// Why `adm-schema` is refused.
    pub placement_conflicts: Vec<String>,
    /// Why `adopt` is refused.
    pub adoption_conflicts: Vec<String>,
    /// Whether the database had tables of the reference before.
    pub has_tables: bool,
    /// The catalogue as it is after `adm-schema`.
    pub moved: Catalog,
}

/// One of the seven tables, as the plan shows it.
#[derive(Debug, Clone)]
pub struct PlacedTable {
    pub table: &'static str,
    pub action: Action,
    /// Where it was found, with the schema.
    pub found: Vec<String>,
    /// OID of the table with the rows.
    pub oid: Option<i64>,
    pub bytes: i64,
    pub dependents: Vec<String>,
}

impl Plan {
    /// Plans both moves.
    pub fn new(catalog: &Catalog, reference: &ReferenceShape, rows: &recognition::Rows) -> Plan {
        let placements = placements(catalog, reference, rows);
        let mut plan = Plan {
            placement_conflicts: placements.iter().filter_map(|placement| placement.problem.clone()).collect(),
            placements: placements.iter().map(PlacedTable::new).collect(),
            ..Plan::default()
        };
        let moved = moved(catalog, &placements);
        plan.has_tables =
            reference.catalog.tables.iter().any(|table| moved.table(&table.schema, &table.name).is_some());
        plan.adoption_conflicts.extend(refused_state(catalog));
        plan.adoption_conflicts.extend(other_shapes(&moved, reference));
        if plan.has_conflict() {
            plan.moved = moved;
            return plan;
        }
        let moved_ones = placements.iter().filter(|placement| is_moved(placement));
        plan.gives_way = moved_ones.filter_map(|placement| placement.gives_way).map(|table| table.oid).collect();
        plan.moving = placements.iter().flat_map(|placement| moving(placement, catalog)).collect();
        let moving: Vec<i64> = placements.iter().filter(|placement| is_moved(placement)).filter_map(oid).collect();
        let is_name =
            |change: &Change| matches!(change.inverse, Inverse::Place { .. } | Inverse::ConstraintName { .. });
        let changes = without_name_clashes(difference(&moved, reference), &moved);
        (plan.names, plan.adoption) =
            changes.into_iter().partition(|change| is_name(change) && moving.contains(&change.table_oid));
        plan.adoption_conflicts.extend(other_owners(&moved, &plan.adoption));
        let has_work = !plan.moving.is_empty() || plan.adoption.iter().any(|change| change.rule.is_none());
        if has_work {
            plan.adoption_conflicts.extend(moved.fixed_schemas_message());
            plan.adoption_conflicts.extend(moved.fixed_database_message());
        }
        let views = compat_views::around(&moved, &plan.adoption).err();
        plan.adoption_conflicts.extend(views.map(|error| error.to_string()));
        plan.moved = moved;
        plan
    }

    pub fn has_conflict(&self) -> bool {
        !self.placement_conflicts.is_empty() || !self.adoption_conflicts.is_empty()
    }
}

impl PlacedTable {
    fn new(placement: &Placement) -> PlacedTable {
        let source = placement.source().or_else(|| placement.found.first().copied());
        let mut dependents: Vec<String> = Vec::new();
        if let Some(table) = source {
            dependents.extend(table.dependents.iter().map(|view| format!("view {}.{}", view.schema, view.name)));
            let foreign = |key: &crate::migrate::catalog::InboundKey| format!("foreign key of {}", key.table_name());
            dependents.extend(table.referenced_by.iter().map(foreign));
            dependents.extend(table.triggers.iter().map(|trigger| format!("trigger {}", trigger.name)));
        }
        PlacedTable {
            table: placement.table,
            action: placement.action.clone(),
            found: placement.found.iter().map(|found| found.full_name()).collect(),
            oid: source.map(|table| table.oid),
            bytes: source.map_or(0, |table| table.bytes),
            dependents,
        }
    }

    /// Reports whether the table is not in schema `adm` under its name.
    pub fn is_misplaced(&self) -> bool {
        self.action != Action::Skip
    }

    pub fn is_moved(&self) -> bool {
        matches!(self.action, Action::Move | Action::MoveAndRename)
    }
}

fn is_moved(placement: &Placement) -> bool {
    matches!(placement.action, Action::Move | Action::MoveAndRename)
}

fn oid(placement: &Placement) -> Option<i64> {
    placement.source().map(|table| table.oid)
}

/// Returns the catalogue as it is after `adm-schema`.
fn moved(catalog: &Catalog, placements: &[Placement]) -> Catalog {
    let mut moved = catalog.clone();
    for placement in placements {
        let Some(source) = placement.source() else { continue };
        for table in &mut moved.tables {
            if placement.gives_way.is_some_and(|gives_way| gives_way.oid == table.oid) {
                rename(table, "lectern", &replaced_name(placement.table));
            } else if table.oid == source.oid {
                rename(table, "adm", placement.table);
            }
        }
    }
    // Foreign keys refer by OID; their targets have the new names too.
    let places: Vec<(i64, String, String)> =
        moved.tables.iter().map(|table| (table.oid, table.schema.clone(), table.name.clone())).collect();
    for constraint in moved.tables.iter_mut().flat_map(|table| &mut table.constraints) {
        let Some(target) = &mut constraint.target else { continue };
        if let Some((_, schema, name)) = places.iter().find(|(oid, ..)| *oid == target.oid) {
            (target.schema, target.table) = (schema.clone(), name.clone());
        }
    }
    moved
}

fn rename(table: &mut Relation, schema: &str, name: &str) {
    (table.schema, table.name) = (schema.to_owned(), name.to_owned());
    for sequence in table.sequences.iter_mut().filter(|sequence| sequence.is_owned) {
        sequence.schema = schema.to_owned();
    }
}

/// Returns the changes that bring one of the seven tables to its place.
fn moving(placement: &Placement, catalog: &Catalog) -> Vec<Change> {
    let Some(source) = placement.source().filter(|_| is_moved(placement)) else { return Vec::new() };
    let mut changes = Vec::new();
    if let Some(gives_way) = placement.gives_way {
        changes.push(placed(gives_way, "lectern", &replaced_name(placement.table)));
    }
    changes.extend(clashing_names(source, catalog, placement.gives_way));
    changes.push(placed(source, "adm", placement.table));
    changes
}

fn placed(table: &Relation, schema: &str, name: &str) -> Change {
    let former = Former { class: Class::Table, oid: table.oid, schema: &table.schema, name: &table.name };
    Change {
        table: table.full_name(),
        table_oid: table.oid,
        action: format!("move {} to {schema}.{name}", table.full_name()),
        statements: place(&former, schema, name),
        inverse: Inverse::Place {
            oid: table.oid,
            class: Class::Table,
            schema: table.schema.clone(),
            name: table.name.clone(),
        },
        phase: Phase::Locked,
        rule: None,
        also_locks: Vec::new(),
    }
}

/// Indexes and sequences go with their table. One whose name is taken in `adm` gets another name first.
fn clashing_names(source: &Relation, catalog: &Catalog, gives_way: Option<&Relation>) -> Vec<Change> {
    if source.schema == "adm" {
        return Vec::new();
    }
    let taken = relation_names(catalog, "adm", gives_way.map(|table| table.oid));
    let mut changes = Vec::new();
    let indexes = source.indexes.iter().map(|index| (Class::Index, index.oid, &index.name));
    let owned = source.sequences.iter().filter(|sequence| sequence.is_owned);
    let sequences = owned.map(|sequence| (Class::Sequence, sequence.oid, &sequence.name));
    for (class, oid, name) in indexes.chain(sequences).filter(|(_, _, name)| taken.contains(name)) {
        let former = Former { class, oid, schema: &source.schema, name };
        let free = format!("{}_{oid}", name.chars().take(50).collect::<String>());
        let inverse = Inverse::Place { oid, class, schema: source.schema.clone(), name: name.clone() };
        let action = format!("rename {} {} to {free}, because adm has one of its name", class.sql(), quote(name));
        let statements = place(&former, &source.schema, &free);
        changes.push(Change { action, statements, inverse, ..placed(source, "adm", &source.name) });
    }
    changes
}

/// Returns the names of all relations of a schema.
fn relation_names(catalog: &Catalog, schema: &str, without: Option<i64>) -> Vec<String> {
    let tables = catalog.tables.iter().filter(|table| table.schema == schema && Some(table.oid) != without);
    let others = catalog.others.iter().filter(|other| other.schema == schema).map(|other| other.name.clone());
    tables
        .flat_map(|table| {
            let owned = table.sequences.iter().filter(|sequence| sequence.schema == schema);
            let names = owned.map(|sequence| sequence.name.clone()).chain([table.name.clone()]);
            names.chain(table.indexes.iter().map(|index| index.name.clone())).collect::<Vec<_>>()
        })
        .chain(others)
        .collect()
}

/// Renames in two steps where a name is still that of another object, and not at all where that one has it to the end.
fn without_name_clashes(changes: Vec<Change>, moved: &Catalog) -> Vec<Change> {
    let mut renamed: Vec<(String, String)> = Vec::new();
    let (mut ordered, mut last) = (Vec::new(), Vec::new());
    for schema in ["public", "acted", "adm"] {
        renamed.extend(relation_names(moved, schema, None).into_iter().map(|name| (schema.to_owned(), name)));
    }
    let leaves = |oid: i64| {
        changes.iter().any(|change| matches!(&change.inverse, Inverse::Place { oid: other, .. } if *other == oid))
    };
    for mut change in changes.clone() {
        if let Inverse::Place { oid, class, schema, name } = &change.inverse
            && let Some(new_name) = new_name(&change)
            && *class != Class::Table
            && new_name != *name
            && let Some(holder) = holder(moved, schema, &new_name).filter(|holder| holder != oid)
        {
            if !leaves(holder) {
                continue;
            }
            // The other one is renamed too, perhaps later: this one waits under a free name.
            let waiting = format!("lectern_{oid}");
            let relation = |name: &str| format!("{}.{}", quote(schema), quote(name));
            change.statements = vec![format!("ALTER {} {} RENAME TO {}", class.sql(), relation(name), quote(&waiting))];
            let sql = format!("ALTER {} {} RENAME TO {}", class.sql(), relation(&waiting), quote(&new_name));
            ordered.insert(0, change.clone());
            last.push(Change { statements: vec![sql], ..change });
            continue;
        }
        ordered.push(change);
    }
    ordered.extend(last);
    ordered
}

fn new_name(change: &Change) -> Option<String> {
    let sql = change.statements.last()?;
    let (_, name) = sql.rsplit_once(" RENAME TO ")?;
    Some(name.trim_matches('"').replace("\"\"", "\""))
}

fn holder(catalog: &Catalog, schema: &str, name: &str) -> Option<i64> {
    let other = catalog.others.iter().find(|other| other.schema == schema && other.name == name);
    let of_table = catalog.tables.iter().find_map(|table| {
        let index = table.indexes.iter().filter(|_| table.schema == schema).find(|index| index.name == name);
        let sequence = table.sequences.iter().find(|sequence| sequence.schema == schema && sequence.name == name);
        let own = (table.schema == schema && table.name == name).then_some(table.oid);
        index.map(|index| index.oid).or(sequence.map(|sequence| sequence.oid)).or(own)
    });
    of_table.or(other.map(|other| other.oid))
}

/// Returns the tables that cannot become those of the reference.
fn other_shapes(moved: &Catalog, reference: &ReferenceShape) -> Vec<String> {
    let others = reference
        .catalog
        .tables
        .iter()
        .filter(|table| !(table.schema == "adm" && TABLES.contains(&table.name.as_str())));
    let problem = |table: &Relation| {
        let found = moved.table(&table.schema, &table.name)?;
        reference.problem_as(&table.schema, &table.name, found)
    };
    others.filter_map(problem).collect()
}

/// Returns the tables that the user of the connection may not change.
fn other_owners(moved: &Catalog, changes: &[Change]) -> Vec<String> {
    let is_changed = |table: &&Relation| changes.iter().any(|change| change.table_oid == table.oid);
    let foreign = moved.tables.iter().filter(|table| table.is_table() && !table.is_owned).filter(is_changed);
    foreign.map(|table| table.foreign_owner_message(&moved.user)).collect()
}

/// Returns the rules of changes that rows may break.
pub fn rules(changes: &[Change]) -> impl Iterator<Item = (&Change, &Rule)> {
    changes.iter().filter_map(|change| Some((change, change.rule.as_ref()?)))
}
