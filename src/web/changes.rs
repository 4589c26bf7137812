//! Changes of the history in words: who changed what, when and how.

use serde_json::Value;

use super::document::{list, optional, shown, text};
use super::format::{Clock, ShownTime};
use crate::history::api::entry;

/// A change as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownChange {
    pub at: Option<ShownTime>,
    pub who: String,
    pub how: String,
    pub what: String,
    /// The page of what was changed; empty: there is none.
    pub path: String,
    pub values: Vec<HistoryValue>,
    pub note: String,
}

/// A changed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryValue {
    pub label: String,
    /// Empty: there was none.
    pub old: String,
    /// Empty: there is none any more.
    pub new: String,
}

/// What the tables, columns and values of a change mean.
pub trait ChangeWords {
    /// Returns the label of a column; none for one that is not shown.
    fn label(&self, table: &str, column: &str) -> Option<String>;

    /// Returns a value as people read it; none to show it as it is.
    fn value(&self, table: &str, column: &str, value: &Value) -> Option<String>;

    /// Returns what was changed, and its page.
    fn subject(&self, table: &str, row: &str) -> (String, String);
}

/// Returns a stored change in words.
pub fn shown_change(stored: &Value, words: &dyn ChangeWords, clock: &Clock) -> ShownChange {
    let entry = entry(stored.clone());
    let table = text(&entry["table"]);
    let value = |column: &str, value: &Value| match value {
        Value::Null => String::new(),
        value => {
            words.value(&table, column, value).unwrap_or_else(|| moment(value, clock).unwrap_or_else(|| shown(value)))
        }
    };
    let of_field = |change: &Value| {
        let column = text(&change["field"]);
        let (old, new) = (value(&column, &change["old"]), value(&column, &change["new"]));
        let label = words.label(&table, &column).filter(|_| old != new)?;
        Some(HistoryValue { label, old, new })
    };
    let (subject, path) = words.subject(&table, &text(&entry["row"]));
    ShownChange {
        at: clock.time(&text(&entry["at"])),
        who: text(&entry["actor"]),
        how: interface(&entry),
        what: format!("{subject} {}", done(&text(&entry["action"]))),
        path,
        values: list(&entry["changes"]).filter_map(of_field).collect(),
        note: match optional(&entry["note"]).as_deref() {
            Some("allow_clash=1") => "a clash was allowed".to_owned(),
            note => note.unwrap_or_default().to_owned(),
        },
    }
}

/// Returns a stored time as a page shows it; none for another value.
fn moment(value: &Value, clock: &Clock) -> Option<String> {
    let text = value.as_str().filter(|text| text.len() > 10 && text.contains('T'))?;
    clock.time(text).map(|time| time.text)
}

/// Returns the interface of a change in words.
fn interface(entry: &Value) -> String {
    let name = match text(&entry["interface"]).as_str() {
        "http" => "on a page or over HTTP".to_owned(),
        "cli" => "on the command line".to_owned(),
        "import" => "import".to_owned(),
        "sync" => "sync".to_owned(),
        "sql" => "another program".to_owned(),
        other => other.to_owned(),
    };
    match entry["run_id"].as_i64() {
        Some(run) => format!("{name} {run}"),
        None => name,
    }
}

fn done(action: &str) -> &'static str {
    match action {
        "insert" => "added",
        "update" => "changed",
        "truncate" => "emptied",
        _ => "removed",
    }
}
