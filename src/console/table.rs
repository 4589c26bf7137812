//! Tables: aligned at a terminal, separated by tabs for programs.

use std::fmt::{Display, Formatter, Result};
use std::io::IsTerminal;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};

/// The width of a terminal that does not report one, in columns.
const DEFAULT_WIDTH: u16 = 80;

/// What a program reads in the place of an empty cell, so that every line has the same fields.
const EMPTY: &str = "-";

/// Returns the number of columns of the terminal at stdout.
pub fn terminal_width() -> usize {
    let width = comfy_table::Table::new().width().filter(|width| *width > 0);
    usize::from(width.unwrap_or(DEFAULT_WIDTH))
}

/// A table with one line under the header. It is printed on stdout.
#[derive(Debug, Clone)]
pub struct OutputTable {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The first column of numbers, if there are any. All columns after it are numbers too.
    numbers_from: usize,
}

impl OutputTable {
    /// Creates an empty table.
    pub fn new<const N: usize>(header: [&str; N]) -> OutputTable {
        OutputTable { header: header.map(str::to_owned).into(), rows: Vec::new(), numbers_from: N }
    }

    /// Aligns the columns from `first`, counted from 0, on the right.
    pub fn with_numbers_from(self, first: usize) -> OutputTable {
        OutputTable { numbers_from: first, ..self }
    }

    /// Adds a row. Missing cells are empty.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
    }

    /// Returns the table as users read it, at most as wide as the terminal.
    fn aligned(&self) -> String {
        let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_header(&self.header);
        table.add_rows(&self.rows);
        if table.width().unwrap_or_default() == 0 {
            // Terminals of containers and cron report no width.
            table.set_width(DEFAULT_WIDTH);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            // The style already separates columns by a space.
            column.set_padding((0, u16::from(index + 1 < self.header.len())));
            if index >= self.numbers_from {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// Returns the table as programs read it: a line for each row, its cells separated by tabs.
    fn separated(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines
            .map(|cells| cells.iter().map(|cell| field(cell)).collect::<Vec<_>>().join("\t"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Display for OutputTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&if std::io::stdout().is_terminal() { self.aligned() } else { self.separated() })
    }
}

/// Returns a cell on one line and without tabs.
fn field(cell: &str) -> String {
    match cell.split_whitespace().collect::<Vec<_>>().join(" ") {
        text if text.is_empty() => EMPTY.to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> OutputTable {
        let mut table = OutputTable::new(["Id", "Name", "Note"]).with_numbers_from(2);
        table.add_row(["1", "two\nlines\tof text", ""]);
        table.add_row(["2"]);
        table
    }

    #[test]
    fn table_for_programs_has_the_same_fields_in_every_line() {
        assert_eq!(table().separated(), "Id\tName\tNote\n1\ttwo lines of text\t-\n2\t-\t-");
    }

    #[test]
    fn table_for_users_has_no_trailing_spaces() {
        let text = table().aligned();
        assert!(text.lines().count() >= 4 && text.lines().all(|line| line == line.trim_end()), "{text}");
    }
}
