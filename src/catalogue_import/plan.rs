//! What an import does, row by row, and its document.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::read::GivenRow;
use super::sheets::SheetKind;
use crate::console::counted;
use crate::console::style::{Tone, paint_if};
use crate::tutorials::reference::CreatedRow;
use crate::workbook::plan::{PlanLine, ValueChange, write_changes};
use crate::workbook::problem_list::ProblemList;
use crate::workbook::problems::ImportProblem;

/// Maximum number of rows in the document of an import.
const MAX_ROWS: usize = 5000;

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    Created,
    Updated,
    Unchanged,
}

/// A row of the workbook and what happens to it.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRow {
    pub sheet: &'static str,
    pub row: u32,
    pub name: String,
    pub outcome: RowOutcome,
    pub changes: Vec<ValueChange>,
}

impl PlannedRow {
    /// Returns a row that changes nothing.
    pub fn unchanged(row: &GivenRow) -> Self {
        Self {
            sheet: row.layout.name,
            row: row.number,
            name: row.title(),
            outcome: RowOutcome::Unchanged,
            changes: Vec::new(),
        }
    }
}

/// A stored row before and after the import, for undo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JournalEntry {
    pub table: String,
    pub id: i64,
    /// Null: the import created it.
    pub before: Option<Value>,
    pub after: Value,
}

/// Everything that an import wrote.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CatalogueJournal {
    pub rows: Vec<JournalEntry>,
    pub people: Vec<CreatedRow>,
}

/// The plan of an import, which is also its result.
#[derive(Debug, Default)]
pub struct CataloguePlan {
    pub rows: Vec<PlannedRow>,
    /// The rows with problems: kind and row number.
    pub rejected: Vec<(SheetKind, u32)>,
    pub examples: usize,
    pub problems: Vec<ImportProblem>,
    /// The names by which rows can name records, by kind.
    pub names: Vec<(SheetKind, Vec<String>)>,
    pub journal: CatalogueJournal,
}

impl CataloguePlan {
    fn count(&self, outcome: RowOutcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    fn changed(&self) -> impl Iterator<Item = &PlannedRow> {
        self.rows.iter().filter(|row| row.outcome != RowOutcome::Unchanged)
    }

    /// Reports whether the import writes anything.
    pub fn has_changes(&self) -> bool {
        self.changed().next().is_some()
    }

    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(ImportProblem::is_error)
    }

    /// Returns one line with all counts.
    pub fn summary(&self) -> String {
        let counts = [
            (self.count(RowOutcome::Created), "created", Some(Tone::Good)),
            (self.count(RowOutcome::Updated), "updated", None),
            (self.count(RowOutcome::Unchanged), "unchanged", None),
            (self.rejected.len(), "rejected", Some(Tone::Bad)),
        ];
        let counts = counts.map(|(count, word, tone)| {
            let text = format!("{count} {word}");
            tone.map_or_else(|| text.clone(), |tone| paint_if(count > 0, tone, text.clone()))
        });
        let errors = self.problems.iter().filter(|problem| problem.is_error()).count();
        let line = counts.join(", ");
        if errors == 0 { line } else { format!("{line} ({})", counted(errors, "problem")) }
    }

    /// Returns the JSON document.
    pub fn document(&self, file: &str, run: Option<i64>, dry_run: bool, report: Option<&str>) -> Value {
        let listed = serde_json::to_value(ProblemList(self.problems.clone())).unwrap_or_default();
        json!({
            "run_id": run,
            "file": file,
            "dry_run": dry_run,
            "counts": {
                "created": self.count(RowOutcome::Created),
                "updated": self.count(RowOutcome::Updated),
                "unchanged": self.count(RowOutcome::Unchanged),
                "rejected": self.rejected.len(),
            },
            "examples_skipped": self.examples,
            "plan": self.changed().take(MAX_ROWS).collect::<Vec<_>>(),
            "plan_total": self.changed().count(),
            "problems": listed["problems"],
            "problems_total": listed["problems_total"],
            "report": report,
        })
    }
}

impl fmt::Display for CataloguePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sheet = "";
        for planned in self.changed() {
            if planned.sheet != sheet {
                sheet = planned.sheet;
                writeln!(f, "{sheet}")?;
            }
            let (tone, word) = match planned.outcome {
                RowOutcome::Created => (Some(Tone::Good), "new"),
                RowOutcome::Updated | RowOutcome::Unchanged => (None, "changed"),
            };
            write!(f, "{}", PlanLine { tone, word, title: &planned.name, row: planned.row })?;
            if planned.outcome == RowOutcome::Updated {
                write_changes(f, "", &planned.changes)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Returns a value as users write it. None: nothing.
pub fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(if *flag { "Y" } else { "N" }.to_owned()),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.iter().filter_map(shown).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}
