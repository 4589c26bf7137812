//! A change of a plan as it is shown: to a person as a line, to a program as fields.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{ChangeAction, RowChange};
use crate::bridges::reference::LinkRow;
use crate::sync::report::text::shown;

/// What would become of one row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeView {
    /// `create`, `update` or `prune`.
    pub action: ChangeAction,
    /// How people call the record.
    pub name: String,
    /// Administrate's id of it.
    pub external_id: String,
    /// What differs; null where there is no row before or after.
    pub fields: Vec<FieldView>,
}

/// A value before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldView {
    pub field: String,
    pub before: Value,
    pub after: Value,
}

impl ChangeView {
    /// The change as it is shown.
    pub fn of<R: LinkRow>(change: &RowChange<R>) -> ChangeView {
        ChangeView {
            action: change.action(),
            name: change.name.clone(),
            external_id: change.row().map_or("", LinkRow::external_id).to_owned(),
            fields: fields(change),
        }
    }
}

/// The fields that differ; the id is told already unless it is what changes.
fn fields<R: LinkRow>(change: &RowChange<R>) -> Vec<FieldView> {
    let object = |row: &Option<R>| match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (before, after) = (object(&change.before), object(&change.after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |fields: &Map<_, _>, name: &String| fields.get(name).cloned().unwrap_or_default();
    let field =
        |name: &String| FieldView { field: name.clone(), before: value(&before, name), after: value(&after, name) };
    let is_told = |name: &str| name == "external_id" && change.action() != ChangeAction::Update;
    names.into_iter().map(field).filter(|one| one.before != one.after && !is_told(&one.field)).collect()
}

impl fmt::Display for ChangeView {
    /// `~ London (TG9j…): legacy_id "7" → "8", tutorial_location_id null → 1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            ChangeAction::Create => '+',
            ChangeAction::Update => '~',
            ChangeAction::Prune => '-',
        };
        write!(f, "{sign} {} ({})", shown(&self.name), self.external_id)?;
        for (at, FieldView { field, before, after }) in self.fields.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            match (self.action, before, after) {
                (ChangeAction::Update, Value::Array(before), Value::Array(after)) => {
                    let differing = after.iter().filter(|one| !before.contains(one)).count();
                    write!(
                        f,
                        "{field}: {} before, {} after, {differing} of them new or changed",
                        before.len(),
                        after.len()
                    )?;
                }
                (ChangeAction::Update, ..) => write!(f, "{field} {before} → {after}")?,
                (_, Value::Array(list), Value::Null) | (_, Value::Null, Value::Array(list)) => {
                    write!(f, "{field}: {}", list.len())?;
                }
                (ChangeAction::Create | ChangeAction::Prune, ..) => {
                    write!(f, "{field} {}", if after.is_null() { before } else { after })?;
                }
            }
        }
        Ok(())
    }
}
