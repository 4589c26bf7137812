//! Bodies: every problem of every document is reported at once.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::problems::Problems;
use super::value::{parse_field, unknown_fields};
use super::{
    DefaultValue, FieldSource, FieldUsage, IncludedContent, ResourceField, RowDraft, TableResource, ValueKind,
};

/// How a document changes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Fields that are not given get their default; lists stay.
    Replace,
    /// Fields that are not given stay.
    Change,
}

/// Returns the rows of a creation, and whether the body is a list of them.
pub(super) fn new_rows(resource: &TableResource, body: &Value, problems: &mut Problems) -> (Vec<RowDraft>, bool) {
    match body {
        Value::Array(documents) => {
            let rows = documents.iter().enumerate();
            (rows.map(|(at, document)| new_row(resource, document, format!("/{at}"), None, problems)).collect(), true)
        }
        document => (vec![new_row(resource, document, String::new(), None, problems)], false),
    }
}

/// `own`: the field with the id of the row to which the new one belongs, which the caller knows.
fn new_row(
    resource: &TableResource,
    document: &Value,
    pointer: String,
    own: Option<&str>,
    problems: &mut Problems,
) -> RowDraft {
    let mut draft = RowDraft { pointer, ..RowDraft::default() };
    let Some(given) = as_object(document, &draft.pointer, problems) else { return draft };
    draft.given = given.keys().cloned().collect();
    unknown_fields(
        given,
        known_names(resource).chain(resource.inputs.iter().map(|input| input.name)),
        &draft.pointer,
        problems,
    );
    for field in written_fields(resource).filter(|field| own != Some(field.name)) {
        let value = new_value(field, given, &draft, problems);
        draft.values.insert(field.name.to_owned(), value.unwrap_or_default());
    }
    for input in resource.inputs {
        if let Some(value) = given.get(input.name).filter(|value| !value.is_null())
            && let Some(value) = parse_field(input, value, &draft.pointer_of(input.name), problems)
        {
            draft.inputs.insert(input.name.to_owned(), value);
        }
    }
    check_alternatives(resource, given, &draft, problems);
    check_periods(resource, &draft.values, &draft.pointer, problems);
    for include in resource.includes {
        if let IncludedContent::Rows { resource: child, own } = include.content
            && let Some(value) = given.get(include.name).filter(|value| !value.is_null())
        {
            let children = children(child, own, value, &draft.pointer_of(include.name), problems);
            draft.children.push((include.name, children));
        }
    }
    draft
}

fn new_value(
    field: &ResourceField,
    given: &Map<String, Value>,
    draft: &RowDraft,
    problems: &mut Problems,
) -> Option<Value> {
    let pointer = draft.pointer_of(field.name);
    match (given.get(field.name), &field.usage) {
        (Some(value), usage) if !(value.is_null() && matches!(usage, FieldUsage::RequiredOr(_))) => {
            parse_field(field, value, &pointer, problems)
        }
        (_, FieldUsage::Optional(default)) => Some(default.json()),
        (_, FieldUsage::RequiredOr(inputs)) if inputs.iter().any(|input| has_value(given, input)) => {
            let missing = inputs.iter().filter(|input| !has_value(given, input));
            missing.for_each(|input| missing_value(&draft.pointer_of(input), "", problems));
            None
        }
        (_, FieldUsage::RequiredOr(inputs)) => {
            missing_value(&pointer, &format!(": give it, or {}", inputs.join(" and ")), problems);
            None
        }
        (_, FieldUsage::Required | FieldUsage::ReadOnly) => {
            missing_value(&pointer, "", problems);
            None
        }
    }
}

/// Returns the rows of another resource that are created with a row.
fn children(
    resource: &TableResource,
    own: &str,
    value: &Value,
    pointer: &str,
    problems: &mut Problems,
) -> Vec<RowDraft> {
    let Some(documents) = value.as_array() else {
        problems.malformed(pointer, "invalid_type", "must be a list");
        return Vec::new();
    };
    let rows = documents.iter().enumerate();
    rows.map(|(at, document)| new_row(resource, document, format!("{pointer}/{at}"), Some(own), problems)).collect()
}

/// Returns the names of the fields that a body may contain.
fn known_names(resource: &TableResource) -> impl Iterator<Item = &'static str> + Clone {
    let includes = resource.includes.iter().map(|include| include.name);
    resource.fields.iter().map(|field| field.name).chain(includes)
}

/// Reports whether a document gives a value other than null.
fn has_value(given: &Map<String, Value>, name: &str) -> bool {
    given.get(name).is_some_and(|value| !value.is_null())
}

/// Adds a problem where a field and the inputs that replace it are both given.
fn check_alternatives(resource: &TableResource, given: &Map<String, Value>, draft: &RowDraft, problems: &mut Problems) {
    for field in resource.fields {
        let FieldUsage::RequiredOr(inputs) = field.usage else { continue };
        for input in inputs.iter().filter(|input| has_value(given, field.name) && has_value(given, input)) {
            let message = format!("is given beside {}: give one of the two", field.name);
            problems.violated(draft.pointer_of(input), "conflicting_value", message);
        }
    }
}

/// Returns the changed values of a row. `current` is its document.
pub(super) fn changed_row(
    resource: &TableResource,
    body: &Value,
    mode: Mode,
    current: &Value,
    problems: &mut Problems,
) -> RowDraft {
    let mut draft = RowDraft::default();
    let Some(given) = as_object(body, "", problems) else { return draft };
    draft.given = given.keys().cloned().collect();
    unknown_fields(given, known_names(resource), "", problems);
    for field in written_fields(resource) {
        let pointer = draft.pointer_of(field.name);
        let value = match (given.get(field.name), mode, &field.usage) {
            // A value that is stored already is not checked, so that a document can be written back as it was read.
            (Some(value), _, _) if *value == current[field.name] => None,
            (Some(value), _, _) => parse_field(field, value, &pointer, problems),
            (None, Mode::Change, _) => None,
            (None, Mode::Replace, FieldUsage::Optional(DefaultValue::Generated)) => None,
            (None, Mode::Replace, FieldUsage::Optional(default)) => field.kind.is_scalar().then(|| default.json()),
            (None, Mode::Replace, _) => {
                missing_value(&pointer, "", problems);
                None
            }
        };
        if let Some(value) = value {
            draft.values.insert(field.name.to_owned(), value);
        }
    }
    let mut merged = current.as_object().cloned().unwrap_or_default();
    merged.extend(draft.values.clone());
    check_periods(resource, &merged, "", problems);
    (draft.current, draft.replaces) = (current.clone(), mode == Mode::Replace);
    draft
}

/// Adds a problem for each list of rows of another resource that a change gives and that differs from the current one.
pub(super) fn check_included_rows(resource: &TableResource, body: &Value, complete: &Value, problems: &mut Problems) {
    for include in resource.includes {
        if let IncludedContent::Rows { resource: child, .. } = include.content
            && body.get(include.name).is_some_and(|given| *given != complete[include.name])
        {
            let message = format!("is not changed here: change each {} under {}", child.noun, child.item_path);
            problems.violated(format!("/{}", include.name), "read_only", message);
        }
    }
}

fn written_fields(resource: &TableResource) -> impl Iterator<Item = &'static ResourceField> {
    resource.fields.iter().filter(|field| !matches!(field.usage, FieldUsage::ReadOnly))
}

fn as_object<'a>(value: &'a Value, at: &str, problems: &mut Problems) -> Option<&'a Map<String, Value>> {
    let object = value.as_object();
    if object.is_none() {
        problems.malformed(at, "invalid_type", "must be a JSON object");
    }
    object
}

fn missing_value(pointer: &str, advice: &str, problems: &mut Problems) {
    problems.malformed(pointer, "missing_value", format!("the field is missing{advice}"));
}

/// Adds the periods that end before they start.
fn check_periods(resource: &TableResource, values: &Map<String, Value>, at: &str, problems: &mut Problems) {
    // A day is compared as its first instant.
    let instant = |name: &str| {
        let text = values.get(name).and_then(Value::as_str)?;
        text.parse::<Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse()).ok()
    };
    for (start, end) in resource.periods {
        if let (Some(from), Some(to)) = (instant(start), instant(end))
            && from > to
        {
            problems.violated(format!("{at}/{end}"), "end_before_start", format!("is before {start}"));
        }
    }
}

/// A value that names a row of another table: the table, the id, and the pointer of the value.
pub(super) type GivenReference = (&'static str, i64, String);

/// Returns every reference of rows to other tables.
pub(super) fn references(resource: &TableResource, drafts: &[RowDraft]) -> Vec<GivenReference> {
    let mut found = Vec::new();
    for draft in drafts {
        for (fields, values) in [(resource.fields, &draft.values), (resource.inputs, &draft.inputs)] {
            for field in fields {
                if let Some(value) = values.get(field.name) {
                    add_references(field, value, &draft.pointer_of(field.name), &mut found);
                }
            }
        }
        for (child, rows) in child_rows(resource, draft) {
            found.extend(references(child, rows));
        }
    }
    found
}

/// Returns the rows of other resources that are created with a row.
pub(super) fn child_rows<'a>(
    resource: &TableResource,
    draft: &'a RowDraft,
) -> impl Iterator<Item = (&'static TableResource, &'a Vec<RowDraft>)> {
    draft.children.iter().filter_map(|(name, rows)| Some((child_of(resource, name)?.0, rows)))
}

/// Returns the resource of an include and the field with the id of the row.
pub(super) fn child_of(resource: &TableResource, name: &str) -> Option<(&'static TableResource, &'static str)> {
    let include = resource.includes.iter().find(|include| include.name == name)?;
    match include.content {
        IncludedContent::Rows { resource, own } => Some((resource, own)),
        IncludedContent::Expression(_) => None,
    }
}

fn add_references(field: &ResourceField, value: &Value, at: &str, found: &mut Vec<GivenReference>) {
    let elements = || value.as_array().into_iter().flatten().enumerate();
    match &field.kind {
        ValueKind::Reference(table) => found.extend(value.as_i64().map(|id| (*table, id, at.to_owned()))),
        ValueKind::Ids(table) => {
            found.extend(elements().filter_map(|(n, id)| Some((*table, id.as_i64()?, format!("{at}/{n}")))));
        }
        ValueKind::Items(fields) => {
            for (n, item) in elements() {
                for field in *fields {
                    add_references(field, &item[field.name], &format!("{at}/{n}/{}", field.name), found);
                }
            }
        }
        _ => {}
    }
}

/// Returns the name of the field that is stored in a column.
pub(super) fn field_of_column(resource: &TableResource, column: &str) -> Option<&'static str> {
    let is_stored = |field: &&ResourceField| match &field.source {
        FieldSource::Column { column: own, .. } => *own == column,
        _ => false,
    };
    resource.fields.iter().find(is_stored).map(|field| field.name)
}
