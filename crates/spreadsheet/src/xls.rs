//! Excel 97 to 2003 sheets (`.xls`, BIFF8 of [MS-XLS]): one record after the other.
//!
//! Own, because a general reader lays a sheet out as one rectangle and copies a shared text for every cell that shows it:
//! two cells in opposite corners take half a gigabyte. Here a cell costs what it holds, under the limits of [`RowBuilder`].

use std::sync::Arc;

use super::cfb::{CompoundFile, u16_at, u32_at};
use super::number_formats::{is_built_in_date, shows_date};
use super::{Content, Limits, MAX_NAMED_ITEMS, ReadError, RowBuilder, Sheet, damaged, push_bounded, without_nul};

mod records;

use records::{Record, Records, kind};

/// Reads the first sheet.
///
/// # Errors
/// [`ReadError`] when the file is damaged, protected, older than Excel 97, or a limit is met.
pub(super) fn read(bytes: &[u8], mut rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let file = CompoundFile::of(bytes)?;
    if file.has("EncryptedPackage") {
        return Err(protected());
    }
    let stream = file.stream("Workbook")?;
    let older = || {
        let what = if file.has("Book") { "it was written by Excel 95 or older" } else { "it holds no workbook" };
        ReadError::unreadable(format!("{what}; save it as an Excel workbook (.xlsx)"))
    };
    let stream = stream.ok_or_else(older)?;
    let book = Book::read(&stream, &rows.limits)?;
    let (name, at) = book.first.as_ref().ok_or_else(|| ReadError::unreadable("it has no sheet with cells"))?;
    for (_, _, record) in cells_in_order(&stream, *at)? {
        book.keep(Record::at(&stream, record)?, &mut rows)?;
    }
    Ok(rows.finish(name.clone(), book.since_1904))
}

fn protected() -> ReadError {
    ReadError::unreadable("it is protected by a password; save it without one")
}

/// What stands before the sheets.
#[derive(Default)]
struct Book {
    since_1904: bool,
    /// Whether a cell style shows dates, by its number.
    dates: Vec<bool>,
    strings: Vec<Arc<str>>,
    /// Name of the first sheet with cells, and where its records begin.
    first: Option<(String, usize)>,
}

impl Book {
    fn read(stream: &[u8], limits: &Limits) -> Result<Self, ReadError> {
        let mut book = Self::default();
        let (mut formats, mut styles) = (std::collections::HashMap::new(), Vec::new());
        for record in Records::of(stream, 0) {
            let record = record?;
            match record.kind {
                kind::FILEPASS => return Err(protected()),
                kind::DATEMODE => book.since_1904 = u16_at(record.body, 0)? == 1,
                kind::FORMAT if formats.len() < MAX_NAMED_ITEMS => {
                    let mut text = record.text_from(2);
                    let code = text.long_string()?;
                    formats.insert(u16_at(record.body, 0)?, shows_date(&code));
                }
                kind::XF => push_bounded(&mut styles, MAX_NAMED_ITEMS, "cell styles", u16_at(record.body, 2)?)?,
                kind::BOUNDSHEET if book.first.is_none() && record.body.get(5) == Some(&0) => {
                    let name = record.text_from(6).short_string()?;
                    book.first = Some((name, u32_at(record.body, 0)? as usize));
                }
                kind::SST => book.strings = shared_strings(&record, limits)?,
                _ => {}
            }
        }
        let is_date = |format: &u16| formats.get(format).copied().unwrap_or_else(|| is_built_in_date((*format).into()));
        book.dates = styles.iter().map(is_date).collect();
        Ok(book)
    }

    /// Keeps the cells of one record.
    fn keep(&self, record: Record<'_>, rows: &mut RowBuilder<'_>) -> Result<(), ReadError> {
        let body = record.body;
        let place = (u32::from(u16_at(body, 0)?), u32::from(u16_at(body, 2)?));
        let number =
            |number, style| if self.shows_date(style) { Content::DateTime(number) } else { Content::Number(number) };
        let style = u16_at(body, 4)?;
        match record.kind {
            kind::NUMBER => rows.push(place, Some(number(f64_at(body, 6)?, style))),
            kind::RK => rows.push(place, Some(number(packed(u32_at(body, 6)?), style))),
            kind::MULRK => {
                // Style and number of each, then the last column.
                for (column, one) in (place.1..).zip(body[4..body.len().max(6) - 2].chunks_exact(6)) {
                    let content = number(packed(u32_at(one, 2)?), u16_at(one, 0)?);
                    rows.push((place.0, column), Some(content))?;
                }
                Ok(())
            }
            kind::LABELSST => {
                let text = self.strings.get(u32_at(body, 6)? as usize);
                rows.push_shared(place, text.ok_or_else(|| damaged("a text that is not there"))?)
            }
            kind::LABEL | kind::RSTRING => {
                let text = record.text_from(6).long_string()?;
                rows.push(place, Some(Content::Text(text.into())))
            }
            kind::BOOLERR => rows.push(place, Some(truth_or_fault(u16_at(body, 6)?.to_le_bytes()))),
            kind::FORMULA => {
                let content = match body.get(6..14) {
                    Some([what, _, value, _, _, _, 0xff, 0xff]) => result(&record, *what, *value)?,
                    _ => number(f64_at(body, 6)?, style),
                };
                rows.push(place, Some(content))
            }
            _ => Ok(()),
        }
    }

    fn shows_date(&self, style: u16) -> bool {
        self.dates.get(usize::from(style)).copied().unwrap_or_default()
    }
}

/// Row, column and place in the stream of every record with cells, from top left to bottom right: some programs write
/// them as they come.
fn cells_in_order(stream: &[u8], from: usize) -> Result<Vec<(u16, u16, usize)>, ReadError> {
    let mut places = Vec::new();
    for record in Records::of(stream, from) {
        let record = record?;
        if kind::CELLS.contains(&record.kind) {
            places.push((u16_at(record.body, 0)?, u16_at(record.body, 2)?, record.at));
        }
    }
    places.sort_unstable();
    Ok(places)
}

fn shared_strings(record: &Record<'_>, limits: &Limits) -> Result<Vec<Arc<str>>, ReadError> {
    let mut texts = record.text_from(8);
    let mut strings = Vec::new();
    let mut size = 0;
    for _ in 0..u32_at(record.body, 4)? {
        let text = texts.long_string()?;
        size += text.len() as u64;
        if size > limits.shared_string_bytes {
            let most = limits.shared_string_bytes >> 20;
            return Err(ReadError::TooLarge(format!("it is over {most} MB of shared strings")));
        }
        push_bounded(&mut strings, limits.texts(), "strings", without_nul(&text))?;
    }
    Ok(strings)
}

/// The stored result of a formula that is no number (2.5.133).
fn result(record: &Record<'_>, what: u8, value: u8) -> Result<Content, ReadError> {
    Ok(match what {
        0 => match record.string_behind()? {
            Some(text) => Content::Text(text.into()),
            None => Content::FormulaWithoutValue,
        },
        1 => truth_or_fault([value, 0]),
        2 => truth_or_fault([value, 1]),
        _ => Content::Text("".into()),
    })
}

fn truth_or_fault([value, is_fault]: [u8; 2]) -> Content {
    if is_fault == 0 {
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

/// A number in 32 bits: the upper 30 of a float or an integer, perhaps of hundredths (2.5.217).
fn packed(bits: u32) -> f64 {
    let number = match bits & 2 {
        0 => f64::from_bits(u64::from(bits & !3) << 32),
        _ => f64::from(bits.cast_signed() >> 2),
    };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

fn f64_at(bytes: &[u8], at: usize) -> Result<f64, ReadError> {
    let (low, high) = (u32_at(bytes, at)?, u32_at(bytes, at + 4)?);
    Ok(f64::from_bits(u64::from(high) << 32 | u64::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_what_excel_means() {
        for (bits, number) in
            [(0x3ff0_0000, 1.0), (0x3ff0_0001, 0.01), (12 << 2 | 2, 12.0), (1234 << 2 | 3, 12.34), (0xffff_fffe, -1.0)]
        {
            assert_eq!(packed(bits), number, "{bits:x}");
        }
    }
}
