//! Names of the rows that values refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::PgConnection;

use super::table_set::TableSet;
use crate::error::Result;
use crate::resources::{ResourceField, TableResource, ValueKind, store};
use crate::web::document::list;

/// A row as a page names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedRow {
    pub name: String,
    /// Empty: it has no page.
    pub path: String,
}

/// Names of rows: first the rows are noted, then all names are read, with one statement for each table.
#[derive(Debug, Default)]
pub struct NameBook {
    ids: BTreeMap<&'static str, BTreeSet<i64>>,
    rows: BTreeMap<(&'static str, i64), NamedRow>,
}

impl NameBook {
    /// Notes a row.
    pub fn note(&mut self, table: &'static str, id: i64) {
        self.ids.entry(table).or_default().insert(id);
    }

    /// Notes the rows that a value of a field refers to.
    pub fn note_value(&mut self, field: &ResourceField, value: &Value) {
        match &field.kind {
            ValueKind::Reference(table) => value.as_i64().into_iter().for_each(|id| self.note(table, id)),
            ValueKind::Ids(table) => list(value).filter_map(Value::as_i64).for_each(|id| self.note(table, id)),
            ValueKind::Items(fields) => {
                list(value).for_each(|item| fields.iter().for_each(|field| self.note_value(field, &item[field.name])));
            }
            _ => {}
        }
    }

    /// Reads the names of the noted rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(&mut self, db: &mut PgConnection, tables: &TableSet) -> Result<()> {
        for (table, ids) in std::mem::take(&mut self.ids) {
            let Some(named) = tables.named(table) else { continue };
            let ids: Vec<i64> = ids.into_iter().collect();
            for (id, name) in store::names(db, named.resource, &ids).await? {
                self.rows.insert((table, id), NamedRow { name, path: named.path(id) });
            }
        }
        Ok(())
    }

    /// Reports whether a row exists.
    pub(super) fn has(&self, table: &'static str, id: i64) -> bool {
        self.rows.contains_key(&(table, id))
    }

    /// Returns a row; a row without a name is its number.
    pub fn row(&self, table: &'static str, id: i64) -> NamedRow {
        let known = self.rows.get(&(table, id)).cloned();
        known.unwrap_or_else(|| NamedRow { name: format!("#{id}"), path: String::new() })
    }
}

/// The beginning of the number that distinguishes rows with equal names.
const NUMBER: &str = " #";

/// Returns rows as they are chosen: by name, with their number where names are equal.
pub(super) fn distinct(rows: Vec<(i64, String)>) -> Vec<(i64, String)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    rows.iter().for_each(|(_, name)| *seen.entry(name.to_lowercase()).or_default() += 1);
    let named = |(id, name): (i64, String)| match seen.get(&name.to_lowercase()) {
        Some(2..) => (id, format!("{name}{NUMBER}{id}")),
        _ => (id, name),
    };
    rows.into_iter().map(named).collect()
}

/// Returns the row that was typed by its name, or what is wrong with it in words.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn typed_row(
    db: &mut PgConnection,
    resource: &TableResource,
    typed: &str,
) -> Result<std::result::Result<i64, String>> {
    let found = store::exact(db, resource, typed).await?;
    let noun = resource.noun;
    match &found[..] {
        [(id, _)] => return Ok(Ok(*id)),
        [] => {}
        _ => {
            let shown: Vec<String> = found.iter().map(|(id, name)| format!("“{name}{NUMBER}{id}”")).collect();
            return Ok(Err(format!("More than one {noun} has this name: write {}.", shown.join(" or "))));
        }
    }
    let numbered = typed.rsplit_once(NUMBER).and_then(|(name, id)| Some((name, id.parse::<i64>().ok()?)));
    if let Some((name, id)) = numbered
        && store::names(db, resource, &[id]).await?.iter().any(|(_, known)| known.eq_ignore_ascii_case(name.trim()))
    {
        return Ok(Ok(id));
    }
    let near = store::choices(db, resource, &words(typed), 3).await?;
    let near: Vec<String> = distinct(near).into_iter().map(|(_, name)| format!("“{name}”")).collect();
    Ok(Err(match near.is_empty() {
        true => format!("No {noun} has this name. Type a part of it and choose one of the list."),
        false => format!("No {noun} has this name. Perhaps {}.", near.join(" or ")),
    }))
}

/// Returns the words of a search.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().filter(|word| !word.contains('\0')).take(10).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_equal_names_have_their_number() {
        let rows = [(1, "A"), (2, "B"), (3, "a")].map(|(id, name)| (id, name.to_owned())).to_vec();
        let names: Vec<String> = distinct(rows).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["A #1", "B", "a #3"]);
    }
}
