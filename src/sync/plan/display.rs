//! Plans and their changes as users read them: as lines for a terminal, as fields for a program.
//!
//! Lines contain names. The alternate form (`{:#}`, used with `--debug`) adds ids and every field.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::SyncPlan;
use super::change::{ChangeAction, RowChange};
use super::field_labels::{ColumnKind, label_of};
use crate::bridges::reference::LinkRow;
use crate::console::counted;
use crate::console::style::{Tone, paint};
use crate::names::tidy;
use crate::sync::entity::Entity;
use crate::sync::report::display_name::display_name;

/// The change of one row as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeView {
    pub action: ChangeAction,
    /// The name that users know the record by.
    pub name: String,
    /// Administrate's id of the record.
    pub external_id: String,
    /// The fields that differ; their value is null where there is no row before or after.
    pub fields: Vec<FieldView>,
    /// The name for a terminal: rows without a name in the plan are named after a column.
    #[serde(skip)]
    title: String,
    /// Whether the change creates a row that has no link yet.
    #[serde(skip)]
    is_unlinked: bool,
    /// Whether the row existed without values: a delivery stores only the link of an event.
    #[serde(skip)]
    has_first_details: bool,
}

/// A value before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldView {
    /// The column of the row.
    pub field: String,
    pub before: Value,
    pub after: Value,
}

impl ChangeView {
    pub fn of<R: LinkRow>(change: &RowChange<R>) -> ChangeView {
        let external_id = change.row().map_or("", LinkRow::external_id);
        let title = Some(change.name.as_str()).filter(|name| *name != external_id).map(display_name);
        let title = title.or_else(|| change.row().and_then(row_name)).unwrap_or_else(|| external_id.to_owned());
        ChangeView {
            action: change.action(),
            name: change.name.clone(),
            external_id: external_id.to_owned(),
            fields: fields(change),
            title,
            is_unlinked: change.before.is_none() && change.after.as_ref().is_some_and(is_unlinked),
            has_first_details: has_first_details(change),
        }
    }
}

impl ChangeView {
    /// Returns the change of local places alone; none if they do not change.
    fn local_places(&self) -> Option<ChangeView> {
        let mut change = self.clone();
        change.fields.retain(|field| ["is_soldout", "remain_space"].contains(&field.field.as_str()));
        (!change.fields.is_empty()).then_some(change)
    }
}

/// Returns the name in a row's columns; none for rows that only have ids.
pub(crate) fn row_name<R: LinkRow>(row: &R) -> Option<String> {
    let columns = columns(Some(row));
    let mut names = ["title", "name", "label"].into_iter().filter_map(|column| columns.get(column)?.as_str());
    names.find(|name| !name.trim().is_empty()).map(tidy)
}

/// Returns whether a row could be linked with a local record and is not.
fn is_unlinked<R: LinkRow>(row: &R) -> bool {
    row.link().is_none() && columns(Some(row)).keys().any(|column| label_of(column).1 == ColumnKind::Link)
}

/// Returns whether a change fills a row that only had a link. Its title is the first detail of every record.
pub(crate) fn has_first_details<R: LinkRow>(change: &RowChange<R>) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
    let title = |row: &R| columns(Some(row)).remove("title");
    before.link() == after.link()
        && title(before) == Some(Value::Null)
        && title(after).is_some_and(|now| !now.is_null())
}

/// Returns `348 events: details fetched for the first time`; none if there are none.
pub(crate) fn first_details(entity: Entity, count: usize) -> Option<String> {
    (count > 0).then(|| format!("{}: details fetched for the first time", entity.counted(count)))
}

fn columns<R: LinkRow>(row: Option<&R>) -> Map<String, Value> {
    match serde_json::to_value(row) {
        Ok(Value::Object(columns)) => columns,
        _ => Map::new(),
    }
}

/// Returns the fields that differ. The id is one of them only if an update changes it.
fn fields<R: LinkRow>(change: &RowChange<R>) -> Vec<FieldView> {
    let (before, after) = (columns(change.before.as_ref()), columns(change.after.as_ref()));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |columns: &Map<_, _>, name: &String| match columns.get(name).cloned().unwrap_or_default() {
        // The id of a record that a dry run would create.
        Value::Number(id) if is_planned_id(name, &id) => "created by this run".into(),
        value => value,
    };
    let field =
        |name: &String| FieldView { field: name.clone(), before: value(&before, name), after: value(&after, name) };
    let is_known_id = |name: &str| name == "external_id" && change.action() != ChangeAction::Update;
    let is_shown = |field: &FieldView| !is_known_id(&field.field) && label_of(&field.field).1 != ColumnKind::Internal;
    names.into_iter().map(field).filter(|one| one.before != one.after && is_shown(one)).collect()
}

/// Returns whether a column links a record that does not exist yet.
fn is_planned_id(column: &str, id: &serde_json::Number) -> bool {
    label_of(column).1 == ColumnKind::Link && id.as_i64().is_some_and(|id| id < 0)
}

impl FieldView {
    /// Describes the field to a user; none if it only matters for debugging.
    fn describe(&self, action: ChangeAction) -> Option<String> {
        let (label, kind) = label_of(&self.field);
        let (before, after) = (!self.before.is_null(), !self.after.is_null());
        match (kind, action) {
            (ColumnKind::Link, ChangeAction::Create) => Some("linked".into()),
            (ColumnKind::Link, ChangeAction::Prune) => Some("was linked".into()),
            (ColumnKind::Link, ChangeAction::Update) => Some(match (before, after) {
                (false, _) => "linked".into(),
                (true, false) => "link removed".into(),
                (true, true) => "linked with another local record".into(),
            }),
            (ColumnKind::Internal, _) | (_, ChangeAction::Create | ChangeAction::Prune) => None,
            (ColumnKind::Id, ChangeAction::Update) => Some(match (before, after) {
                (true, false) => format!("{label} removed"),
                (false, _) => format!("{label} set"),
                (true, true) => format!("{label} changed"),
            }),
            (ColumnKind::Value, ChangeAction::Update) => Some(match (&self.before, &self.after) {
                (Value::Array(before), Value::Array(after)) => count_changes(&label, before, after),
                (Value::Object(_), _) | (_, Value::Object(_)) => format!("{label} changed"),
                (before, after) => format!("{label} {} → {}", text_of(before), text_of(after)),
            }),
        }
    }

    /// Describes the field with its ids and raw values.
    fn describe_with_ids(&self, action: ChangeAction) -> String {
        let (label, _) = label_of(&self.field);
        match (action, &self.before, &self.after) {
            (ChangeAction::Update, Value::Array(before), Value::Array(after)) => count_changes(&label, before, after),
            (ChangeAction::Update, before, after) => format!("{label} {} → {}", text_of(before), text_of(after)),
            (_, Value::Array(list), Value::Null) | (_, Value::Null, Value::Array(list)) => {
                format!("{label}: {}", list.len())
            }
            (_, before, Value::Null) => format!("{label} {}", text_of(before)),
            (_, _, after) => format!("{label} {}", text_of(after)),
        }
    }
}

fn count_changes(label: &str, before: &[Value], after: &[Value]) -> String {
    let changed = after.iter().filter(|one| !before.contains(one)).count();
    format!("{label}: {} → {}, {changed} of them new or changed", before.len(), after.len())
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) if text.trim().is_empty() => "empty".into(),
        Value::String(text) => tidy(text),
        other => other.to_string(),
    }
}

impl fmt::Display for ChangeView {
    /// `~ London: linked; legacy id 7 → 8`, with ids `~ London (TG9j…): linked with none → 1; legacy id 7 → 8`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            ChangeAction::Create => paint(Tone::Good, '+'),
            ChangeAction::Update => paint(Tone::Warning, '~'),
            ChangeAction::Prune => paint(Tone::Bad, '-'),
        };
        write!(f, "{sign} {}", self.title)?;
        let mut fields: Vec<String> = if f.alternate() {
            write!(f, " ({})", self.external_id)?;
            self.fields.iter().map(|field| field.describe_with_ids(self.action)).collect()
        } else {
            self.fields.iter().filter_map(|field| field.describe(self.action)).collect()
        };
        if self.is_unlinked {
            fields.insert(0, "not linked".into());
        }
        match (fields.is_empty(), self.action) {
            (false, _) => write!(f, ": {}", fields.join("; ")),
            (true, ChangeAction::Update) => f.write_str(": values that both sides have by now are noted"),
            (true, _) => Ok(()),
        }
    }
}

impl<R: LinkRow> fmt::Display for SyncPlan<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = self.entity.heading();
        if self.is_empty() {
            return write!(f, "{heading}: nothing to change");
        }
        write!(f, "{heading}: {}", counted(self.changes.len(), "change"))?;
        let mut first = 0;
        for change in self.changes.iter().map(ChangeView::of) {
            match f.alternate() {
                true => write!(f, "\n  {change:#}")?,
                false if change.has_first_details => {
                    first += 1;
                    change.local_places().map_or(Ok(()), |change| write!(f, "\n  {change}"))?;
                }
                false => write!(f, "\n  {change}")?,
            }
        }
        if let Some(line) = first_details(self.entity, first) {
            write!(f, "\n  {line}")?;
        }
        for row in self.created_local_rows.iter().filter(|row| row.table.is_of_records()) {
            write!(f, "\n  {} {}, created locally", paint(Tone::Good, '+'), display_name(&row.name))?;
            if f.alternate() {
                write!(f, " ({})", row.id)?;
            }
        }
        for record in &self.planned_local {
            write!(f, "\n  + {}, to be created locally", display_name(&record.name))?;
        }
        for resolved in self.resolutions.iter().flat_map(|resolution| &resolution.fields) {
            write!(f, "\n  {resolved}")?;
        }
        for (what, added, removed) in [
            ("approved instructors", self.approvals.added.len(), self.approvals.removed.len()),
            ("administrators", self.administrators.added.len(), self.administrators.removed.len()),
        ] {
            if added + removed > 0 {
                write!(f, "\n  {what}: {added} added, {removed} removed")?;
            }
        }
        Ok(())
    }
}
