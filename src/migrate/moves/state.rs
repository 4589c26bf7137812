//! Which state of the reference system a database has, and which states are refused. Pure.

use crate::migrate::catalog::Catalog;

/// Returns why a known state is not supported; none if it is, or if it is unknown.
pub fn refused_state(catalog: &Catalog) -> Option<String> {
    if let Some(split) = catalog.table("acted", "purchasables") {
        return Some(format!(
            "{} exists: products were split by kind, as in the reference system since May 2026, and this version of Lectern \
             does not support that",
            split.full_name()
        ));
    }
    None
}

/// Describes the state of the Administrate tables and tutorials, such as `as of 2026-02-06`; none where there are none.
pub fn description(catalog: &Catalog) -> Option<String> {
    let exists = |schema: &str, table: &str| catalog.table(schema, table).is_some();
    let has = |schema: &str, table: &str, column: &str| {
        catalog.table(schema, table).is_some_and(|table| table.column(column).is_some())
    };
    if !exists("acted", "tutorial_events") && !exists("acted", "products") {
        let is_there = !super::recognition::candidates(catalog).is_empty();
        return is_there.then(|| "tables of Administrate's side, without tutorials and products".to_owned());
    }
    let date = if exists("adm", "api_audit_log") {
        "2026-02-13"
    } else if exists("adm", "events") {
        "2026-02-12"
    } else if exists("acted", "tutorial_course_templates") {
        if has("acted", "tutorial_events", "product_id") { "2026-02-10" } else { "2026-02-06" }
    } else {
        "2026-02-04"
    };
    Some(format!("tables of the reference system as of {date}"))
}
