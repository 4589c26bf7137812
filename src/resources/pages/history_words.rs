//! What the tables, columns and values of the history mean.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;

use super::names::{NameBook, NamedRow};
use super::shown::shown_value;
use super::table_page::label_of;
use super::table_set::TableSet;
use crate::error::Result;
use crate::resources::body::field_of_column;
use crate::resources::{Audience, ResourceField, ValueKind};
use crate::web::changes::ChangeWords;
use crate::web::fields::sentence;
use crate::web::format::Clock;

/// Columns that say which row it is or that it has changed, not what it contains.
const KEYS: [&str; 6] = ["id", "created_at", "updated_at", "create_date", "modified_date", "position"];

/// Parts of the names of columns that are never shown.
const SECRET: [&str; 3] = ["password", "secret", "token"];

/// The words of changes, with the names of the rows in them.
pub struct TableWords<'a> {
    tables: &'a TableSet,
    names: NameBook,
    audience: Audience,
    clock: &'a Clock,
    /// What the values of a change call a row, for rows that do not exist any more.
    former: BTreeMap<(String, i64), String>,
}

impl<'a> TableWords<'a> {
    /// Reads the names that changes need.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(
        db: &mut PgConnection,
        tables: &'a TableSet,
        (audience, clock): (Audience, &'a Clock),
        changes: &[Value],
    ) -> Result<TableWords<'a>> {
        let mut words = TableWords { tables, names: NameBook::default(), audience, clock, former: BTreeMap::new() };
        for change in changes {
            let table = change["table"].as_str().unwrap_or_default();
            if let Some(named) = tables.named(table)
                && let Some(id) = id_of(change["row"].as_str().unwrap_or_default())
            {
                words.names.note(named.resource.table, id);
                if let Some(name) = former_name(change) {
                    words.former.entry((table.to_owned(), id)).or_insert(name);
                }
            }
            let values = [&change["old"], &change["new"]].into_iter().filter_map(Value::as_object).flatten();
            for (column, value) in values {
                if let (Some(target), Some(id)) = (words.target(table, column), value.as_i64()) {
                    words.names.note(target, id);
                }
            }
        }
        words.names.read(db, tables).await?;
        Ok(words)
    }

    fn field(&self, table: &str, column: &str) -> Option<&'static ResourceField> {
        let resource = self.tables.named(table)?.resource;
        resource.field(field_of_column(resource, column)?)
    }

    /// Returns the table that a column refers to.
    fn target(&self, table: &str, column: &str) -> Option<&'static str> {
        match self.field(table, column)?.kind {
            ValueKind::Reference(target) => Some(target),
            _ => None,
        }
    }
}

/// Columns by which people know a row, the best one first.
const NAMES: [&str; 8] =
    ["code", "session_code", "product_code", "fullname", "bundle_name", "title", "name", "username"];

fn former_name(change: &Value) -> Option<String> {
    let value = |name: &&str| [&change["old"], &change["new"]].into_iter().find_map(|values| values[*name].as_str());
    NAMES.iter().find_map(value).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn id_of(row: &str) -> Option<i64> {
    row.split(',').next()?.parse().ok()
}

impl ChangeWords for TableWords<'_> {
    fn label(&self, table: &str, column: &str) -> Option<String> {
        if KEYS.contains(&column) || SECRET.iter().any(|word| column.contains(word)) {
            return None;
        }
        let field = self.field(table, column);
        if self.tables.page(table).is_some() && self.audience < Audience::Operator {
            // What the table has beside its fields may be personal.
            field.filter(|field| field.audience <= self.audience)?;
        }
        let label = self.tables.page(table).zip(field).map(|(page, field)| page.label(field.name));
        Some(label.unwrap_or_else(|| label_of(column)))
    }

    fn value(&self, table: &str, column: &str, value: &Value) -> Option<String> {
        let shown = shown_value(self.field(table, column)?, value, &self.names, self.clock);
        match shown.rows.is_empty() {
            true => Some(shown.text),
            false => Some(shown.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ")),
        }
    }

    fn subject(&self, table: &str, row: &str) -> (String, String) {
        let noun = |text: &str| sentence(text).trim_end_matches('.').to_owned();
        match (self.tables.named(table), id_of(row)) {
            (Some(named), Some(id)) => {
                let row = self.names.row(named.resource.table, id);
                let former =
                    self.former.get(&(table.to_owned(), id)).filter(|_| !self.names.has(named.resource.table, id));
                let row = former.map_or(row.clone(), |name| NamedRow { name: name.clone(), ..row });
                (format!("{} {}", noun(named.resource.noun), row.name), row.path)
            }
            _ => {
                let name = table.rsplit('.').next().unwrap_or_default().replace('_', " ");
                (format!("{} {row}", noun(&name)), String::new())
            }
        }
    }
}
