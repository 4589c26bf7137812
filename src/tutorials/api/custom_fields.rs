//! The custom fields of events: values are checked against the definitions that the last sync read.
//!
//! Some custom fields are fields of an event, such as its sitting. They can be written under their label too.

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::complete::fields_of_labels;
use crate::bridges::reference::CustomFieldRow;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::resources::problems::Problems;
use crate::resources::{RowDraft, WriteRequest};
use crate::timetable_import::plan::custom_fields::expected_value;

/// The name of the field, and of the input with the values that the details store.
pub(super) const FIELD: &str = "custom_fields";

/// Checks given values, writes those that are fields of the event to them, and leaves the others as an input.
pub(super) async fn check(
    db: &mut PgConnection,
    request: &WriteRequest<'_>,
    drafts: &mut [RowDraft],
    problems: &mut Problems,
) -> Result<()> {
    if drafts.iter().all(|draft| given(draft).is_none()) {
        return Ok(());
    }
    let definitions: Vec<CustomFieldRow> =
        references::custom_fields(db).await?.into_iter().filter(|row| fold(&row.entity_type) == "event").collect();
    let Some(config) = request.config else { return Ok(()) };
    let mapped = fields_of_labels(&config.administrate.labels);
    for draft in drafts {
        let Some(given) = given(draft) else { continue };
        let mut own = stored_values(draft, &mapped);
        let before = own.clone();
        if draft.current.is_null() || draft.replaces {
            own.clear();
        }
        for (label, value) in given {
            let at = format!("{}/{}", draft.pointer_of(FIELD), label.replace('~', "~0").replace('/', "~1"));
            let Some(definition) = definitions.iter().find(|row| fold(&row.label) == fold(&label)) else {
                unknown_label(&at, &label, &definitions, problems);
                continue;
            };
            let Some(value) = checked_value(definition, &value, &at, problems) else { continue };
            match mapped.iter().find(|(known, _)| fold(known) == fold(&label)) {
                Some((_, field)) => set_field(draft, field, value, &at, problems),
                None if value.is_null() => _ = own.remove(&definition.label),
                None => _ = own.insert(definition.label.clone(), value),
            }
        }
        match own == before && !draft.current.is_null() {
            true => _ = draft.values.remove(FIELD),
            false => _ = draft.inputs.insert(FIELD.to_owned(), Value::Object(own)),
        }
    }
    Ok(())
}

fn given(draft: &RowDraft) -> Option<Map<String, Value>> {
    draft.values.get(FIELD).and_then(Value::as_object).cloned()
}

/// Returns the current values that are no fields of the event.
fn stored_values(draft: &RowDraft, mapped: &[(&str, &str)]) -> Map<String, Value> {
    let current = draft.current[FIELD].as_object().cloned().unwrap_or_default();
    current.into_iter().filter(|(label, _)| mapped.iter().all(|(known, _)| fold(known) != fold(label))).collect()
}

fn unknown_label(at: &str, label: &str, definitions: &[CustomFieldRow], problems: &mut Problems) {
    let labels: Vec<&str> = definitions.iter().map(|row| row.label.as_str()).collect();
    let message = match labels.is_empty() {
        true => "no custom field of events is known: run `lectern sync custom-fields`".to_owned(),
        false => format!(
            "Administrate has no custom field \"{label}\" of events: use {}; `lectern sync custom-fields` reads new ones",
            labels.join(", ")
        ),
    };
    problems.violated(at, "unknown_custom_field", message);
}

/// Returns a value in the type of its definition.
fn checked_value(definition: &CustomFieldRow, value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let options: Vec<String> = definition.options.as_array().into_iter().flatten().map(option_text).collect();
    let kind = fold(&definition.field_type);
    let (text, value) = match value {
        Value::Null => return Some(Value::Null),
        Value::String(text) if text.trim().is_empty() => return Some(Value::Null),
        Value::Bool(flag) => (if *flag { "True" } else { "False" }.to_owned(), value.clone()),
        Value::Number(number) => (number.to_string(), value.clone()),
        Value::String(text) if kind == "boolean" => match fold(text).as_str() {
            "true" | "yes" | "on" | "1" => ("True".to_owned(), true.into()),
            "false" | "no" | "off" | "0" => ("False".to_owned(), false.into()),
            _ => (text.trim().to_owned(), value.clone()),
        },
        Value::String(text) => (text.trim().to_owned(), text.trim().into()),
        Value::Array(_) | Value::Object(_) => {
            problems.malformed(at, "invalid_type", "must be a text, a number, true or false");
            return None;
        }
    };
    match expected_value(&definition.field_type, &options, &text) {
        None => Some(value),
        Some(expected) => {
            problems.violated(at, "invalid_value", format!("must be {expected}"));
            None
        }
    }
}

fn option_text(option: &Value) -> String {
    option.as_str().or_else(|| option["value"].as_str()).unwrap_or_default().to_owned()
}

/// Writes a value to a field of the event, unless the body gives that field another value.
fn set_field(draft: &mut RowDraft, field: &str, value: Value, at: &str, problems: &mut Problems) {
    let value = match (field, value) {
        ("web_sale", Value::Null) => false.into(),
        ("web_sale", Value::String(text)) => (fold(&text) == "true").into(),
        ("web_sale" | "finalisation_date", value) => value,
        (_, Value::Null) => Value::Null,
        (_, Value::String(text)) => text.into(),
        (_, other) => other.to_string().into(),
    };
    if field == "finalisation_date" && !value.is_null() {
        let is_day = value.as_str().is_some_and(|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok());
        if !is_day {
            return problems.violated(at, "invalid_value", "must be a day like 2026-04-01");
        }
    }
    if draft.given.contains(field) && draft.changes(field) && *draft.value(field) != value {
        return problems.violated(at, "conflicting_value", format!("differs from {field}: give one of the two"));
    }
    draft.values.insert(field.to_owned(), value);
}
