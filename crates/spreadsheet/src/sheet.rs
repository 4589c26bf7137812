//! A sheet in memory: rows of cells with a value, each with its position.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Parses a stored number. NaN and infinity, which some programs write for errors, are no numbers.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text, not trimmed.
    Text(Arc<str>),
    /// A number without a date format.
    Number(f64),
    /// A number whose format shows other characters than its digits, such as leading zeros, with the text shown.
    FormattedNumber(Box<FormattedNumber>),
    /// A truth value.
    Bool(bool),
    /// A date and time: days since the workbook's epoch, see [`Sheet::since_1904`].
    DateTime(f64),
    /// An error such as `#REF!`.
    Error(Arc<str>),
    /// A formula whose result is not stored in the file.
    FormulaWithoutValue,
    /// A value that is not of the type that the cell declares, or text in a broken encoding.
    Invalid(Box<InvalidValue>),
}

/// A number and the text that its cell shows. Boxed in [`Content`], because it is rare and cells are many.
#[derive(Clone, Debug, PartialEq)]
pub struct FormattedNumber {
    /// The number as it is stored.
    pub number: f64,
    /// The number as its format shows it.
    pub shown: Arc<str>,
}

/// A value that cannot be read, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidValue {
    /// The value as it is stored.
    pub text: Arc<str>,
    /// What is wrong: the rest of a sentence that begins with the text.
    pub reason: &'static str,
}

/// Reason of a value that its cell declares as a number.
pub(crate) const NOT_A_NUMBER: &str = "is not a number";

/// Reason of a value that its cell declares as a truth value.
pub(crate) const NOT_A_TRUTH_VALUE: &str = "is neither true nor false";

/// Reason of a text with bytes outside its encoding, or with the character that a program wrote for such bytes.
pub(crate) const NOT_IN_ENCODING: &str = "has a character that cannot be read";

/// Reason of the index of a shared text that the file does not contain.
pub(crate) const NO_SHARED_TEXT: &str = "is the number of a text that is not in the file";

impl Content {
    pub(crate) fn invalid(text: &str, reason: &'static str) -> Self {
        Content::Invalid(Box::new(InvalidValue { text: text.into(), reason }))
    }

    /// Returns a truth value as files write it.
    pub(crate) fn bool(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" => Content::Bool(true),
            "0" | "false" => Content::Bool(false),
            _ => Content::invalid(text, NOT_A_TRUTH_VALUE),
        }
    }

    pub(crate) fn formatted(number: f64, shown: &str) -> Self {
        Content::FormattedNumber(Box::new(FormattedNumber { number, shown: shown.into() }))
    }
}

/// A cell with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Column, counted from 0: A is 0.
    pub column: u32,
    /// The value.
    pub content: Content,
}

/// A row with at least one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Row number as Excel shows it, counted from 1.
    pub number: u32,
    /// Filled cells, from left to right.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Returns the content of a column, or None for a blank cell.
    pub fn content(&self, column: u32) -> Option<&Content> {
        let index = self.cells.binary_search_by_key(&column, |cell| cell.column).ok()?;
        self.cells.get(index).map(|cell| &cell.content)
    }
}

/// The first sheet of a workbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Name of the sheet; of a csv file, the name of the file.
    pub name: String,
    /// Whether [`Content::DateTime`] counts from 1904 instead of 1900.
    pub since_1904: bool,
    /// Rows with values, from top to bottom.
    pub rows: Vec<Row>,
}

/// Position of a cell, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) row: u32,
    pub(crate) column: u32,
}

/// Selects the cells of a sheet that are returned. The default selects all.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellFilter<'a> {
    /// Row numbers as Excel shows them, counted from 1; None for all.
    pub rows: Option<&'a BTreeSet<u32>>,
    /// Columns, counted from 0; None for all.
    pub columns: Option<&'a BTreeSet<u32>>,
}

impl CellFilter<'_> {
    /// Whether the cell at a position is selected.
    pub(crate) fn includes(&self, position: Position) -> bool {
        self.rows.is_none_or(|rows| rows.contains(&position.row.saturating_add(1)))
            && self.columns.is_none_or(|columns| columns.contains(&position.column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sheet has millions of cells.
    #[test]
    fn content_of_a_cell_stays_small() {
        assert_eq!(size_of::<Content>(), 24);
    }
}
