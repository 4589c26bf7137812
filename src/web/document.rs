//! Reads the stored documents of runs for pages. A field that is absent or of another type is empty.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::format::thousands;

/// Returns a text; "" if it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns a text that may be absent.
pub fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Returns a number; 0 if it is none.
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// Returns the items of a list.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns any value as a person reads it: a dash for nothing, yes and no, a list with commas.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Returns a number as a table shows it; a dash for 0, so that the others stand out.
pub fn count(value: &Value) -> String {
    match number(value) {
        0 => "–".to_owned(),
        number => thousands(number),
    }
}

/// Returns a text that changes when one of these fields does.
pub fn version(document: &Value, fields: &[&str]) -> String {
    let values: Vec<&Value> = fields.iter().map(|name| &document[*name]).collect();
    let digest = Sha256::digest(serde_json::to_vec(&values).unwrap_or_default());
    hex::encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_without_json() {
        for (value, expected) in [
            (json!(null), "–"),
            (json!(""), "–"),
            (json!(true), "yes"),
            (json!(["a", 2]), "a, 2"),
            (json!({ "a": null, "b": "x" }), "a: –; b: x"),
        ] {
            assert_eq!(shown(&value), expected);
        }
        assert_eq!((count(&json!(0)), count(&json!(1288))), ("–".to_owned(), "1,288".to_owned()));
        assert_eq!((text(&json!(1)), number(&json!("x"))), (String::new(), 0));
    }
}
