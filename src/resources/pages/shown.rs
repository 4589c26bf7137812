//! Values of documents as pages show them.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::names::{NameBook, NamedRow};
use crate::resources::{ResourceField, ValueKind};
use crate::web::document::{list, shown, text};
use crate::web::format::Clock;

/// A value as a page shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShownValue {
    /// The text; empty where there are rows.
    pub text: String,
    /// The rows that it refers to.
    pub rows: Vec<NamedRow>,
    pub is_number: bool,
    /// Whether the text is an address that can be opened.
    pub is_link: bool,
}

impl ShownValue {
    fn text(text: impl Into<String>) -> ShownValue {
        ShownValue { text: text.into(), ..ShownValue::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.rows.is_empty()
    }
}

/// Returns a value of a field as a page shows it.
pub(super) fn shown_value(field: &ResourceField, value: &Value, names: &NameBook, clock: &Clock) -> ShownValue {
    match &field.kind {
        ValueKind::Reference(table) => {
            let rows = value.as_i64().map(|id| names.row(table, id)).into_iter().collect();
            ShownValue { rows, ..ShownValue::default() }
        }
        ValueKind::Ids(table) => {
            let rows = list(value).filter_map(Value::as_i64).map(|id| names.row(table, id)).collect();
            ShownValue { rows, ..ShownValue::default() }
        }
        ValueKind::Integer { .. } if value.is_i64() => {
            ShownValue { is_number: true, ..ShownValue::text(value.to_string()) }
        }
        ValueKind::Amount => ShownValue { is_number: true, ..ShownValue::text(text(value)) },
        ValueKind::Date => ShownValue::text(day(&text(value))),
        ValueKind::Instant { is_end } => ShownValue::text(instant(&text(value), *is_end, clock)),
        ValueKind::Time => ShownValue::text(moment(&text(value), clock)),
        ValueKind::ClockTime => ShownValue::text(text(value).chars().take(5).collect::<String>()),
        ValueKind::Choices(_) => {
            let words: Vec<String> = list(value).map(|word| word_label(&text(word))).collect();
            ShownValue::text(words.join(", "))
        }
        ValueKind::Choice(_) => ShownValue::text(word_label(&text(value))),
        ValueKind::Url { .. } => {
            let address = text(value);
            let is_link = address.starts_with("https://") || address.starts_with("http://");
            ShownValue { is_link, ..ShownValue::text(address) }
        }
        _ if value.is_null() || value.as_str() == Some("") => ShownValue::default(),
        _ => ShownValue::text(shown(value)),
    }
}

/// Returns a word of a vocabulary as people write it.
pub(super) fn word_label(word: &str) -> String {
    word.replace('_', " ")
}

fn day(stored: &str) -> String {
    stored.parse::<Date>().map_or_else(|_| stored.to_owned(), |day| day.strftime("%-d %b %Y").to_string())
}

fn moment(stored: &str, clock: &Clock) -> String {
    clock.time(stored).map_or_else(|| stored.to_owned(), |time| time.text)
}

fn instant(stored: &str, is_end: bool, clock: &Clock) -> String {
    whole_day(stored, is_end).map_or_else(|| moment(stored, clock), |day| day.strftime("%-d %b %Y").to_string())
}

/// Returns the day that an instant means: its first second, or its last one for an end. None for another instant.
pub(super) fn whole_day(stored: &str, is_end: bool) -> Option<Date> {
    let at = stored.parse::<Timestamp>().ok()?.to_zoned(TimeZone::UTC);
    let time = (at.hour(), at.minute(), at.second());
    let is_whole = if is_end { time == (23, 59, 59) || time == (0, 0, 0) } else { time == (0, 0, 0) };
    is_whole.then(|| at.date())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::ResourceField;

    #[test]
    fn values_are_shown_in_words() {
        let clock = Clock::new(TimeZone::UTC);
        let shown = |kind, value: Value| {
            let field = ResourceField::new("field", kind);
            shown_value(&field, &value, &NameBook::default(), &clock).text
        };
        assert_eq!(shown(ValueKind::Date, json!("2026-04-01")), "1 Apr 2026");
        assert_eq!(shown(ValueKind::Instant { is_end: true }, json!("2025-04-30T23:59:59Z")), "30 Apr 2025");
        assert_eq!(
            shown(ValueKind::Instant { is_end: false }, json!("2025-04-30T09:00:00Z")),
            "30 Apr 2025, 09:00 UTC"
        );
        assert_eq!(shown(ValueKind::Flag, json!(true)), "yes");
        assert_eq!(shown(ValueKind::Line { max: 9 }, json!(null)), "");
        assert_eq!(shown(ValueKind::Choices(&["a_b"]), json!(["a_b"])), "a b");
    }
}
