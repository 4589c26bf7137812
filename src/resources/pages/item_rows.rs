//! The parts of a row in its form: a table with one row for each part and some empty ones.

use serde_json::{Map, Value};

use super::form_values::{BoundField, FormContext, bind, read};
use super::table_page::TablePage;
use crate::error::Result;
use crate::resources::{DefaultValue, FieldUsage, ResourceField};
use crate::web::document::list;
use crate::web::fields::{FormField, FormFields};
use crate::web::form::CsrfForm;

/// Empty rows below the parts.
const EMPTY_ROWS: usize = 3;

/// The most rows that a form takes.
const MOST_ROWS: usize = 200;

/// The parts of one field.
#[derive(Debug, Clone, Default)]
pub(super) struct ItemTable {
    pub name: &'static str,
    pub label: String,
    pub hint: &'static str,
    pub columns: Vec<String>,
    /// Names of the fields of each row; the first one is the key, which is empty in an empty row.
    pub rows: Vec<Vec<String>>,
}

impl ItemTable {
    /// Reports whether a field of the form belongs to the table.
    pub(super) fn contains(&self, name: &str) -> bool {
        name.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('-'))
    }

    /// Returns the head of a column for the template.
    pub(super) fn column(&self, at: &usize) -> &str {
        self.columns.get(*at).map(String::as_str).unwrap_or_default()
    }
}

fn cell_name(table: &str, row: usize, field: &str) -> String {
    format!("{table}-{row}-{field}")
}

/// Returns the table with the fields of its rows: as many as the document or the form has, and some empty ones.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn open(
    context: &mut FormContext<'_>,
    page: &'static TablePage,
    name: &'static str,
    parts: &'static [ResourceField],
    value: &Value,
    sent: Option<&CsrfForm>,
) -> Result<(ItemTable, Vec<(BoundField, FormField)>)> {
    let key = parts.first().map(|field| field.name).unwrap_or_default();
    let items: Vec<&Value> = list(value).collect();
    let last = (0..MOST_ROWS).rev().find(|row| sent.is_some_and(|sent| sent.is_set(&cell_name(name, *row, key))));
    let filled = match sent {
        Some(_) => last.map_or(0, |last| last + 1),
        None => items.len(),
    };
    let (mut rows, mut cells): (Vec<Vec<String>>, Vec<(BoundField, FormField)>) = (Vec::new(), Vec::new());
    // The choices of a column are the same in all rows: they are read once.
    let mut first: Vec<(BoundField, FormField)> = Vec::new();
    for row in 0..(filled + EMPTY_ROWS).min(MOST_ROWS) {
        let mut names = Vec::new();
        for (at, field) in parts.iter().enumerate() {
            let cell = cell_name(name, row, field.name);
            let default = || match field.usage {
                FieldUsage::Optional(
                    default @ (DefaultValue::Flag(_) | DefaultValue::Number(_) | DefaultValue::Text(_)),
                ) => default.json(),
                _ => Value::Null,
            };
            let value = items.get(row).map_or_else(default, |item| item[field.name].clone());
            let label = format!("{}, row {}", page.label(field.name), row + 1);
            let (bound, shown) = match first.get(at).filter(|_| value.is_null()) {
                Some((bound, shown)) => {
                    let bound = bound.called(cell.clone());
                    (
                        bound,
                        FormField {
                            name: cell.clone().into(),
                            label: label.into(),
                            values: Vec::new(),
                            ..shown.clone()
                        },
                    )
                }
                None => bind(context, field, (cell.clone(), label, String::new()), &value).await?,
            };
            if first.len() == at {
                first.push((bound.clone(), shown.clone()));
            }
            // An empty row is no part: nothing in it is required.
            cells.push((bound, FormField { is_required: false, ..shown }));
            names.push(cell);
        }
        rows.push(names);
    }
    let columns = parts.iter().map(|field| page.label(field.name)).collect();
    Ok((ItemTable { name, columns, rows, ..ItemTable::default() }, cells))
}

/// Returns what the rows with a key contain.
pub(super) fn contents(table: &ItemTable, form: &FormFields) -> Vec<(String, Vec<String>)> {
    let filled = table.rows.iter().filter(|row| row.first().is_some_and(|key| !form.values(key).is_empty()));
    filled.flatten().map(|name| (name.clone(), form.values(name).to_vec())).collect()
}

/// Returns the field of the form for a place of the document, such as `components-0-quantity`: empty rows are no parts.
pub(super) fn cell_of(table: &ItemTable, form: &FormFields, place: &str) -> Option<String> {
    let (number, field) = place.strip_prefix(table.name)?.strip_prefix('-')?.split_once('-')?;
    let number: usize = number.parse().ok()?;
    let mut filled =
        (0..table.rows.len()).filter(|row| table.rows[*row].first().is_some_and(|key| !form.values(key).is_empty()));
    Some(cell_name(table.name, filled.nth(number)?, field))
}

/// Makes the numbers of rows with a key required: they have no other meaning.
pub(super) fn set_required(tables: &[ItemTable], form: &mut FormFields) {
    for row in tables.iter().flat_map(|table| &table.rows) {
        let is_filled = row.first().is_some_and(|key| !form.values(key).is_empty());
        for field in form.fields.iter_mut().filter(|field| row.contains(&field.name.to_string())) {
            field.is_required = is_filled && field.kind() == "number" && !field.is_check();
        }
    }
}

/// Returns the parts that were typed. What is wrong is added to the form.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn read_items(
    context: &mut FormContext<'_>,
    table: &ItemTable,
    bound: &[BoundField],
    form: &mut FormFields,
) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let filled = |row: &&Vec<String>| row.first().is_some_and(|key| !form.values(key).is_empty());
    let rows: Vec<&Vec<String>> = table.rows.iter().filter(filled).collect();
    for row in rows {
        let mut item = Map::new();
        for name in row {
            let Some(cell) = bound.iter().find(|bound| bound.name == *name) else { continue };
            let typed = form.values(name).to_vec();
            match read(context, cell, &typed).await? {
                Ok(value) => drop(item.insert(cell.field.name.to_owned(), value)),
                Err(error) => form.refuse(name, error),
            }
        }
        items.push(Value::Object(item));
    }
    Ok(items)
}
