//! Reading what Administrate sends, more liberally than it documents: ids and amounts as text or number, null for empty,
//! enums in any case, connections where lists are documented and lists where connections are.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A string, number or boolean as text; null is empty.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other @ (Value::Array(_) | Value::Object(_)) => Ok(other.to_string()),
    }
}

/// As [`text`], trimmed; none where empty.
pub(crate) fn maybe_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = text(deserializer)?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// An enum value or any other word, in lower case; none where empty.
pub(crate) fn lower<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(maybe_text(deserializer)?.map(|word| word.trim().to_lowercase()))
}

/// An enum value or any other word, in upper case; none where empty.
pub(crate) fn upper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(maybe_text(deserializer)?.map(|word| word.trim().to_uppercase()))
}

/// A whole number, also as text; none where empty.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = maybe_text(deserializer)? else {
        return Ok(None);
    };
    let whole = text.trim().trim_end_matches(".0");
    whole.parse().map(Some).map_err(|_| D::Error::custom(format!("{text:?} is no whole number")))
}

/// True, `"true"`, `"True"`, `1`, `"yes"`, `"on"`; anything else is false, null unknown.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(lower(deserializer)?.map(|word| matches!(word.as_str(), "true" | "1" | "yes" | "on")))
}

/// A point in time; null and the empty string are none.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<crate::Moment>, D::Error> {
    maybe_text(deserializer)?
        .map(|text| {
            crate::Moment::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no date and time")))
        })
        .transpose()
}

/// The id of an object like `{id}`; none for null, for an object without id, and for an empty one.
pub(crate) fn id_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<crate::Id>, D::Error> {
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

/// A list of texts; null is empty, a single text a list of one.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()),
        Value::String(one) => Ok(vec![one]),
        other => Err(D::Error::custom(format!("{other} is no list of texts"))),
    }
}

/// The nodes of a list that is given as one, or as a connection, or not at all. Nulls are left out.
pub(crate) fn listed<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    nodes(&Value::deserialize(deserializer)?)
        .into_iter()
        .filter(|node| !node.is_null())
        .map(|node| serde_json::from_value(node.clone()).map_err(D::Error::custom))
        .collect()
}

/// The nodes of a list or connection, nulls included.
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
