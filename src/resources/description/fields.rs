//! Schemas of fields.

use serde_json::{Value, json};

use crate::resources::{DefaultValue, FieldSource, FieldUsage, ResourceField, ValueKind};

/// The highest integer that a JSON client reads exactly as 64 bits.
const MAX_ID: i64 = i64::MAX;

/// Returns the schema of a value as it is read.
pub fn read_schema(field: &ResourceField) -> Value {
    let mut schema = match &field.kind {
        ValueKind::Flag => json!({ "type": "boolean" }),
        ValueKind::Integer { .. } => json!({ "type": "integer", "format": "int64" }),
        ValueKind::Reference(table) => json!({
            "type": "integer", "format": "int64", "description": format!("Id of a row of {}.", noun_of(table)),
        }),
        ValueKind::Line { .. } | ValueKind::Note => json!({ "type": "string" }),
        ValueKind::Email | ValueKind::TimeZone | ValueKind::Url { .. } => json!({ "type": "string" }),
        ValueKind::Date => json!({ "type": "string", "format": "date" }),
        ValueKind::ClockTime => json!({ "type": "string", "example": "17:00:00" }),
        ValueKind::Names | ValueKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        ValueKind::Labels => json!({ "type": "object", "description": "Values by label." }),
        ValueKind::Choice(words) => json!({ "type": "string", "description": format!("One of {}.", words.join(", ")) }),
        ValueKind::Choices(words) => json!({
            "type": "array", "items": { "type": "string" }, "description": format!("Some of {}.", words.join(", ")),
        }),
        ValueKind::Amount => json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]{2}$", "example": "610.00" }),
        ValueKind::Currency => json!({ "type": "string", "description": "ISO 4217 code in upper case." }),
        ValueKind::Instant { .. } | ValueKind::Time => json!({ "type": "string", "format": "date-time" }),
        ValueKind::Ids(table) => json!({
            "type": "array", "items": { "type": "integer", "format": "int64" },
            "description": format!("Ids of rows of {}, ascending.", noun_of(table)),
        }),
        ValueKind::Items(fields) => json!({ "type": "array", "items": item_schema(fields, true) }),
        ValueKind::Record(fields) => item_schema(fields, true),
    };
    if is_nullable(field) {
        make_nullable(&mut schema);
    }
    if matches!(field.usage, FieldUsage::ReadOnly) {
        schema["readOnly"] = true.into();
    }
    schema
}

/// Returns the schema of a value as it is written.
pub fn written_schema(field: &ResourceField) -> Value {
    let mut schema = match &field.kind {
        ValueKind::Integer { min, max } => integer(*min, *max),
        ValueKind::Reference(table) => {
            let mut schema = integer(1, MAX_ID);
            schema["description"] = format!("Id of a row of {}.", noun_of(table)).into();
            schema
        }
        ValueKind::Line { max } => json!({ "type": "string", "maxLength": max }),
        ValueKind::Note => json!({ "type": "string", "maxLength": 100_000 }),
        ValueKind::Url { max } => json!({ "type": "string", "format": "uri", "maxLength": max }),
        ValueKind::Email => json!({ "type": "string", "format": "email", "example": "ann.lee@example.org" }),
        ValueKind::TimeZone => json!({ "type": "string", "description": "IANA name.", "example": "Europe/London" }),
        ValueKind::Time => json!({ "type": "string", "format": "date-time" }),
        ValueKind::ClockTime => json!({ "type": "string", "description": "A time of the day.", "example": "17:00" }),
        ValueKind::Names | ValueKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        ValueKind::Labels => json!({ "type": "object", "description": "Values by label.", "example": {} }),
        ValueKind::Choice(words) => json!({ "type": "string", "enum": words }),
        ValueKind::Choices(words) => json!({ "type": "array", "items": { "type": "string", "enum": words } }),
        ValueKind::Amount => {
            json!({ "type": ["string", "number"], "description": "At most two decimals.", "example": "610.00" })
        }
        ValueKind::Currency => json!({ "type": "string", "pattern": "^[A-Za-z]{3}$", "description": "ISO 4217 code." }),
        ValueKind::Instant { is_end } => json!({
            "type": "string",
            "description": format!(
                "A time with its offset, or a date alone: its {} second.", if *is_end { "last" } else { "first" }
            ),
            "example": "2026-04-01T09:00:00+01:00",
        }),
        ValueKind::Ids(table) => json!({
            "type": "array", "items": integer(1, MAX_ID), "description": format!("Ids of rows of {}.", noun_of(table)),
        }),
        ValueKind::Items(fields) => json!({ "type": "array", "items": item_schema(fields, false) }),
        ValueKind::Record(fields) => item_schema(fields, false),
        ValueKind::Flag | ValueKind::Date => plain_schema(&field.kind),
    };
    if let FieldUsage::Optional(default) = &field.usage {
        match default {
            // Generators of clients take a property with the keyword `default` as one that is always sent.
            DefaultValue::Flag(_) | DefaultValue::Number(_) => {
                schema["description"] = format!("{} where it is not given.", default.json()).into();
            }
            DefaultValue::Generated => schema["description"] = "Generated where it is not given.".into(),
            DefaultValue::Null | DefaultValue::Text(_) | DefaultValue::EmptyList => {}
        }
    }
    if let FieldUsage::RequiredOr(inputs) = &field.usage {
        schema["description"] = format!("Required unless {} are given.", inputs.join(" and ")).into();
    }
    let takes_null = match &field.usage {
        FieldUsage::Optional(default) => !matches!(default, DefaultValue::Flag(_) | DefaultValue::Number(_)),
        FieldUsage::RequiredOr(_) => true,
        FieldUsage::Required | FieldUsage::ReadOnly => false,
    };
    if takes_null {
        make_nullable(&mut schema);
    }
    schema
}

/// Returns the schema of a read-only value in a body, so that a document can be written back as it was read.
pub fn ignored_schema(field: &ResourceField) -> Value {
    let mut schema = read_schema(field);
    schema["readOnly"] = true.into();
    schema["description"] = "Read-only: ignored in a body.".into();
    schema
}

/// Returns the schema of a kind that is read as it is written.
fn plain_schema(kind: &ValueKind) -> Value {
    match kind {
        ValueKind::Date => json!({ "type": "string", "format": "date" }),
        _ => json!({ "type": "boolean" }),
    }
}

fn item_schema(fields: &[ResourceField], is_read: bool) -> Value {
    let mut properties = json!({});
    for field in fields {
        properties[field.name] = if is_read { read_schema(field) } else { written_schema(field) };
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| is_read || matches!(field.usage, FieldUsage::Required))
        .map(|field| field.name)
        .collect();
    let mut schema = json!({ "type": "object", "required": required, "properties": properties });
    if !is_read {
        schema["additionalProperties"] = false.into();
    }
    schema
}

fn integer(min: i64, max: i64) -> Value {
    let format = if max > i64::from(i32::MAX) { "int64" } else { "int32" };
    let mut schema = json!({ "type": "integer", "format": format, "minimum": min });
    if max != MAX_ID {
        schema["maximum"] = max.into();
    }
    schema
}

/// Reports whether a value that is read can be null.
fn is_nullable(field: &ResourceField) -> bool {
    let is_calculated = matches!(field.usage, FieldUsage::ReadOnly)
        && matches!(field.source, FieldSource::Expression(_) | FieldSource::Detail { .. });
    let is_detail = matches!(field.source, FieldSource::Detail { .. });
    is_calculated || is_detail || matches!(field.usage, FieldUsage::Optional(DefaultValue::Null))
}

pub fn make_nullable(schema: &mut Value) {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    schema["type"] = kinds.into_iter().chain([json!("null")]).collect();
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}

fn noun_of(table: &str) -> String {
    table.rsplit('.').next().unwrap_or_default().replace('_', " ")
}
