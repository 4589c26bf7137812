//! What a timetable says under the labels of custom fields, held against Administrate's definitions of them.
//!
//! What is compared is what delivery writes: `True` and `False`, `YYYY-MM-DD`, a day as a number. A type that is not
//! known takes everything.

use jiff::civil::{Date, DateTime};

use super::PlanItem;
use super::inputs::{Definition, LocalState};
use crate::config::Labels;
use crate::names::fold;
use crate::timetable_import::blocks::{EventRow, SessionRow, Timetable};
use crate::timetable_import::layout::Field;
use crate::timetable_import::problems::{Code, ImportProblem, Issue};
use crate::timetable_import::values;
use crate::tutorials::Event;

/// A custom field's label, the column that feeds it, and what that says.
pub(crate) type MappedValue<'a> = (&'a str, Field, Option<String>);

/// What an event row says of custom fields (as `delivery::wanted`).
pub(crate) fn of_event<'a>(labels: &'a Labels, cells: &EventRow) -> Vec<MappedValue<'a>> {
    let web_sale = if cells.web_sale { "True" } else { "False" };
    vec![
        (&labels.sitting, Field::Sitting, cells.sitting.as_ref().map(|sitting| sitting.written.clone())),
        (&labels.finalisation_date, Field::FinalisationDate, cells.finalisation.map(|date| date.to_string())),
        (&labels.event_url, Field::EventUrl, cells.url.clone()),
        (&labels.web_sale, Field::WebSale, Some(web_sale.to_owned())),
        (&labels.ocr_moodle_code, Field::OcrMoodleCode, cells.ocr_moodle_code.clone()),
    ]
}

/// What a row says of its session's custom fields.
pub(crate) fn of_session<'a>(labels: &'a Labels, cells: &SessionRow) -> Vec<MappedValue<'a>> {
    vec![
        (&labels.day, Field::Day, cells.day.map(|day| day.to_string())),
        (&labels.session_url, Field::SessionUrl, cells.url.clone()),
    ]
}

/// Whether Administrate takes a value, or none; `has_default`: the course template gives one.
///
/// # Errors
/// `invalid_value`, suggesting what is allowed; `missing_value`.
pub(crate) fn check(definition: &Definition, value: Option<&str>, has_default: bool) -> Result<(), Issue> {
    let label = &definition.label;
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        if definition.is_required && !has_default {
            let message = format!("Administrate requires a value for \"{label}\"");
            return Err(Issue::new(Code::MissingValue, message));
        }
        return Ok(());
    };
    let Some(wanted) = type_error(definition, value) else { return Ok(()) };
    let message = format!("\"{value}\" is not possible for \"{label}\" in Administrate, which takes {wanted}");
    Err(Issue::new(Code::InvalidValue, message).suggesting(definition.options.clone()))
}

/// What a definition takes, where it does not take this value.
fn type_error(definition: &Definition, value: &str) -> Option<String> {
    let options = &definition.options;
    let is_option = |value: &str| options.iter().any(|option| option.trim() == value.trim());
    let kind: String = fold(&definition.field_type).chars().filter(char::is_ascii_alphanumeric).collect();
    let (suits, wanted) = match kind.as_str() {
        "choice" | "dropdown" | "select" | "radio" => (options.is_empty() || is_option(value), options.join(", ")),
        "multichoice" | "multiselect" => {
            let all = is_option(value) || value.split([',', ';', '|']).all(is_option);
            (options.is_empty() || all, options.join(", "))
        }
        "number" | "decimal" | "float" => (value.parse::<f64>().is_ok_and(f64::is_finite), "a number".to_owned()),
        "integer" | "int" => (value.parse::<i64>().is_ok(), "a whole number".to_owned()),
        "boolean" | "checkbox" | "bool" => (is_truth(value), "True or False".to_owned()),
        "date" => (value.parse::<Date>().is_ok() && value.len() == 10, "a date".to_owned()),
        "datetime" => {
            let is_moment = value.parse::<DateTime>().is_ok() || value.parse::<jiff::Timestamp>().is_ok();
            (is_moment, "a date with a time".to_owned())
        }
        "url" | "link" => (values::is_url(value), "an address that begins with http:// or https://".to_owned()),
        _ => (true, String::new()),
    };
    (!suits).then_some(wanted)
}

fn is_truth(value: &str) -> bool {
    matches!(fold(value).as_str(), "true" | "false" | "1" | "0" | "yes" | "no" | "on" | "off")
}

/// The fields of events and sessions that Administrate requires and no column feeds: kind of record and label.
fn unmapped_required<'a>(ours: &'a LocalState, labels: &Labels) -> Vec<(&'static str, &'a str)> {
    let of_event =
        [&labels.sitting, &labels.finalisation_date, &labels.event_url, &labels.web_sale, &labels.ocr_moodle_code];
    let of_session = [&labels.day, &labels.session_url];
    let mut unfed = Vec::new();
    for (entity, fed) in [("Event", &of_event[..]), ("Session", &of_session[..])] {
        let required = ours.fields.iter().filter(|((of, _), field)| field.is_required && *of == fold(entity));
        let unfed_of = required.filter(|((_, label), _)| !fed.iter().any(|fed| fold(fed) == *label));
        unfed.extend(unfed_of.map(|(_, field)| (entity, field.label.as_str())));
    }
    unfed.sort_unstable();
    unfed
}

/// One warning for each custom field that the timetable fills and the tenant lacks, or that it requires and nothing
/// fills.
pub(crate) fn unknown_labels(
    timetable: &Timetable,
    items: &[PlanItem],
    ours: &LocalState,
    labels: &Labels,
) -> Vec<ImportProblem> {
    let any = |filled: &dyn Fn(&Event) -> bool| {
        items.iter().filter_map(|item| item.event.as_ref()).any(|planned| filled(&planned.event))
    };
    let used = [
        ("Event", &labels.sitting, any(&|_| true)),
        ("Event", &labels.web_sale, any(&|_| true)),
        ("Event", &labels.finalisation_date, any(&|event| event.finalisation_date.is_some())),
        ("Event", &labels.event_url, any(&|event| event.event_url.is_some())),
        ("Event", &labels.ocr_moodle_code, any(&|event| event.ocr_moodle_code.is_some())),
        ("Session", &labels.day, any(&|event| !event.sessions.is_empty())),
        ("Session", &labels.session_url, any(&|event| event.sessions.iter().any(|s| s.url.is_some()))),
    ];
    let lacking = used.iter().filter(|(entity, label, used)| {
        *used && !label.is_empty() && !ours.fields.contains_key(&(fold(entity), fold(label)))
    });
    let warning = |message: String| {
        ImportProblem::at(Some(&timetable.sheet), None, None, Issue::new(Code::UnknownLabel, message))
    };
    let lacking = lacking.map(|(entity, label, _)| {
        format!("Administrate has no {entity} field labelled \"{label}\"; its values stay here only")
    });
    let unfed = unmapped_required(ours, labels).into_iter().map(|(entity, label)| {
        format!("Administrate requires the {entity} field \"{label}\", which no column of a timetable fills")
    });
    lacking.chain(unfed).map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_against_their_definition() {
        let options = vec!["2026A".to_owned(), "2026S".to_owned()];
        for (field_type, value, is_taken) in [
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
            assert_eq!(found.is_ok(), is_taken, "{field_type} {value}");
            let suggestions = found.err().map(|flaw| flaw.suggestions);
            assert!(suggestions.is_none_or(|suggested| suggested == options));
        }
        let required = Definition { is_required: true, ..Definition::default() };
        assert_eq!(check(&required, None, false).err().map(|flaw| flaw.code), Some(Code::MissingValue));
        assert_eq!(check(&required, None, true), Ok(()));
    }
}
