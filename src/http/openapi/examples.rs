//! Examples of bodies, made from their schemas: they are as complete and as current as these.

use serde_json::{Map, Value, json};

/// The deepest nesting of an example.
const MAX_DEPTH: usize = 16;

/// Values of properties and parameters by name, for whichever of them fits the type.
const VALUES: &[(&str, &str)] = &[
    ("code", "CM2"),
    ("session_code", "2026-04"),
    ("description", "Financial engineering and loss reserving"),
    ("description_short", "Three days"),
    ("fullname", "Tutorial - London"),
    ("shortname", "London"),
    ("product_code", "CM2/LON_f2f_3/2026-04"),
    ("amount", "610.00"),
    ("currency", "GBP"),
    ("price_type", "standard"),
    ("default_price_type", "standard"),
    ("variation_type", "Tutorial"),
    ("bundle_name", "CM2 Pack"),
    ("name", "London"),
    ("title", "CM2-01-26A"),
    ("venue", "Holborn Rooms"),
    ("location", "London"),
    ("time_zone", "Europe/London"),
    ("url", "https://meet.example/cm2"),
    ("event_url", "https://example.org/cm2"),
    ("email", "ann.lee@example.org"),
    ("first_name", "Ann"),
    ("last_name", "Lee"),
    ("display_name", "London"),
    ("sitting", "2026A"),
    ("entity", "locations"),
    ("state", "queued"),
    ("subject_code", "CM2"),
    ("searchQuery", "cm2 london"),
    ("learning_mode", "classroom"),
    ("file", "timetable.xlsx"),
    ("next", "https://lectern.example/api/catalogue/subjects/?page=3"),
    ("previous", "https://lectern.example/api/catalogue/subjects/?page=1"),
    ("product_name", "Tutorial - London"),
    ("product_short_name", "London"),
    ("type", "Tutorial"),
    ("delivered", "RXZlbnQ6NDI="),
    ("external_id", "RXZlbnQ6NDI="),
    ("last_error", "Administrate answers 503"),
    ("detail", "there is no such subject"),
    ("exam_session_code", "2026-04"),
    ("subject_description", "Financial engineering and loss reserving"),
    ("product_description", "Three days with an experienced tutor"),
    ("message", "no location is called \"Lndon\""),
];

/// Adds an example to every JSON body that has none.
pub fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|operations| operations.values_mut())
    {
        add_to_content(&mut operation["requestBody"]["content"], &schemas, true);
        if operation["requestBody"]["content"].is_null()
            && let Some(operation) = operation.as_object_mut()
        {
            operation.remove("requestBody");
        }
        for response in operation["responses"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            if let Some(content) = response.get_mut("content") {
                add_to_content(content, &schemas, false);
            }
        }
    }
}

fn add_to_content(content: &mut Value, schemas: &Value, is_request: bool) {
    let Some(media) = content.get_mut("application/json") else { return };
    if media.get("example").is_none() && media.get("examples").is_none() {
        let example = Maker { schemas, is_request }.example(&media["schema"], "", 0);
        media["example"] = example;
    }
}

struct Maker<'a> {
    schemas: &'a Value,
    /// Whether read-only properties are left out.
    is_request: bool,
}

impl Maker<'_> {
    fn example(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.rsplit('/').next().unwrap_or_default();
            return self.example(&self.schemas[target], name, depth + 1);
        }
        for given in
            [&schema["example"], &schema["examples"][0], &schema["default"], &schema["enum"][0], &schema["const"]]
        {
            if !given.is_null() && self.fits_table(schema, name).is_none() {
                return given.clone();
            }
        }
        for choice in ["oneOf", "anyOf"] {
            let mut choices = schema[choice].as_array().into_iter().flatten();
            if let Some(first) = choices.find(|choice| choice["type"] != "null") {
                return self.example(first, name, depth + 1);
            }
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" if depth > MAX_DEPTH => json!([]),
            "array" => json!([self.example(&schema["items"], singular(name), depth + 1)]),
            "integer" | "number" => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => self.fits_table(schema, name).unwrap_or_else(|| text(schema)),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let mut example = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_left_out = self.is_request && property["readOnly"] == true;
            if depth <= MAX_DEPTH && !is_left_out {
                example.insert(name.clone(), self.example(property, name, depth + 1));
            }
        }
        if example.is_empty() && schema["additionalProperties"].is_object() {
            example.insert("CM2".to_owned(), self.example(&schema["additionalProperties"], "", depth + 1));
        }
        Value::Object(example)
    }

    /// Returns the value of the table for a text that can have it.
    fn fits_table(&self, schema: &Value, name: &str) -> Option<Value> {
        if kind(schema) != "string" || schema.get("format").is_some_and(|format| format != "uri") {
            return None;
        }
        let value = VALUES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)?;
        let choices = schema["enum"].as_array();
        let fits_choice = choices.is_none_or(|choices| choices.iter().any(|choice| choice == value));
        let fits_length = schema["maxLength"].as_u64().is_none_or(|max| value.len() as u64 <= max);
        (fits_choice && fits_length).then(|| value.into())
    }
}

/// Returns the first type of a schema that is not null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

fn text(schema: &Value) -> Value {
    match schema["format"].as_str() {
        Some("date-time") => "2026-04-01T09:00:00+01:00".into(),
        Some("date") => "2026-04-01".into(),
        Some("uri") => "https://example.org".into(),
        Some("email") => "ann.lee@example.org".into(),
        _ => "text".into(),
    }
}

fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}
