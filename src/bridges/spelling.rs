//! Values that both sides may spell differently: in other letter case, or null where the other side has nothing.
//!
//! Null, an empty text, an empty list and a missing key mean the same. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reference::LinkRow;

/// A text of a row, or the texts in a JSON value.
#[derive(Debug)]
pub enum SpelledText<'a> {
    Text(&'a mut String),
    Optional(&'a mut Option<String>),
    Json(&'a mut Value),
    /// A word of a vocabulary, whose letter case never matters.
    Word(&'a mut Option<String>),
}

impl SpelledText<'_> {
    fn value(&self) -> Value {
        match self {
            SpelledText::Text(text) => text.as_str().into(),
            SpelledText::Optional(text) | SpelledText::Word(text) => text.as_deref().into(),
            SpelledText::Json(value) => (*value).clone(),
        }
    }

    fn set(self, value: Value) {
        match (self, value) {
            (SpelledText::Text(text), Value::String(value)) => *text = value,
            (SpelledText::Optional(text) | SpelledText::Word(text), Value::String(value)) => *text = Some(value),
            (SpelledText::Optional(text) | SpelledText::Word(text), _) => *text = None,
            (SpelledText::Json(json), value) => *json = value,
            (SpelledText::Text(_), _) => {}
        }
    }
}

/// Gives the values of a row that mean the same as the stored ones their stored spelling.
///
/// A value that differs in letter case keeps it only if Administrate has not changed it since the first comparison:
/// `first` is the row that Administrate had then, none if this is the first comparison. Returns whether such a value
/// was retained.
pub fn keep_spelling<R: LinkRow>(row: &mut R, stored: &R, first: Option<&R>) -> bool {
    let (stored, first) = (values(stored), first.map(values));
    let mut retained = false;
    for (key, text) in row.spelled_texts() {
        let Some(stored) = stored.get(&key) else { continue };
        let is_word = matches!(text, SpelledText::Word(_));
        let first = first.as_ref().filter(|_| !is_word).map(|first| first.get(&key).unwrap_or(&Value::Null));
        let mut retained_here = false;
        let value = as_stored(text.value(), stored, first, &mut retained_here);
        retained |= retained_here && !is_word;
        text.set(value);
    }
    retained
}

fn values<R: LinkRow>(row: &R) -> BTreeMap<String, Value> {
    row.clone().spelled_texts().into_iter().map(|(key, text)| (key, text.value())).collect()
}

/// Returns `stored` where `desired` means the same, value by value.
fn as_stored(desired: Value, stored: &Value, first: Option<&Value>, retained: &mut bool) -> Value {
    match (desired, stored) {
        (desired, stored) if is_blank(&desired) && is_blank(stored) => stored.clone(),
        (Value::String(desired), Value::String(stored)) => {
            let differs = desired != *stored && caseless::default_caseless_match_str(&desired, stored);
            let is_retained = differs && first.is_none_or(|first| first.as_str() == Some(desired.as_str()));
            *retained |= is_retained;
            Value::String(if is_retained { stored.clone() } else { desired })
        }
        (Value::Object(desired), Value::Object(stored)) => object_as_stored(desired, stored, first, retained),
        (Value::Array(desired), Value::Array(stored)) if desired.len() == stored.len() => {
            let pairs = desired.into_iter().zip(stored).enumerate();
            let item = |(at, (desired, stored)): (usize, (Value, &Value))| {
                as_stored(desired, stored, first.map(|first| &first[at]), retained)
            };
            pairs.map(item).collect()
        }
        (desired, _) => desired,
    }
}

/// Keys without a value stay as they are stored, and none is added.
fn object_as_stored(
    desired: Map<String, Value>,
    stored: &Map<String, Value>,
    first: Option<&Value>,
    retained: &mut bool,
) -> Value {
    let mut result: Map<String, Value> =
        stored.iter().filter(|(_, value)| is_blank(value)).map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in desired {
        match stored.get(&key) {
            Some(before) => {
                let value = as_stored(value, before, first.map(|first| &first[key.as_str()]), retained);
                result.insert(key, value);
            }
            None if is_blank(&value) => {}
            None => _ = result.insert(key, value),
        }
    }
    Value::Object(result)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn retained(desired: Value, stored: &Value, first: Option<&Value>) -> (Value, bool) {
        let mut retained = false;
        (as_stored(desired, stored, first, &mut retained), retained)
    }

    #[test]
    fn value_of_the_same_meaning_keeps_its_stored_spelling() {
        for (stored, desired, expected) in [
            (json!("blended"), json!("BLENDED"), json!("blended")),
            (json!("STRASSE"), json!("Straße"), json!("STRASSE")),
            (json!("blended"), json!("LMS"), json!("LMS")),
            (json!(null), json!(""), json!(null)),
            (json!(""), json!(null), json!("")),
            (json!(null), json!([]), json!(null)),
            (json!(null), json!({}), json!(null)),
            (json!({ "a": null, "b": "Yes" }), json!({ "b": "yes" }), json!({ "a": null, "b": "Yes" })),
            (json!({ "a": null, "b": "Yes" }), json!({ "b": "no", "c": "" }), json!({ "a": null, "b": "no" })),
            (json!({ "a": null, "b": "x" }), json!({ "a": "y" }), json!({ "a": "y" })),
            (json!(["ADMIN", "b"]), json!(["admin", "c"]), json!(["ADMIN", "c"])),
            (json!(["a"]), json!(["A", "b"]), json!(["A", "b"])),
            (json!(0), json!(null), json!(null)),
        ] {
            assert_eq!(retained(desired.clone(), &stored, None).0, expected, "{stored} {desired}");
        }
    }

    #[test]
    fn letter_case_that_administrate_changes_is_taken() {
        let (stored, first) = (json!({ "a": "yes", "b": "no" }), json!({ "a": "Yes", "b": "No" }));
        let now = json!({ "a": "Yes", "b": "NO" });
        assert_eq!(retained(now.clone(), &stored, Some(&first)), (json!({ "a": "yes", "b": "NO" }), true));
        assert_eq!(retained(now.clone(), &stored, Some(&stored)), (now, false));
    }
}
