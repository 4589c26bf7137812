//! Reader of Excel 97 to 2003 sheets (`.xls`, BIFF8 of [MS-XLS]), record by record.
//!
//! A reader of our own, because a general one lays out a sheet as a rectangle and copies a shared text for every cell
//! that refers to it. In this one a cell costs only its content, within the limits of [`RowBuilder`].

mod records;

use std::collections::HashMap;
use std::sync::Arc;

use super::bounded::{push_bounded, without_nul};
use super::cfb::{CompoundFile, u16_at, u32_at};
use super::limits::{MAX_NAMED_ITEMS, format_bytes};
use super::number_formats::NumberFormat;
use super::row_builder::RowBuilder;
use super::sheet::{NO_SHARED_TEXT, NOT_A_NUMBER, Position};
use super::{Content, Limits, ReadError, Sheet};
use records::{Record, Records, kind};

/// Reads the first sheet.
///
/// # Errors
/// [`ReadError`] if the file is damaged, protected or older than Excel 97, or a limit is reached.
pub(super) fn read(bytes: &[u8], mut rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let file = CompoundFile::open(bytes)?;
    if file.contains("EncryptedPackage") {
        return Err(ReadError::protected());
    }
    let no_workbook = || {
        let reason = if file.contains("Book") { "it was written by Excel 95 or older" } else { "it holds no workbook" };
        ReadError::unreadable(format!("{reason}; save it as an Excel workbook (.xlsx)"))
    };
    let stream = file.stream("Workbook")?.ok_or_else(no_workbook)?;
    let workbook = WorkbookGlobals::read(&stream, &rows.limits)?;
    let (name, offset) = workbook.first_sheet.as_ref().ok_or_else(ReadError::no_sheet)?;
    for position in cell_records(&stream, *offset)? {
        workbook.push_cells(Record::at(&stream, position.offset)?, &mut rows)?;
    }
    Ok(rows.finish(name.clone(), workbook.since_1904))
}

/// The records before the sheets.
#[derive(Default)]
struct WorkbookGlobals {
    since_1904: bool,
    /// What each cell style shows, by its number.
    styles: Vec<NumberFormat>,
    strings: Vec<Arc<str>>,
    /// Name of the first sheet with cells, and the offset of its records.
    first_sheet: Option<(String, usize)>,
}

impl WorkbookGlobals {
    fn read(stream: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let mut workbook = Self::default();
        let (mut custom_formats, mut styles): (HashMap<u16, NumberFormat>, Vec<u16>) = Default::default();
        for record in Records::from(stream, 0) {
            let record = record?;
            match record.kind {
                kind::FILEPASS => return Err(ReadError::protected()),
                kind::DATEMODE => workbook.since_1904 = u16_at(record.body, 0)? == 1,
                kind::FORMAT if custom_formats.len() < MAX_NAMED_ITEMS => {
                    let code = record.texts_from(2).long_string()?;
                    custom_formats.insert(u16_at(record.body, 0)?, NumberFormat::parse(&code));
                }
                kind::XF => push_bounded(&mut styles, MAX_NAMED_ITEMS, "cell styles", u16_at(record.body, 2)?)?,
                kind::BOUNDSHEET if workbook.first_sheet.is_none() && record.body.get(5) == Some(&0) => {
                    let name = record.texts_from(6).short_string()?;
                    workbook.first_sheet = Some((name, u32_at(record.body, 0)? as usize));
                }
                kind::SST => workbook.strings = read_shared_strings(&record, limits)?,
                _ => {}
            }
        }
        let format_of = |id: &u16| {
            let custom = custom_formats.get(id).cloned();
            custom.unwrap_or_else(|| NumberFormat::built_in((*id).into()))
        };
        workbook.styles = styles.iter().map(format_of).collect();
        Ok(workbook)
    }

    /// Adds the cells of one record to the rows.
    fn push_cells(&self, record: Record<'_>, rows: &mut RowBuilder<'_>) -> Result<(), ReadError> {
        let body = record.body;
        let position = Position { row: u16_at(body, 0)?.into(), column: u16_at(body, 2)?.into() };
        let style = u16_at(body, 4)?;
        let content = match record.kind {
            kind::NUMBER => self.number(f64_at(body, 6)?, style),
            kind::RK => self.number(unpack_rk(u32_at(body, 6)?), style),
            kind::MULRK => return self.push_numbers(body, position, rows),
            kind::LABELSST => {
                let index = u32_at(body, 6)?;
                match self.strings.get(index as usize) {
                    Some(text) => return rows.push_shared(position, text),
                    None => Content::invalid(&index.to_string(), NO_SHARED_TEXT),
                }
            }
            kind::LABEL | kind::RSTRING => Content::Text(record.texts_from(6).long_string()?.into()),
            kind::BOOLERR => bool_or_error(u16_at(body, 6)?.to_le_bytes()),
            kind::FORMULA => match body.get(6..14) {
                Some([result_type, _, value, _, _, _, 0xff, 0xff]) => formula_result(&record, *result_type, *value)?,
                _ => self.number(f64_at(body, 6)?, style),
            },
            _ => return Ok(()),
        };
        rows.push(position, Some(content))
    }

    /// Adds the cells of a MULRK record: style and number of each, then the last column.
    fn push_numbers(&self, body: &[u8], first: Position, rows: &mut RowBuilder<'_>) -> Result<(), ReadError> {
        for (column, cell) in (first.column..).zip(body[4..body.len().max(6) - 2].chunks_exact(6)) {
            let content = self.number(unpack_rk(u32_at(cell, 2)?), u16_at(cell, 0)?);
            rows.push(Position { row: first.row, column }, Some(content))?;
        }
        Ok(())
    }

    fn number(&self, number: f64, style: u16) -> Content {
        if !number.is_finite() {
            return Content::invalid(&number.to_string(), NOT_A_NUMBER);
        }
        self.styles.get(usize::from(style)).map_or(Content::Number(number), |format| format.content(number))
    }
}

/// Position of a record with cells; the order is that of the sheet.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CellRecord {
    row: u16,
    column: u16,
    /// Offset in the stream.
    offset: usize,
}

/// Returns the records with cells from top left to bottom right. Some programs write them in another order.
fn cell_records(stream: &[u8], offset: usize) -> Result<Vec<CellRecord>, ReadError> {
    let mut positions = Vec::new();
    for record in Records::from(stream, offset) {
        let record = record?;
        if kind::CELLS.contains(&record.kind) {
            let (row, column) = (u16_at(record.body, 0)?, u16_at(record.body, 2)?);
            positions.push(CellRecord { row, column, offset: record.offset });
        }
    }
    positions.sort_unstable();
    Ok(positions)
}

fn read_shared_strings(record: &Record<'_>, limits: &Limits) -> Result<Vec<Arc<str>>, ReadError> {
    let mut texts = record.texts_from(8);
    let mut strings = Vec::new();
    let mut size = 0;
    for _ in 0..u32_at(record.body, 4)? {
        let text = texts.long_string()?;
        size += text.len() as u64;
        if size > limits.shared_string_bytes {
            let max = format_bytes(limits.shared_string_bytes);
            return Err(ReadError::TooLarge(format!("it is over {max} of shared strings")));
        }
        push_bounded(&mut strings, limits.max_texts(), "strings", without_nul(&text))?;
    }
    Ok(strings)
}

/// Returns the stored result of a formula that is not a number ([MS-XLS] 2.5.133).
fn formula_result(record: &Record<'_>, result_type: u8, value: u8) -> Result<Content, ReadError> {
    Ok(match result_type {
        0 => match record.following_string()? {
            Some(text) => Content::Text(text.into()),
            None => Content::FormulaWithoutValue,
        },
        1 => bool_or_error([value, 0]),
        2 => bool_or_error([value, 1]),
        _ => Content::Text("".into()),
    })
}

fn bool_or_error([value, is_error]: [u8; 2]) -> Content {
    if is_error == 0 {
        return Content::Bool(value != 0);
    }
    let name = match value {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        _ => "#N/A",
    };
    Content::Error(name.into())
}

/// Unpacks an RK number: the upper 30 bits of a float or an integer, in hundredths if bit 0 is set ([MS-XLS] 2.5.217).
fn unpack_rk(bits: u32) -> f64 {
    let number = match bits & 2 {
        0 => f64::from_bits(u64::from(bits & !3) << 32),
        _ => f64::from(bits.cast_signed() >> 2),
    };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

fn f64_at(bytes: &[u8], offset: usize) -> Result<f64, ReadError> {
    let (low, high) = (u32_at(bytes, offset)?, u32_at(bytes, offset + 4)?);
    Ok(f64::from_bits(u64::from(high) << 32 | u64::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_match_excel() {
        for (bits, number) in
            [(0x3ff0_0000, 1.0), (0x3ff0_0001, 0.01), (12 << 2 | 2, 12.0), (1234 << 2 | 3, 12.34), (0xffff_fffe, -1.0)]
        {
            assert_eq!(unpack_rk(bits), number, "{bits:x}");
        }
    }
}
