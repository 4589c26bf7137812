//! The custom fields of an event in its form. Those that are fields of the event itself have fields of their own.

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::forms::typed;
use crate::bridges::store::references;
use crate::config::Config;
use crate::error::Result;
use crate::names::fold;
use crate::tutorials::api::labels_of_fields;
use crate::web::fields::{FieldOption, FormField, FormFields};

/// The name of the document's field.
const FIELD: &str = "custom_fields";

/// The beginning of the names of the form's fields. Labels may contain any character.
const PREFIX: &str = "custom-";

/// Returns the fields for what Administrate defines, with the values of an event.
pub(super) async fn fields(db: &mut PgConnection, config: &Config, event: &Value) -> Result<Vec<FormField>> {
    let own = labels_of_fields(&config.administrate.labels);
    let mut found: Vec<FormField> = Vec::new();
    for row in references::custom_fields(db).await? {
        let is_own = own.iter().any(|label| fold(label) == fold(&row.label));
        let is_known = found.iter().any(|field| field.label == row.label);
        if fold(&row.entity_type) != "event" || is_own || is_known {
            continue;
        }
        let name = format!("{PREFIX}{}", found.len());
        let value = match &event[FIELD][row.label.as_str()] {
            Value::Bool(false) => "false".to_owned(),
            value => typed(value),
        };
        let options = row.options.as_array().into_iter().flatten();
        let options = options.filter_map(|option| option.as_str().or_else(|| option["value"].as_str()));
        let mut field = match fold(&row.field_type).as_str() {
            "boolean" => {
                let choices = [("", "Not set"), ("true", "Yes"), ("false", "No")];
                let choices = choices.map(|(value, label)| FieldOption::new(value, label)).to_vec();
                FormField::select(name, row.label.clone(), choices)
            }
            _ => FormField {
                suggestions: options.map(str::to_owned).collect(),
                ..FormField::line(name, row.label.clone()).hinted("A custom field of Administrate")
            },
        };
        field.values = vec![value].into_iter().filter(|value| !value.is_empty()).collect();
        found.push(field);
    }
    Ok(found)
}

/// Returns the values that were changed, by label. An emptied field is null.
pub(super) fn changed(form: &FormFields, before: &FormFields) -> Map<String, Value> {
    let mut values = Map::new();
    for field in &form.fields {
        if field.name.starts_with(PREFIX) && field.values != before.values(&field.name) {
            let value = if field.values.is_empty() { Value::Null } else { field.value().into() };
            values.insert(field.label.to_string(), value);
        }
    }
    values
}

/// Returns the field of the form for a place of the document, such as `custom_fields/Room code`; none for another place.
pub(super) fn field_of(form: &FormFields, place: &str) -> Option<String> {
    let label = place.strip_prefix(FIELD)?.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
    form.fields
        .iter()
        .find(|field| field.name.starts_with(PREFIX) && field.label == label)
        .map(|field| field.name.to_string())
}
