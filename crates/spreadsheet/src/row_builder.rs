//! Collects cells into rows and checks each against the limits.

use std::collections::HashSet;
use std::sync::Arc;

use memchr::memchr;

use super::bounded::without_nul;
use super::limits::{MAX_COLUMN, MAX_TEXT_BYTES, format_bytes};
use super::sheet::{NOT_IN_ENCODING, Position};
use super::{Cell, CellFilter, Content, Limits, ReadError, Row, Sheet, cell_name};

/// Cells of a row for which memory is reserved in advance, at most.
const MAX_RESERVED_CELLS: usize = 64;

/// Rows that are read in addition to [`Limits::data_rows`]: title, header and hints. The caller, who knows which rows
/// these are, checks the exact number.
const HEADER_ROWS: usize = 32;

/// Collects the cells of a sheet. Equal texts share one allocation.
pub(super) struct RowBuilder<'a> {
    rows: Vec<Row>,
    /// Number of rows of earlier sheets of the same file.
    earlier_rows: usize,
    pub(super) limits: Limits,
    filter: CellFilter<'a>,
    texts: HashSet<Arc<str>>,
    cell_count: usize,
    /// Bytes of text in all cells. A shared text counts once per cell, because later processing reads it once per cell.
    text_bytes: u64,
}

impl<'a> RowBuilder<'a> {
    pub(super) fn new(limits: &Limits, filter: CellFilter<'a>) -> Self {
        Self {
            rows: Vec::new(),
            earlier_rows: 0,
            limits: *limits,
            filter,
            texts: HashSet::new(),
            cell_count: 0,
            text_bytes: 0,
        }
    }

    /// Adds a cell. Cells arrive row by row, from left to right.
    ///
    /// Blank text and None add nothing.
    pub(super) fn push(&mut self, position: Position, content: Option<Content>) -> Result<(), ReadError> {
        if !self.filter.includes(position) {
            return Ok(());
        }
        let content = match content {
            None => return Ok(()),
            Some(Content::Text(text)) if is_blank(&text) => return Ok(()),
            Some(Content::Text(text)) if is_damaged(&text) => {
                return self.push(position, Some(Content::invalid(&text, NOT_IN_ENCODING)));
            }
            Some(Content::Text(text)) => Content::Text(self.intern(text, position)?),
            Some(Content::FormattedNumber(mut formatted)) => {
                formatted.shown = self.intern(formatted.shown, position)?;
                Content::FormattedNumber(formatted)
            }
            Some(Content::Invalid(mut invalid)) => {
                invalid.text = self.intern(invalid.text, position)?;
                Content::Invalid(invalid)
            }
            Some(other) => other,
        };
        self.push_content(position, content)
    }

    /// Adds a text from a table of shared strings, which needs no deduplication.
    pub(super) fn push_shared(&mut self, position: Position, text: &Arc<str>) -> Result<(), ReadError> {
        if is_blank(text) || !self.filter.includes(position) {
            return Ok(());
        }
        if is_damaged(text) {
            return self.push(position, Some(Content::Text(text.clone())));
        }
        self.count_text(text, position)?;
        self.push_content(position, Content::Text(text.clone()))
    }

    fn push_content(&mut self, Position { row, column }: Position, content: Content) -> Result<(), ReadError> {
        if column > MAX_COLUMN {
            return Err(ReadError::too_many_columns());
        }
        self.cell_count += 1;
        let max = self.limits.max_cells();
        if self.cell_count > max {
            return Err(ReadError::TooLarge(format!("it has over {max} filled cells")));
        }
        let number = row.saturating_add(1);
        if self.rows.last().is_none_or(|last| last.number < number) {
            self.begin_row(number)?;
        }
        match self.rows.last_mut() {
            Some(last) if last.number == number && last.cells.last().is_none_or(|cell| cell.column < column) => {
                last.cells.push(Cell { column, content });
                Ok(())
            }
            _ => Err(ReadError::unreadable(format!("the cells of row {number} are out of order"))),
        }
    }

    fn begin_row(&mut self, number: u32) -> Result<(), ReadError> {
        if self.earlier_rows + self.rows.len() >= self.limits.data_rows.saturating_add(HEADER_ROWS) {
            return Err(ReadError::too_many_rows(self.limits.data_rows));
        }
        let previous_length = self.rows.last().map_or(0, |last| last.cells.len());
        self.rows.push(Row { number, cells: Vec::with_capacity(previous_length.min(MAX_RESERVED_CELLS)) });
        Ok(())
    }

    /// Returns the stored copy of an equal text, or stores this one.
    fn intern(&mut self, text: Arc<str>, position: Position) -> Result<Arc<str>, ReadError> {
        self.count_text(&text, position)?;
        let text = if text.contains('\0') { without_nul(&text) } else { text };
        if let Some(known) = self.texts.get(&text) {
            return Ok(known.clone());
        }
        let max = self.limits.max_texts();
        if self.texts.len() >= max {
            return Err(ReadError::TooLarge(format!("it has over {max} different texts")));
        }
        self.texts.insert(text.clone());
        Ok(text)
    }

    fn count_text(&mut self, text: &str, Position { row, column }: Position) -> Result<(), ReadError> {
        if text.len() > MAX_TEXT_BYTES {
            let cell = cell_name(row.saturating_add(1), column);
            return Err(ReadError::TooLarge(format!("cell {cell} holds {} characters", text.chars().count())));
        }
        self.text_bytes += text.len() as u64;
        if self.text_bytes > self.limits.shared_string_bytes {
            let max = format_bytes(self.limits.shared_string_bytes);
            return Err(ReadError::TooLarge(format!("its cells hold over {max} of text")));
        }
        Ok(())
    }

    /// Returns the sheet that the rows make up. Cells of further sheets count together with its cells.
    pub(super) fn finish(&mut self, name: String, since_1904: bool) -> Sheet {
        let rows = std::mem::take(&mut self.rows);
        self.earlier_rows += rows.len();
        Sheet { name, since_1904, rows }
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Whether a character of the text was lost. Searching a byte first keeps the check cheap.
fn is_damaged(text: &str) -> bool {
    memchr(0xef, text.as_bytes()).is_some() && text.contains(char::REPLACEMENT_CHARACTER)
}
