//! Where the seven tables of Administrate's side stand, and under which of the names that are met in the field. Pure.

use super::reference::Reference;
use crate::migrate::catalog::{Catalog, Table};

/// The tables that `adm-schema` places, in the order of the plan.
pub const TABLES: [&str; 7] = [
    "course_templates",
    "custom_fields",
    "instructors",
    "locations",
    "pricelevels",
    "venues",
    "course_template_price_levels",
];

/// Returns the name in schema `lectern` of an empty table that gave way to the one with the rows.
pub fn replaced_name(table: &str) -> String {
    format!("replaced_{table}")
}

/// Former spellings of a table's name.
fn spellings(table: &str) -> Vec<String> {
    let mut names = vec![table.to_owned()];
    if table == "custom_fields" {
        names.push("customfields".to_owned());
    }
    names
}

/// Returns every name that the seven tables have or had, without their schema.
pub fn former_names() -> Vec<String> {
    TABLES.iter().flat_map(|table| spellings(table)).flat_map(|name| [format!("adm.{name}"), name]).collect()
}

/// What is to be done with one of the seven tables.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Into schema `adm`.
    Move,
    /// Into schema `adm`, under another name.
    MoveAndRename,
    /// It is in its place.
    Skip,
    /// It exists nowhere.
    Create,
    /// It cannot be decided; nothing is moved.
    Conflict,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Action::Move => "move",
            Action::MoveAndRename => "move_and_rename",
            Action::Skip => "skip",
            Action::Create => "create",
            Action::Conflict => "conflict",
        }
    }
}

/// One of the seven tables with what was found.
#[derive(Debug, Clone)]
pub struct Placement<'a> {
    pub table: &'static str,
    pub action: Action,
    /// Relations that may be the table, the chosen one first.
    pub found: Vec<&'a Table>,
    /// An empty table in the target's place, which gives way.
    pub gives_way: Option<&'a Table>,
    pub problem: Option<String>,
}

impl<'a> Placement<'a> {
    /// The table that holds the rows, unless it has to be created.
    pub fn source(&self) -> Option<&'a Table> {
        matches!(self.action, Action::Move | Action::MoveAndRename | Action::Skip)
            .then(|| self.found.first().copied())
            .flatten()
    }
}

/// Tables by OID of which it is known whether they contain rows.
pub type Rows = std::collections::HashMap<i64, bool>;

/// Returns the relations whose rows decide where a table is: every spelling of the seven tables.
pub fn candidates(catalog: &Catalog) -> Vec<&Table> {
    TABLES.iter().flat_map(|table| candidates_of(catalog, table)).collect()
}

fn candidates_of<'a>(catalog: &'a Catalog, table: &str) -> Vec<&'a Table> {
    let names: Vec<String> =
        spellings(table).into_iter().flat_map(|name| [format!("adm.{name}"), name]).collect();
    let is_candidate = |found: &&Table| {
        (found.schema == "public" || found.schema == "adm") && names.contains(&found.name) && !is_compat_view(found)
    };
    let mut found: Vec<&Table> = catalog.tables.iter().filter(is_candidate).collect();
    found.sort_by_key(|found| !is_target(found, table));
    found
}

/// A view in schema `public` stands for a moved table and is none itself.
fn is_compat_view(table: &Table) -> bool {
    table.schema == "public" && table.kind == "v"
}

fn is_target(found: &Table, table: &str) -> bool {
    found.schema == "adm" && found.name == table
}

/// Decides for each of the seven tables.
pub fn placements<'a>(catalog: &'a Catalog, reference: &Reference, rows: &Rows) -> Vec<Placement<'a>> {
    TABLES.iter().map(|table| placement(catalog, reference, rows, table)).collect()
}

fn placement<'a>(catalog: &'a Catalog, reference: &Reference, rows: &Rows, table: &'static str) -> Placement<'a> {
    let found = candidates_of(catalog, table);
    let (right, wrong): (Vec<&Table>, Vec<&Table>) =
        found.into_iter().partition(|found| reference.problem_as("adm", table, found).is_none());
    let has_rows = |found: &Table| rows.get(&found.oid).copied().unwrap_or(true);
    let conflict = |problem: String, found: Vec<&'a Table>| Placement {
        table,
        action: Action::Conflict,
        found,
        gives_way: None,
        problem: Some(problem),
    };
    // A relation of another shape matters only in the target's place, or where the table would be missing.
    if let Some(wrong) = wrong.iter().find(|wrong| is_target(wrong, table) || right.is_empty()) {
        let problem = reference.problem_as("adm", table, wrong).unwrap_or_default();
        return conflict(problem, vec![wrong]);
    }
    let (filled, empty): (Vec<&Table>, Vec<&Table>) = right.iter().partition(|found| has_rows(found));
    let chosen = match (filled.as_slice(), empty.as_slice()) {
        ([], []) => {
            return Placement { table, action: Action::Create, found: right, gives_way: None, problem: None };
        }
        ([], empty) => most_connected(empty),
        ([one], _) => one,
        (several, _) => {
            let names: Vec<String> = several.iter().map(|found| found.full_name()).collect();
            return conflict(
                format!(
                    "{} contain rows, and only one of them can become adm.{table}: merge them, or rename the ones that \
                     Lectern must not use",
                    names.join(" and ")
                ),
                several.to_vec(),
            );
        }
    };
    let others: Vec<&Table> = right.iter().copied().filter(|found| found.oid != chosen.oid).collect();
    let target = others.iter().copied().find(|found| is_target(found, table));
    if let Some(target) = target
        && let Some(user) = foreign_user(target, catalog, rows)
    {
        return conflict(
            format!(
                "adm.{table} is empty, but {user} depends on it, and the rows are in {}: remove that dependency, or the \
                 empty table",
                chosen.full_name()
            ),
            vec![chosen, target],
        );
    }
    let action = match () {
        () if is_target(chosen, table) => Action::Skip,
        () if chosen.schema == "public" && chosen.name == table => Action::Move,
        () => Action::MoveAndRename,
    };
    let problem = (!chosen.is_owned && action != Action::Skip).then(|| {
        format!(
            "{} belongs to the role {}, and {} is no member of it: run `lectern migrate` as its owner",
            chosen.full_name(),
            chosen.owner,
            catalog.user
        )
    });
    let action = if problem.is_some() { Action::Conflict } else { action };
    let mut found = vec![chosen];
    found.extend(others);
    Placement { table, action, found, gives_way: target, problem }
}

/// Of empty tables, the one on which most depends.
fn most_connected<'a>(empty: &[&'a Table]) -> &'a Table {
    let mut best = empty[0];
    for table in &empty[1..] {
        let weight = |table: &Table| table.referenced_by.len() + table.dependents.len();
        if weight(table) > weight(best) {
            best = table;
        }
    }
    best
}

/// Returns what depends on an empty table and is not an empty table itself.
fn foreign_user(target: &Table, catalog: &Catalog, rows: &Rows) -> Option<String> {
    if let Some(view) = target.dependents.first() {
        return Some(format!("{}.{}", view.schema, view.name));
    }
    let user = target.referenced_by.iter().find(|user| {
        let table = catalog.table(&user.schema, &user.table);
        table.is_none_or(|table| rows.get(&table.oid).copied().unwrap_or(true))
    })?;
    Some(format!("{}.{}", user.schema, user.table))
}
