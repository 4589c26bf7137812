//! What documents contain that only the settings know: addresses for anonymous readers, and labels of custom fields.

use serde_json::{Map, Value};

use crate::config::{Config, Labels};
use crate::names::fold;
use crate::resources::Audience;

/// Returns the labels of the custom fields in Administrate that are fields of an event.
pub fn labels_of_fields(labels: &Labels) -> [&str; 5] {
    fields_of_labels(labels).map(|(label, _)| label)
}

/// Returns the custom fields in Administrate that are fields of an event: label and name of the field.
pub(super) fn fields_of_labels(labels: &Labels) -> [(&str, &'static str); 5] {
    [
        (&labels.sitting, "sitting"),
        (&labels.finalisation_date, "finalisation_date"),
        (&labels.event_url, "event_url"),
        (&labels.web_sale, "web_sale"),
        (&labels.ocr_moodle_code, "ocr_moodle_code"),
    ]
}

/// Completes the document of an event.
pub(super) fn event(config: &Config, audience: Audience, document: &mut Value) {
    if let Some(found) = document.get_mut("custom_fields").map(Value::take) {
        document["custom_fields"] = custom_fields(config, document, &found);
    }
    if hides_addresses(config, audience) {
        document["event_url"] = Value::Null;
    }
    for included in document.get_mut("sessions").and_then(Value::as_array_mut).into_iter().flatten() {
        session(config, audience, included);
    }
}

/// Completes the document of a session.
pub(super) fn session(config: &Config, audience: Audience, document: &mut Value) {
    if hides_addresses(config, audience) {
        document["url"] = Value::Null;
    }
}

fn hides_addresses(config: &Config, audience: Audience) -> bool {
    audience == Audience::Public && !config.public_session_urls
}

/// Returns the values by label. `found`: the stored ones, and the labels that Administrate has.
fn custom_fields(config: &Config, document: &Value, found: &Value) -> Value {
    let mut values = Map::new();
    let known = || found["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for (label, field) in fields_of_labels(&config.administrate.labels) {
        if let Some(known) = known().find(|known| fold(known) == fold(label))
            && !document[field].is_null()
        {
            values.insert(known.to_owned(), document[field].clone());
        }
    }
    values.extend(found["values"].as_object().cloned().unwrap_or_default());
    Value::Object(values)
}
