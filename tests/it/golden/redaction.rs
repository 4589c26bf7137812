//! What differs between two runs of the same program, or may be reworded, is replaced in one place.

use serde_json::{Map, Value};

/// Replaces times, durations, secrets and prose by their key, and `places` (paths, ports) wherever they occur.
pub fn redact(value: &Value, places: &[(String, &str)]) -> Value {
    redact_under("", value, places)
}

fn redact_under(key: &str, value: &Value, places: &[(String, &str)]) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(_) if is_time(key) => "<time>".into(),
        Value::String(_) if is_prose(key) => "<prose>".into(),
        Value::String(_) if key == "transaction" => "<number>".into(),
        Value::String(_) if matches!(key, "token" | "digest") => "<secret>".into(),
        Value::Number(_)
            if matches!(
                key,
                "duration"
                    | "duration_ms"
                    | "catalogue_version"
                    | "catalogue_age_seconds"
                    | "execution_time"
                    | "tokens"
            ) =>
        {
            "<number>".into()
        }
        Value::String(text) => replace_places(text, places).into(),
        Value::Array(items) => items.iter().map(|item| redact_under(key, item, places)).collect(),
        Value::Object(fields) => {
            let redacted = fields.iter().map(|(name, value)| (name.clone(), redact_under(name, value, places)));
            Value::Object(redacted.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn is_time(key: &str) -> bool {
    key.ends_with("_at") && key != "triggered_at"
        || matches!(
            key,
            "installed_on"
                | "last_synced"
                | "triggered"
                | "asked_for"
                | "late_until"
                | "paused_until"
                | "first_run"
                | "since"
        )
}

/// Sentences for a person: their wording may change, that there is one may not.
fn is_prose(key: &str) -> bool {
    matches!(key, "message" | "error" | "detail" | "note" | "last_error" | "error_message" | "why")
}

fn replace_places(text: &str, places: &[(String, &str)]) -> String {
    places.iter().fold(text.to_owned(), |text, (place, name)| text.replace(place.as_str(), name))
}
