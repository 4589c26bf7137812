//! Views under the former names of moved tables, for programs that have not learned the new ones.
//!
//! They are updatable, run with the rights of their user, and have the grants of their tables.

use super::change::{Change, Inverse, Phase};
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::migrate::catalog::{Catalog, Relation, quote};

/// The name under which the views are recorded.
pub const NAME: &str = "compat-views";

/// Returns the views that are missing for the seven tables, as they will stand after the move.
///
/// A table that Lectern created has no former name. `found_before`: the relations that existed before the adoption.
pub(super) fn missing(catalog: &Catalog, plan: &Plan, found_before: Option<&[i64]>) -> Vec<Change> {
    let mut views = Vec::new();
    let existed = |table: &&Relation| found_before.is_none_or(|found| found.contains(&table.oid));
    for placed in &plan.placements {
        let table = catalog.tables.iter().find(|table| Some(table.oid) == placed.oid);
        let Some(table) = table.filter(existed) else { continue };
        let mut names = vec![placed.table.to_owned(), format!("adm.{}", placed.table)];
        if table.schema == "public" && !names.contains(&table.name) {
            names.push(table.name.clone());
        }
        for name in names {
            // The moved table itself gives its name to the view.
            let holder = catalog.table("public", &name).filter(|holder| holder.oid != table.oid);
            if holder.is_none() {
                views.push(view(table, placed.table, &name));
            }
        }
    }
    views
}

fn view(table: &Relation, target: &str, name: &str) -> Change {
    Change {
        table: format!("adm.{target}"),
        table_oid: table.oid,
        action: format!("create view public.{}", quote(name)),
        statements: create(table, &format!("\"adm\".{}", quote(target)), name),
        inverse: Inverse::View { schema: "public".to_owned(), name: name.to_owned() },
        phase: Phase::Locked,
        rule: None,
        also_locks: Vec::new(),
    }
}

fn create(table: &Relation, target: &str, name: &str) -> Vec<String> {
    let view = format!("\"public\".{}", quote(name));
    let columns: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
    // A view that runs with the rights of its user asks for the right to read all of its columns. A role that may read some
    // of them reads with its privileges on the view instead, unless the rows depend on the role.
    let has_column_grants = table.grants.iter().any(|grant| grant.column.is_some());
    let is_invoker = !has_column_grants || table.has_row_security;
    let mut statements = vec![format!(
        "CREATE VIEW {view} WITH (security_invoker = {is_invoker}) AS SELECT {} FROM {target}",
        columns.join(", ")
    )];
    if !table.owner.is_empty() {
        statements.push(format!("GRANT ALL ON {view} TO {}", quote(&table.owner)));
    }
    for grant in &table.grants {
        let role = if grant.role.is_empty() { "PUBLIC".to_owned() } else { quote(&grant.role) };
        let column = grant.column.as_ref().map(|column| format!(" ({})", quote(column))).unwrap_or_default();
        let option = if grant.can_grant { " WITH GRANT OPTION" } else { "" };
        statements.push(format!("GRANT {}{column} ON {view} TO {role}{option}", grant.privilege));
    }
    statements
}

/// Statements that take views away before a change of a column's type, and bring them back after it.
#[derive(Default)]
pub(super) struct Around {
    pub drop: Vec<String>,
    pub create: Vec<String>,
}

/// Returns what has to be done with the views on columns that get another type.
///
/// # Errors
/// [`Error::NeedsAttention`] when a view that Lectern has not created reads such a column.
pub(super) fn around(catalog: &Catalog, changes: &[Change]) -> Result<Around> {
    let mut around = Around::default();
    for change in changes {
        let Inverse::ArrayType { table, column, .. } = &change.inverse else { continue };
        let Some(table) = catalog.tables.iter().find(|found| found.oid == *table) else { continue };
        let of_column = around_column(table, column)?;
        around.drop.extend(of_column.drop);
        around.create.extend(of_column.create);
    }
    Ok(around)
}

/// Returns what has to be done with the views on a column that gets another type, or that `table` has no longer.
///
/// # Errors
/// [`Error::NeedsAttention`] when a view that Lectern has not created reads the column.
pub(super) fn around_column(table: &Relation, column: &str) -> Result<Around> {
    let mut around = Around::default();
    for view in table.dependents.iter().filter(|view| view.columns.iter().any(|name| name == column)) {
        if !is_compat_view(table, view.schema.as_str(), &view.name) {
            return Err(Error::NeedsAttention(format!(
                "the view {}.{} reads {}.{column}, which has to change: drop the view, run the \
                 command again, and create the view again",
                view.schema,
                view.name,
                table.full_name()
            )));
        }
        around.drop.push(format!("DROP VIEW {}.{}", quote(&view.schema), quote(&view.name)));
        around.create.extend(create(table, &table.sql_name(), &view.name));
    }
    Ok(around)
}

/// Returns the views on a table, with the columns that each of them shows.
pub(super) fn columns_of_views(catalog: &Catalog, table: &Relation) -> Vec<(String, Vec<String>)> {
    let mut views = Vec::new();
    for view in table.dependents.iter().filter(|view| is_compat_view(table, &view.schema, &view.name)) {
        let columns = catalog.table(&view.schema, &view.name).into_iter().flat_map(|view| &view.columns);
        views.push((view.name.clone(), columns.map(|column| column.name.clone()).collect()));
    }
    views
}

/// Returns how views on a table get other columns. `table` has these columns.
pub(super) fn with_columns(table: &Relation, views: &[(String, Vec<String>)]) -> Around {
    let mut around = Around::default();
    for (name, columns) in views {
        let mut shown = table.clone();
        let is_shown = |column: &str| columns.iter().any(|name| name == column);
        shown.columns = columns.iter().filter_map(|name| table.column(name).cloned()).collect();
        shown.grants.retain(|grant| grant.column.as_deref().is_none_or(is_shown));
        around.drop.push(format!("DROP VIEW \"public\".{}", quote(name)));
        around.create.extend(create(&shown, &table.sql_name(), name));
    }
    around
}

/// Reports whether a view stands under a former name of a table.
pub(super) fn is_compat_view(table: &Relation, schema: &str, name: &str) -> bool {
    let plain = name.strip_prefix("adm.").unwrap_or(name);
    schema == "public"
        && table.schema == "adm"
        && (plain == table.name || plain == "customfields" && table.name == "custom_fields")
}
