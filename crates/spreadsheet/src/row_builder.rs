//! Cells on their way into rows: counted, held against the limits, equal texts kept once.

use std::collections::HashSet;
use std::sync::Arc;

use super::{
    Cell, CellFilter, Content, Limits, MAX_COLUMN, MAX_TEXT_BYTES, ReadError, Row, Sheet, cell_name, format_bytes,
    is_blank, without_nul,
};

/// Most cells of a row for which room is made beforehand.
const MAX_RESERVED_CELLS: usize = 64;

/// Collects cells into rows, under the limits.
pub(super) struct RowBuilder<'a> {
    rows: Vec<Row>,
    /// How much is accepted.
    pub(super) limits: Limits,
    wanted: CellFilter<'a>,
    /// Texts seen, so that equal ones are kept once.
    texts: HashSet<Arc<str>>,
    /// Cells kept.
    cells: usize,
    /// Characters of all cells, equal ones counted again: what reading them further on will cost.
    written: u64,
}

impl<'a> RowBuilder<'a> {
    pub(super) fn new(limits: &Limits, wanted: CellFilter<'a>) -> Self {
        Self { rows: Vec::new(), limits: *limits, wanted, texts: HashSet::new(), cells: 0, written: 0 }
    }

    /// Adds a cell at (row, column), both counted from 0, in reading order.
    pub(super) fn push(&mut self, place: (u32, u32), content: Option<Content>) -> Result<(), ReadError> {
        if !self.wants(place) {
            return Ok(());
        }
        let content = match content {
            None => return Ok(()),
            Some(Content::Text(text)) if is_blank(&text) => return Ok(()),
            Some(Content::Text(text)) => Content::Text(self.keep(text, place)?),
            Some(other) => other,
        };
        self.place(place, content)
    }

    /// Adds a text of a table of strings, in which each stands once.
    pub(super) fn push_shared(&mut self, place: (u32, u32), text: &Arc<str>) -> Result<(), ReadError> {
        if is_blank(text) || !self.wants(place) {
            return Ok(());
        }
        self.count(text, place)?;
        self.place(place, Content::Text(text.clone()))
    }

    fn wants(&self, (row, column): (u32, u32)) -> bool {
        let CellFilter { rows, columns } = self.wanted;
        rows.is_none_or(|rows| rows.contains(&row.saturating_add(1)))
            && columns.is_none_or(|wanted| wanted.contains(&column))
    }

    fn place(&mut self, (row, column): (u32, u32), content: Content) -> Result<(), ReadError> {
        if column > MAX_COLUMN {
            return Err(ReadError::TooLarge("it has cells beyond column XFD".to_owned()));
        }
        self.cells += 1;
        if self.cells > self.limits.cells() {
            return Err(ReadError::TooLarge(format!("it has over {} filled cells", self.limits.cells())));
        }
        let number = row.saturating_add(1);
        if self.rows.last().is_none_or(|last| last.number < number) {
            self.begin(number)?;
        }
        match self.rows.last_mut() {
            Some(last) if last.number == number && last.cells.last().is_none_or(|cell| cell.column < column) => {
                last.cells.push(Cell { column, content });
                Ok(())
            }
            _ => Err(ReadError::unreadable(format!("the cells of row {number} are out of order"))),
        }
    }

    fn begin(&mut self, number: u32) -> Result<(), ReadError> {
        // Header, hints and a title are no data rows; the exact count is checked once they are known.
        if self.rows.len() >= self.limits.data_rows.saturating_add(32) {
            return Err(ReadError::too_many_rows(self.limits.data_rows));
        }
        let like_the_last = self.rows.last().map_or(0, |last| last.cells.len());
        self.rows.push(Row { number, cells: Vec::with_capacity(like_the_last.min(MAX_RESERVED_CELLS)) });
        Ok(())
    }

    fn keep(&mut self, text: Arc<str>, place: (u32, u32)) -> Result<Arc<str>, ReadError> {
        self.count(&text, place)?;
        let text = if text.contains('\0') { without_nul(&text) } else { text };
        if let Some(known) = self.texts.get(&text) {
            return Ok(known.clone());
        }
        if self.texts.len() >= self.limits.texts() {
            return Err(ReadError::TooLarge(format!("it has over {} different texts", self.limits.texts())));
        }
        self.texts.insert(text.clone());
        Ok(text)
    }

    fn count(&mut self, text: &str, (row, column): (u32, u32)) -> Result<(), ReadError> {
        if text.len() > MAX_TEXT_BYTES {
            let cell = cell_name(row.saturating_add(1), column);
            return Err(ReadError::TooLarge(format!("cell {cell} holds {} characters", text.chars().count())));
        }
        self.written += text.len() as u64;
        if self.written > self.limits.shared_string_bytes {
            let most = format_bytes(self.limits.shared_string_bytes);
            return Err(ReadError::TooLarge(format!("its cells hold over {most} of text")));
        }
        Ok(())
    }

    pub(super) fn finish(self, name: String, since_1904: bool) -> Sheet {
        Sheet { name, since_1904, rows: self.rows }
    }
}
