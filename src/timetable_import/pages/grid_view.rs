//! The rows with problems, shown as the spreadsheet shows them: invalid cells are marked, a suggestion is one click away.

use std::collections::HashMap;

use serde_json::Value;

use crate::timetable_import::corrections::store::StoredCorrection;
use crate::web::document::{list, number, text};
use crate::web::paging::ListPart;

/// Rows of one part of the grid.
const PART: usize = 25;

/// The heads that the column with the title of the event may have.
const TITLES: [&str; 4] = ["event title", "event", "event name", "event code"];

/// The grid of one part.
pub(super) struct GridView {
    pub sheet: String,
    pub columns: Vec<GridColumn>,
    pub rows: Vec<GridRow>,
    pub part: ListPart,
}

/// A column of the sheet.
pub(super) struct GridColumn {
    pub name: String,
    pub header: String,
    /// Whether no cell of the part is marked in it, and it does not name the event: a narrow screen leaves it out.
    pub is_plain: bool,
}

/// A row of the sheet.
pub(super) struct GridRow {
    pub number: i64,
    pub cells: Vec<GridCell>,
    /// Problems of the row as a whole.
    pub problems: Vec<CellProblem>,
}

/// A cell of the sheet.
pub(super) struct GridCell {
    pub name: String,
    pub text: String,
    /// A class of the stylesheet: `error`, `warning`, `corrected` or none.
    pub kind: &'static str,
    pub problems: Vec<CellProblem>,
    /// What the file contains, where the cell is corrected.
    pub original: Option<String>,
    pub is_plain: bool,
}

impl GridCell {
    /// Reports whether the cell can be corrected on the page.
    pub(super) fn is_marked(&self) -> bool {
        !self.problems.is_empty() || self.original.is_some()
    }
}

/// A problem of a cell, in words.
pub(super) struct CellProblem {
    pub message: String,
    pub suggestions: Vec<String>,
    pub is_error: bool,
}

impl CellProblem {
    pub(super) fn new(problem: &Value) -> CellProblem {
        CellProblem {
            message: text(&problem["message"]),
            suggestions: list(&problem["suggestions"]).map(text).collect(),
            is_error: problem["severity"] == "error",
        }
    }
}

/// Returns the grid of a run's document; none if no row has a problem.
pub(super) fn view(document: &Value, corrections: &[StoredCorrection], part: Option<i64>) -> Option<GridView> {
    let grid = &document["grid"];
    let columns: Vec<GridColumn> = list(&grid["columns"])
        .map(|column| GridColumn { name: text(&column["name"]), header: text(&column["header"]), is_plain: false })
        .collect();
    let rows: Vec<&Value> = list(&grid["rows"]).collect();
    if rows.is_empty() {
        return None;
    }
    let mut by_place: HashMap<(i64, String), Vec<CellProblem>> = HashMap::new();
    for problem in list(&document["problems"]) {
        let place = (number(&problem["row"]), text(&problem["cell"]));
        by_place.entry(place).or_default().push(CellProblem::new(problem));
    }
    let originals: HashMap<&str, &StoredCorrection> =
        corrections.iter().map(|correction| (correction.cell.as_str(), correction)).collect();
    let part = ListPart::of(rows.len(), PART, part);
    let mut row_view = |row: &&Value| {
        let number = number(&row["row"]);
        let cell = |(column, content): (&GridColumn, &Value)| {
            let name = format!("{}{number}", column.name);
            let problems = by_place.remove(&(number, name.clone())).unwrap_or_default();
            let original = originals.get(name.as_str()).map(|correction| shown(correction));
            let kind = match (problems.iter().any(|problem| problem.is_error), problems.is_empty(), &original) {
                (true, ..) => "error",
                (false, false, _) => "warning",
                (false, true, Some(_)) => "corrected",
                (false, true, None) => "",
            };
            GridCell { name, text: text(content), kind, problems, original, is_plain: false }
        };
        let cells = columns.iter().zip(list(&row["cells"])).map(cell).collect();
        GridRow { number, cells, problems: by_place.remove(&(number, String::new())).unwrap_or_default() }
    };
    let mut shown_rows: Vec<GridRow> = rows[part.from..part.to].iter().map(&mut row_view).collect();
    let mut columns = columns;
    for (at, column) in columns.iter_mut().enumerate() {
        let cells = || shown_rows.iter().filter_map(|row| row.cells.get(at));
        let is_title = TITLES.contains(&column.header.trim().to_lowercase().as_str());
        column.is_plain = !is_title && !cells().any(GridCell::is_marked);
        shown_rows.iter_mut().filter_map(|row| row.cells.get_mut(at)).for_each(|cell| cell.is_plain = column.is_plain);
    }
    Some(GridView { sheet: text(&grid["sheet"]), rows: shown_rows, columns, part })
}

fn shown(correction: &StoredCorrection) -> String {
    correction.original.clone().unwrap_or_else(|| "nothing".to_owned())
}
