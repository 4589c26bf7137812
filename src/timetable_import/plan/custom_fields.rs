//! Checks the timetable's values for custom fields against their definitions in Administrate.
//!
//! Values are checked in the form that delivery writes: `True` and `False`, `YYYY-MM-DD`, a day as a number. A field of
//! an unknown type accepts every value.

use jiff::civil::{Date, DateTime};

use super::PlanItem;
use super::inputs::{Definition, LocalState};
use crate::config::Labels;
use crate::names::fold;
use crate::timetable_import::blocks::{EventRow, SessionRow, Timetable};
use crate::timetable_import::layout::Field;
use crate::tutorials::Event;
use crate::workbook::problems::{Code, ImportProblem, Issue};
use crate::workbook::values;

/// The value of a custom field with the column that it is read from.
pub(crate) struct MappedValue<'a> {
    pub(crate) label: &'a str,
    pub(crate) field: Field,
    pub(crate) value: Option<String>,
}

/// Returns an event row's values for custom fields, as delivery writes them.
pub(crate) fn event_values<'a>(labels: &'a Labels, cells: &EventRow) -> Vec<MappedValue<'a>> {
    let web_sale = if cells.web_sale { "True" } else { "False" };
    let mapped = |label, field, value| MappedValue { label, field, value };
    vec![
        mapped(&labels.sitting, Field::Sitting, cells.sitting.as_ref().map(|sitting| sitting.written.clone())),
        mapped(&labels.finalisation_date, Field::FinalisationDate, cells.finalisation.map(|date| date.to_string())),
        mapped(&labels.event_url, Field::EventUrl, cells.url.clone()),
        mapped(&labels.web_sale, Field::WebSale, Some(web_sale.to_owned())),
        mapped(&labels.ocr_moodle_code, Field::OcrMoodleCode, cells.ocr_moodle_code.clone()),
    ]
}

/// Returns a session row's values for custom fields, as delivery writes them.
pub(crate) fn session_values<'a>(labels: &'a Labels, cells: &SessionRow) -> Vec<MappedValue<'a>> {
    let mapped = |label, field, value| MappedValue { label, field, value };
    vec![
        mapped(&labels.day, Field::Day, cells.day.map(|day| day.to_string())),
        mapped(&labels.session_url, Field::SessionUrl, cells.url.clone()),
    ]
}

/// Checks a value, or its absence, against its definition; `has_default`: the course template has a default value.
///
/// # Errors
/// `invalid_value` with the allowed values as suggestions, or `missing_value`.
pub(crate) fn check(definition: &Definition, value: Option<&str>, has_default: bool) -> Result<(), Issue> {
    let label = &definition.label;
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        if definition.is_required && !has_default {
            let message = format!("Administrate requires a value for \"{label}\"; fill in this cell");
            return Err(Issue::new(Code::MissingValue, message));
        }
        return Ok(());
    };
    let Some(expected) = expected_value(&definition.field_type, &definition.options, value) else { return Ok(()) };
    let message = format!("\"{value}\" is not valid for \"{label}\" in Administrate; write {expected}");
    Err(Issue::new(Code::InvalidValue, message).with_suggestions(definition.options.clone()))
}

/// Describes the expected values where a definition of this type with these options rejects a value.
pub(crate) fn expected_value(field_type: &str, options: &[String], value: &str) -> Option<String> {
    let is_option = |value: &str| options.iter().any(|option| option.trim() == value.trim());
    let kind: String = fold(field_type).chars().filter(char::is_ascii_alphanumeric).collect();
    let (is_valid, expected) = match kind.as_str() {
        "choice" | "dropdown" | "select" | "radio" => (options.is_empty() || is_option(value), options.join(", ")),
        "multichoice" | "multiselect" => {
            let all = is_option(value) || value.split([',', ';', '|']).all(is_option);
            (options.is_empty() || all, options.join(", "))
        }
        "number" | "decimal" | "float" => (value.parse::<f64>().is_ok_and(f64::is_finite), "a number".to_owned()),
        "integer" | "int" => (value.parse::<i64>().is_ok(), "a whole number".to_owned()),
        "boolean" | "checkbox" | "bool" => (is_boolean(value), "True or False".to_owned()),
        "date" => (value.parse::<Date>().is_ok() && value.len() == 10, "a date".to_owned()),
        "datetime" => {
            let is_moment = value.parse::<DateTime>().is_ok() || value.parse::<jiff::Timestamp>().is_ok();
            (is_moment, "a date with a time".to_owned())
        }
        "url" | "link" => (values::is_url(value), "an address that begins with http:// or https://".to_owned()),
        _ => (true, String::new()),
    };
    (!is_valid).then_some(expected)
}

fn is_boolean(value: &str) -> bool {
    matches!(fold(value).as_str(), "true" | "false" | "1" | "0" | "yes" | "no" | "on" | "off")
}

/// Returns required custom fields that no column fills, as entity and label.
fn unmapped_required<'a>(local: &'a LocalState, labels: &Labels) -> Vec<(&'static str, &'a str)> {
    let of_event =
        [&labels.sitting, &labels.finalisation_date, &labels.event_url, &labels.web_sale, &labels.ocr_moodle_code];
    let of_session = [&labels.day, &labels.session_url];
    let mut unmapped = Vec::new();
    for (entity, mapped) in [("Event", &of_event[..]), ("Session", &of_session[..])] {
        let required = local.fields.iter().filter(|((of, _), field)| field.is_required && *of == fold(entity));
        let missing = required.filter(|((_, label), _)| !mapped.iter().any(|mapped| fold(mapped) == *label));
        unmapped.extend(missing.map(|(_, field)| (entity, field.label.as_str())));
    }
    unmapped.sort_unstable();
    unmapped
}

/// Returns a warning for each custom field that Administrate lacks, or requires without a column that fills it.
pub(crate) fn unknown_labels(
    timetable: &Timetable,
    items: &[PlanItem],
    local: &LocalState,
    labels: &Labels,
) -> Vec<ImportProblem> {
    let is_any = |filled: &dyn Fn(&Event) -> bool| {
        items.iter().filter_map(|item| item.event.as_ref()).any(|planned| filled(&planned.event))
    };
    let used = [
        ("Event", &labels.sitting, is_any(&|_| true)),
        ("Event", &labels.web_sale, is_any(&|_| true)),
        ("Event", &labels.finalisation_date, is_any(&|event| event.finalisation_date.is_some())),
        ("Event", &labels.event_url, is_any(&|event| event.event_url.is_some())),
        ("Event", &labels.ocr_moodle_code, is_any(&|event| event.ocr_moodle_code.is_some())),
        ("Session", &labels.day, is_any(&|event| !event.sessions.is_empty())),
        ("Session", &labels.session_url, is_any(&|event| event.sessions.iter().any(|s| s.url.is_some()))),
    ];
    let unknown = used.iter().filter(|(entity, label, used)| {
        *used && !label.is_empty() && !local.fields.contains_key(&(fold(entity), fold(label)))
    });
    let warning = |message: String| {
        ImportProblem::at(Some(&timetable.sheet), None, None, Issue::new(Code::UnknownLabel, message))
    };
    let unknown = unknown.map(|(entity, label, _)| {
        format!(
            "Administrate has no {entity} field with the label \"{label}\": its values are stored only locally; create \
             the field in Administrate or correct the label in the settings"
        )
    });
    let unmapped = unmapped_required(local, labels).into_iter().map(|(entity, label)| {
        format!(
            "Administrate requires the {entity} field \"{label}\", which no column of a timetable fills; fill it \
             manually in Administrate"
        )
    });
    unknown.chain(unmapped).map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_wrong_type_is_rejected() {
        let options = vec!["2026A".to_owned(), "2026S".to_owned()];
        for (field_type, value, is_valid) in [
            ("choice", "2026A", true),
            ("Choice", "2027A", false),
            ("multichoice", "2026A, 2026S", true),
            ("multichoice", "2026A, 2027A", false),
            ("number", "1", true),
            ("number", "CB1 OC", false),
            ("integer", "1.5", false),
            ("boolean", "True", true),
            ("checkbox", "perhaps", false),
            ("date", "2026-01-13", true),
            ("date", "2026A", false),
            ("datetime", "2026-01-13", true),
            ("url", "https://rooms.example.org/a", true),
            ("url", "rooms", false),
            ("string", "anything", true),
            ("something new", "anything", true),
        ] {
            let definition = Definition {
                label: "Sitting".to_owned(),
                field_type: field_type.to_owned(),
                options: options.clone(),
                ..Definition::default()
            };
            let found = check(&definition, Some(value), false);
            assert_eq!(found.is_ok(), is_valid, "{field_type} {value}");
            let suggestions = found.err().map(|issue| issue.suggestions);
            assert!(suggestions.is_none_or(|suggested| suggested == options));
        }
        let required = Definition { is_required: true, ..Definition::default() };
        assert_eq!(check(&required, None, false).err().map(|issue| issue.code), Some(Code::MissingValue));
        assert_eq!(check(&required, None, true), Ok(()));
    }
}
