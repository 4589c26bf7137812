//! What an import does, row by row, and its document.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::console::counted;
use crate::timetable_import::problems::ImportProblem;
use crate::tutorials::reference::CreatedRow;

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    Created,
    Updated,
    Unchanged,
}

/// A value that changes.
#[derive(Clone, Debug, Serialize)]
pub struct ValueChange {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// A row of the workbook and what happens to it.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRow {
    pub sheet: String,
    pub row: u32,
    pub name: String,
    pub outcome: RowOutcome,
    pub changes: Vec<ValueChange>,
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
    pub rejected: usize,
    pub examples: usize,
    pub problems: Vec<ImportProblem>,
    pub journal: CatalogueJournal,
}

impl CataloguePlan {
    fn count(&self, outcome: RowOutcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// Reports whether the import writes anything.
    pub fn has_changes(&self) -> bool {
        self.rows.iter().any(|row| row.outcome != RowOutcome::Unchanged)
    }

    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(ImportProblem::is_error)
    }

    /// Returns one line with all counts.
    pub fn summary(&self) -> String {
        let [created, updated, unchanged] =
            [RowOutcome::Created, RowOutcome::Updated, RowOutcome::Unchanged].map(|outcome| self.count(outcome));
        let problems = self.problems.iter().filter(|problem| problem.is_error()).count();
        let mut line =
            format!("{created} created, {updated} updated, {unchanged} unchanged, {} rejected", self.rejected);
        if problems > 0 {
            line.push_str(&format!(" ({})", counted(problems, "problem")));
        }
        line
    }

    /// Returns the JSON document.
    pub fn document(&self, file: &str, run: Option<i64>, dry_run: bool, report: Option<&str>) -> Value {
        let listed = crate::timetable_import::report::ProblemList(self.problems.clone());
        let listed = serde_json::to_value(&listed).unwrap_or_default();
        json!({
            "run_id": run,
            "file": file,
            "dry_run": dry_run,
            "counts": {
                "created": self.count(RowOutcome::Created),
                "updated": self.count(RowOutcome::Updated),
                "unchanged": self.count(RowOutcome::Unchanged),
                "rejected": self.rejected,
            },
            "examples_skipped": self.examples,
            "plan": self.rows.iter().filter(|row| row.outcome != RowOutcome::Unchanged).collect::<Vec<_>>(),
            "problems": listed["problems"],
            "problems_total": listed["problems_total"],
            "report": report,
        })
    }
}

impl fmt::Display for CataloguePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sheet = "";
        for row in self.rows.iter().filter(|row| row.outcome != RowOutcome::Unchanged) {
            if row.sheet != sheet {
                sheet = &row.sheet;
                writeln!(f, "{sheet}")?;
            }
            let sign = if row.outcome == RowOutcome::Created { "+" } else { "~" };
            writeln!(f, "  {sign} {} (row {})", row.name, row.row)?;
            if row.outcome == RowOutcome::Updated {
                for ValueChange { field, old, new } in &row.changes {
                    writeln!(f, "      {field}: {} → {}", shown(old), shown(new))?;
                }
            }
        }
        Ok(())
    }
}

/// Returns a value as users write it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "Y".to_owned(),
        Value::Bool(false) => "N".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.strip_suffix("T00:00:00Z").unwrap_or(text).to_owned(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
