//! Lenient parsing of responses, beyond what Administrate documents.
//!
//! Ids and amounts may be text or numbers, empty values null, enums in any case, and lists and connections may stand for
//! each other.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a string, number or boolean as text; null is empty.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other @ (Value::Array(_) | Value::Object(_)) => Ok(other.to_string()),
    }
}

/// Reads a [`text`]; none if it is blank.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = text(deserializer)?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// Reads an enum value or any other word in lower case; none if it is blank.
pub(crate) fn lowercase<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(optional_text(deserializer)?.map(|word| word.trim().to_lowercase()))
}

/// Reads an enum value or any other word in upper case; none if it is blank.
pub(crate) fn uppercase<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(optional_text(deserializer)?.map(|word| word.trim().to_uppercase()))
}

/// Reads a whole number, also from text; none if it is blank.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = optional_text(deserializer)? else {
        return Ok(None);
    };
    let whole = text.trim().trim_end_matches(".0");
    whole.parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is not a whole number")))
}

/// Reads whole seconds from a number or text, also with decimals; none if it is blank or no number of seconds.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let seconds = optional_text(deserializer)?.and_then(|text| text.trim().parse::<f64>().ok());
    let is_duration = |seconds: &f64| seconds.is_finite() && *seconds >= 0.0;
    Ok(seconds.filter(is_duration).map(|seconds| seconds as u64))
}

/// Reads true, `"true"`, `"True"`, `1`, `"yes"` and `"on"` as true, null as none, anything else as false.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(lowercase(deserializer)?.map(|word| matches!(word.as_str(), "true" | "1" | "yes" | "on")))
}

/// Reads a point in time; null and blank text are none.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<crate::Moment>, D::Error> {
    optional_text(deserializer)?
        .map(|text| {
            crate::Moment::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a date and time")))
        })
        .transpose()
}

/// Reads the id of an object like `{id}`; none for null, an object without id, and an empty id.
pub(crate) fn object_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<crate::Id>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let id = match value.get("id") {
        Some(id) => id,
        None if value.is_string() => &value,
        None => return Ok(None),
    };
    if id.is_null() || id.as_str() == Some("") {
        return Ok(None);
    }
    serde_json::from_value(id.clone()).map(Some).map_err(D::Error::custom)
}

/// Reads a list of texts; null is an empty list, a single text a list of one.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()),
        Value::String(one) => Ok(vec![one]),
        other => Err(D::Error::custom(format!("{other} is not a list of texts"))),
    }
}

/// Reads the nodes of a list or connection without nulls; an absent list is empty.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    nodes(&Value::deserialize(deserializer)?)
        .into_iter()
        .filter(|node| !node.is_null())
        .map(|node| serde_json::from_value(node.clone()).map_err(D::Error::custom))
        .collect()
}

/// Returns the nodes of a list or connection, including nulls.
pub(crate) fn nodes(list: &Value) -> Vec<&Value> {
    static NULL: Value = Value::Null;
    if let Some(items) = list.as_array() {
        return items.iter().collect();
    }
    let edges = list.get("edges").and_then(Value::as_array);
    if let Some(edges) = edges {
        return edges.iter().map(|edge| edge.get("node").unwrap_or(&NULL)).collect();
    }
    list.get("nodes").and_then(Value::as_array).map(|nodes| nodes.iter().collect()).unwrap_or_default()
}
