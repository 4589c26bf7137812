//! Where the seven tables of Administrate's side stand, and under which of the names that are met in the field. Pure.

use super::reference::ReferenceShape;
use crate::migrate::catalog::{Catalog, Relation};

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

/// Returns the places of a table, with their schemas: the one that it has and those that it may have had.
pub fn former_places(table: &Relation) -> Vec<String> {
    let mut places = vec![format!("{}.{}", table.schema, table.name)];
    if table.schema == "adm" && TABLES.contains(&table.name.as_str()) {
        let names = spellings(&table.name).into_iter().flat_map(|name| [format!("adm.{name}"), name]);
        places.extend(names.flat_map(|name| ["public", "adm"].map(|schema| format!("{schema}.{name}"))));
    }
    places
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
    /// It does not exist.
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
    pub found: Vec<&'a Relation>,
    /// An empty table in the target's place, which gives way.
    pub gives_way: Option<&'a Relation>,
    pub problem: Option<String>,
}

impl<'a> Placement<'a> {
    fn conflict(table: &'static str, found: Vec<&'a Relation>, problem: String) -> Self {
        Placement { table, action: Action::Conflict, found, gives_way: None, problem: Some(problem) }
    }

    /// The table that holds the rows, unless it has to be created.
    pub fn source(&self) -> Option<&'a Relation> {
        matches!(self.action, Action::Move | Action::MoveAndRename | Action::Skip)
            .then(|| self.found.first().copied())
            .flatten()
    }
}

/// Tables by OID of which it is known whether they contain rows.
pub type Rows = std::collections::HashMap<i64, bool>;

/// Returns the relations whose rows decide where a table is: every spelling of the seven tables.
pub fn candidates(catalog: &Catalog) -> Vec<&Relation> {
    TABLES.iter().flat_map(|table| candidates_of(catalog, table)).collect()
}

fn candidates_of<'a>(catalog: &'a Catalog, table: &str) -> Vec<&'a Relation> {
    let names: Vec<String> = spellings(table).into_iter().flat_map(|name| [format!("adm.{name}"), name]).collect();
    let is_candidate =
        |found: &&Relation| (found.schema == "public" || found.schema == "adm") && names.contains(&found.name);
    let mut found: Vec<&Relation> = catalog.tables.iter().filter(is_candidate).collect();
    // Without the table, the rows behind such a view are in a table of another name.
    if found.iter().any(|found| found.is_table()) {
        found.retain(|found| !is_compat_view(found));
    }
    found.sort_by_key(|found| !is_target(found, table));
    found
}

/// A view in schema `public` stands for a moved table and is none itself.
fn is_compat_view(table: &Relation) -> bool {
    table.schema == "public" && table.kind == "v"
}

fn is_target(found: &Relation, table: &str) -> bool {
    found.schema == "adm" && found.name == table
}

/// Decides for each of the seven tables.
pub fn placements<'a>(catalog: &'a Catalog, reference: &ReferenceShape, rows: &Rows) -> Vec<Placement<'a>> {
    TABLES.iter().map(|table| placement(catalog, reference, rows, table)).collect()
}

fn placement<'a>(catalog: &'a Catalog, reference: &ReferenceShape, rows: &Rows, table: &'static str) -> Placement<'a> {
    let (right, wrong): (Vec<&Relation>, Vec<&Relation>) = candidates_of(catalog, table)
        .into_iter()
        .partition(|found| reference.problem_as("adm", table, found).is_none());
    // A relation of another shape matters only in the target's place, or where the table would be missing.
    if let Some(wrong) = wrong.iter().find(|wrong| is_target(wrong, table) || right.is_empty()) {
        let problem = reference.problem_as("adm", table, wrong).unwrap_or_default();
        return Placement::conflict(table, vec![wrong], problem);
    }
    if let Some(other) = catalog.others.iter().find(|other| other.schema == "adm" && other.name == table) {
        let problem = format!("{}.{} exists and is not a table: rename it", other.schema, other.name);
        return Placement::conflict(table, right, problem);
    }
    let has_rows = |found: &Relation| rows.get(&found.oid).copied().unwrap_or(true);
    let (filled, empty): (Vec<&Relation>, Vec<&Relation>) = right.iter().partition(|found| has_rows(found));
    let chosen = match (filled.as_slice(), empty.as_slice()) {
        ([], []) => {
            return Placement { table, action: Action::Create, found: right, gives_way: None, problem: None };
        }
        ([], empty) => most_connected(empty),
        ([one], _) => one,
        (several, _) => return Placement::conflict(table, several.to_vec(), several_message(table, several)),
    };
    let others: Vec<&Relation> = right.iter().copied().filter(|found| found.oid != chosen.oid).collect();
    let target = others.iter().copied().find(|found| is_target(found, table));
    if let Some(target) = target
        && let Some(user) = foreign_user(target, catalog, rows)
    {
        let problem = format!(
            "adm.{table} is empty, but {user} depends on it, and the rows are in {}: remove that dependency, or the empty \
             table",
            chosen.full_name()
        );
        return Placement::conflict(table, vec![chosen, target], problem);
    }
    let action = match () {
        () if is_target(chosen, table) => Action::Skip,
        () if chosen.schema == "public" && chosen.name == table => Action::Move,
        () => Action::MoveAndRename,
    };
    if !chosen.is_owned && action != Action::Skip {
        return Placement::conflict(table, vec![chosen], chosen.foreign_owner_message(&catalog.user));
    }
    let found = [chosen].into_iter().chain(others).collect();
    Placement { table, action, found, gives_way: target, problem: None }
}

fn several_message(table: &str, several: &[&Relation]) -> String {
    let names: Vec<String> = several.iter().map(|found| found.full_name()).collect();
    format!(
        "{} contain rows, and only one of them can become adm.{table}: merge them, or rename the ones that Lectern must not \
         use",
        names.join(" and ")
    )
}

/// Of empty tables, the one on which most depends.
fn most_connected<'a>(empty: &[&'a Relation]) -> &'a Relation {
    let mut best = empty[0];
    for table in &empty[1..] {
        let weight = |table: &Relation| table.referenced_by.len() + table.dependents.len();
        if weight(table) > weight(best) {
            best = table;
        }
    }
    best
}

/// Returns what depends on an empty table and is not an empty table itself.
fn foreign_user(target: &Relation, catalog: &Catalog, rows: &Rows) -> Option<String> {
    if let Some(view) = target.dependents.first() {
        return Some(format!("{}.{}", view.schema, view.name));
    }
    let user = target.referenced_by.iter().find(|user| {
        let table = catalog.table(&user.schema, &user.table);
        table.is_none_or(|table| rows.get(&table.oid).copied().unwrap_or(true))
    })?;
    Some(format!("{}.{}", user.schema, user.table))
}
