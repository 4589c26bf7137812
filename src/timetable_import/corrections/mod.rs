//! Corrections of cells, stored with a run: the uploaded file stays as it was, and every reading of it contains them.

pub mod api;
pub mod change;
pub mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spreadsheet::{Cell, CellFilter, Content, Row, Sheet, column_index};

/// The last row and column of a sheet in Excel; rows count from 1, columns from 0.
const LAST_ROW: u32 = 1_048_576;
const LAST_COLUMN: u32 = 16_383;

/// The most characters of a cell in Excel.
pub const MAX_VALUE_CHARS: usize = 32_767;

/// A value to be read instead of a cell of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CellCorrection {
    /// Name of the sheet.
    #[schema(example = "Import")]
    pub sheet: String,
    /// The cell as Excel names it.
    #[schema(example = "E4")]
    pub cell: String,
    /// The value; empty: a blank cell.
    #[schema(example = "London")]
    pub value: String,
}

/// The corrections of one sheet: row from 1 and column from 0, with the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetCorrections {
    sheet: String,
    values: BTreeMap<(u32, u32), String>,
}

/// Parses the name of a cell into row and column; none if it is not on a sheet.
pub fn parse_cell(name: &str) -> Option<(u32, u32)> {
    let name = name.trim().replace('$', "").to_ascii_uppercase();
    let digits = name.find(|character: char| character.is_ascii_digit())?;
    let (letters, row) = name.split_at(digits);
    let is_plain =
        letters.bytes().all(|byte| byte.is_ascii_uppercase()) && row.bytes().all(|byte| byte.is_ascii_digit());
    let row = row.parse().ok().filter(|row| (1..=LAST_ROW).contains(row))?;
    let column = column_index(letters).filter(|column| *column <= LAST_COLUMN)?;
    is_plain.then_some((row, column))
}

impl SheetCorrections {
    /// Collects corrections. All of them are of the same sheet: only the first sheet of a workbook is read.
    pub fn new(corrections: impl IntoIterator<Item = CellCorrection>) -> SheetCorrections {
        let mut collected = SheetCorrections::default();
        for CellCorrection { sheet, cell, value } in corrections {
            if let Some(place) = parse_cell(&cell) {
                collected.sheet = sheet;
                collected.values.insert(place, value);
            }
        }
        collected
    }

    /// Replaces the corrected cells of a sheet, of which `filter` selects a part.
    pub fn apply(&self, sheet: &mut Sheet, filter: CellFilter<'_>) {
        // A message names a long sheet by its beginning, and so does a correction.
        if !sheet.name.starts_with(&self.sheet) {
            return;
        }
        for (&(number, column), value) in &self.values {
            let is_selected = filter.rows.is_none_or(|rows| rows.contains(&number))
                && filter.columns.is_none_or(|columns| columns.contains(&column));
            if !is_selected {
                continue;
            }
            let at = match sheet.rows.binary_search_by_key(&number, |row| row.number) {
                Ok(at) => at,
                Err(_) if value.trim().is_empty() => continue,
                Err(at) => {
                    sheet.rows.insert(at, Row { number, cells: Vec::new() });
                    at
                }
            };
            set_cell(&mut sheet.rows[at], column, value);
        }
        sheet.rows.retain(|row| !row.cells.is_empty());
    }
}

fn set_cell(row: &mut Row, column: u32, value: &str) {
    let found = row.cells.binary_search_by_key(&column, |cell| cell.column);
    let content = || Content::Text(value.into());
    match (found, value.trim().is_empty()) {
        (Ok(at), true) => drop(row.cells.remove(at)),
        (Ok(at), false) => row.cells[at].content = content(),
        (Err(at), false) => row.cells.insert(at, Cell { column, content: content() }),
        (Err(_), true) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cells_are_parsed() {
        for (name, expected) in [
            ("E4", Some((4, 4))),
            ("$aa$12", Some((12, 26))),
            ("XFD1048576", Some((LAST_ROW, LAST_COLUMN))),
            ("XFE1", None),
            ("A0", None),
            ("A1048577", None),
            ("4", None),
            ("E", None),
            ("E4E", None),
            ("É4", None),
            ("", None),
        ] {
            assert_eq!(parse_cell(name), expected, "{name}");
        }
    }

    #[test]
    fn corrected_cells_replace_those_of_the_file() {
        let cell = |column, text: &str| Cell { column, content: Content::Text(text.into()) };
        let rows = vec![
            Row { number: 2, cells: vec![cell(0, "a"), cell(2, "c")] },
            Row { number: 5, cells: vec![cell(1, "b")] },
        ];
        let mut sheet = Sheet { name: "Import".into(), since_1904: false, rows };
        let of =
            |cell: &str, value: &str| CellCorrection { sheet: "Import".into(), cell: cell.into(), value: value.into() };
        let corrections =
            SheetCorrections::new([of("A2", "x"), of("B2", "y"), of("B5", " "), of("D4", "z"), of("A9", "")]);
        corrections.apply(&mut sheet, CellFilter::default());
        let expected = vec![
            Row { number: 2, cells: vec![cell(0, "x"), cell(1, "y"), cell(2, "c")] },
            Row { number: 4, cells: vec![cell(3, "z")] },
        ];
        assert_eq!(sheet.rows, expected);
        let mut other = Sheet { name: "Other".into(), since_1904: false, rows: Vec::new() };
        corrections.apply(&mut other, CellFilter::default());
        assert!(other.rows.is_empty());
    }
}
