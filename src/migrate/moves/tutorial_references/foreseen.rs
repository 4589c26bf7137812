//! Says before the move which texts will not become references.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::matching::{Unresolved, is_undecided};
use super::removed::columns;
use super::{report, store};
use crate::console::counted;
use crate::error::Result;
use crate::migrate::catalog::{Catalog, Relation};
use crate::names::fold;

/// Texts that a plan names.
const SHOWN_TEXTS: usize = 50;

/// Returns a problem for each text of events and sessions that no place has as its name. It only reads.
///
/// `moved` is the catalogue as `found` will be when the tables of Administrate's side are in `adm`. A text that several
/// places have as their name is not foreseen: the move decides it by the location.
pub async fn foreseen(db: &mut PgConnection, found: &Catalog, moved: &Catalog) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for gone in columns(found) {
        let (table, field) = (gone.table, gone.column.name.as_str());
        if table.schema != "acted" || !["location", "venue"].contains(&field) || !table.is_readable {
            continue;
        }
        let Some(known) = known_names(db, found, moved, field).await? else { continue };
        // The early tables have no such column.
        let reference = table.column(&format!("{field}_id")).map(|column| column.name.as_str());
        for text in store::unlinked_texts(db, &table.sql_name(), field, reference).await? {
            if !is_undecided(&text.text) && !known.contains(&fold(&text.text)) {
                problems.push(report::unresolved(&gone.source(), field, &text, Unresolved::Unknown));
            }
        }
    }
    if problems.len() > SHOWN_TEXTS {
        let more = counted(problems.len() - SHOWN_TEXTS, "text");
        problems.truncate(SHOWN_TEXTS);
        problems.push(format!("{more} more will stay in lectern.archive: the receipt of the move names them"));
    }
    Ok(problems)
}

/// Returns the folded names of the places that exist or that the move creates; none if the user may not read them.
async fn known_names(
    db: &mut PgConnection,
    found: &Catalog,
    moved: &Catalog,
    field: &str,
) -> Result<Option<HashSet<String>>> {
    let bridge = moved.table("adm", &format!("{field}s")).map(|table| table.oid);
    let own = format!("tutorial_{field}s");
    let has_names = |table: &&Relation| {
        (Some(table.oid) == bridge || table.schema == "acted" && table.name == own)
            && table.is_table()
            && table.column("name").is_some()
    };
    let mut known = HashSet::new();
    for table in found.tables.iter().filter(has_names) {
        if !table.is_readable {
            return Ok(None);
        }
        known.extend(store::place_names(db, &table.sql_name()).await?.iter().map(|name| fold(name)));
    }
    Ok(Some(known))
}
