//! What an import does or has done, as its pages show it.

use serde_json::Value;

use crate::web::document::{count, list, optional, text};
use crate::web::run::StateTag;

/// Path of the page that takes a workbook.
pub(super) const PATH: &str = "/reference/workbook";

/// The most rows and problems on a page.
const MOST: usize = 500;

/// The document of an import for templates.
pub(super) struct ImportView {
    pub counts: Vec<(&'static str, String)>,
    pub rows: Vec<RowView>,
    /// The number of rows that are not shown.
    pub more_rows: String,
    pub problems: Vec<ProblemView>,
    pub more_problems: String,
    /// Whether anything is written.
    pub has_changes: bool,
    pub is_rejected: bool,
}

/// A row of the workbook that changes something.
pub(super) struct RowView {
    pub place: String,
    pub name: String,
    pub tag: StateTag,
    pub changes: Vec<(String, String, String)>,
}

pub(super) struct ProblemView {
    pub place: String,
    pub tag: StateTag,
    pub message: String,
    pub suggestions: String,
}

impl ImportView {
    pub(super) fn of(document: &Value) -> ImportView {
        let counts = [("New", "created"), ("Changed", "updated"), ("Unchanged", "unchanged"), ("Rejected", "rejected")];
        let total = |name: &str, shown: usize| match document[name].as_u64().unwrap_or_default() {
            total if total > shown as u64 => format!("{} more are not shown.", total - shown as u64),
            _ => String::new(),
        };
        let rows: Vec<RowView> = list(&document["plan"]).take(MOST).map(row).collect();
        let problems: Vec<ProblemView> = list(&document["problems"]).take(MOST).map(problem).collect();
        ImportView {
            counts: counts.map(|(label, name)| (label, count(&document["counts"][name]))).to_vec(),
            more_rows: total("plan_total", rows.len()),
            more_problems: total("problems_total", problems.len()),
            has_changes: !rows.is_empty(),
            is_rejected: document["counts"]["rejected"].as_u64().is_some_and(|count| count > 0),
            rows,
            problems,
        }
    }
}

fn row(row: &Value) -> RowView {
    let change = |change: &Value| {
        (text(&change["field"]), text(&change["old"]), optional(&change["new"]).unwrap_or_else(|| "nothing".to_owned()))
    };
    RowView {
        place: format!("{}, row {}", text(&row["sheet"]), row["row"]),
        name: text(&row["name"]),
        tag: match row["outcome"].as_str() {
            Some("created") => StateTag::new("good", "New"),
            _ => StateTag::new("live", "Changed"),
        },
        changes: list(&row["changes"]).map(change).collect(),
    }
}

fn problem(problem: &Value) -> ProblemView {
    let cell = optional(&problem["cell"]).or_else(|| problem["row"].as_u64().map(|row| format!("row {row}")));
    let place: Vec<String> = [optional(&problem["sheet"]), cell].into_iter().flatten().collect();
    ProblemView {
        place: if place.is_empty() { "The file".to_owned() } else { place.join(", ") },
        tag: match problem["severity"].as_str() {
            Some("warning") => StateTag::new("warn", "Warning"),
            _ => StateTag::new("bad", "Error"),
        },
        message: text(&problem["message"]),
        suggestions: list(&problem["suggestions"]).map(text).collect::<Vec<_>>().join(", "),
    }
}
