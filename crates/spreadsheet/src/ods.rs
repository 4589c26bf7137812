//! Reader of OpenDocument sheets (`.ods`), as a stream. Only the first table is read.
//!
//! A cell or row may claim to be repeated a million times. Repeated blanks are only counted; repeated values reach the
//! limits of [`RowBuilder`] one by one.

use std::io::BufReader;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};

use super::archive::{Part, ZipParts};
use super::bounded::append_bounded;
use super::limits::MAX_COLUMN;
use super::row_builder::RowBuilder;
use super::sheet::Position;
use super::xml::{Events, attribute, character};
use super::{Content, ReadError, Sheet};

/// Spaces of one `text:s` element.
const MAX_SPACES: usize = 1000;

type Xml<'p, 'a> = Events<BufReader<Part<'p, 'a>>>;

/// Reads the first table.
///
/// # Errors
/// [`ReadError`] if the XML is damaged or a limit is reached.
pub(super) fn read(mut parts: ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let sheet = read_first_table(&mut parts, rows)?;
    parts.check_unread()?;
    Ok(sheet)
}

fn read_first_table(parts: &mut ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let part = parts.part("content.xml")?;
    let mut xml = Events::new(BufReader::new(part)).expanding_empty_elements();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                let name = attribute(&tag, "table:name")?.unwrap_or_default();
                return TableReader { xml, rows, row: 0 }.read(name);
            }
            Event::Eof => return Err(ReadError::no_sheet()),
            _ => {}
        }
    }
}

struct TableReader<'p, 'a, 'r> {
    xml: Xml<'p, 'a>,
    rows: RowBuilder<'r>,
    /// The current row, counted from 0.
    row: u32,
}

impl TableReader<'_, '_, '_> {
    fn read(mut self, name: String) -> Result<Sheet, ReadError> {
        let mut buffer = Vec::new();
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) if tag.name().as_ref() == "table:table-row" => {
                    let count = repeat_count(&tag, "table:number-rows-repeated")?;
                    self.read_row(count)?;
                }
                Event::End(tag) if tag.name().as_ref() == "table:table" => break,
                Event::Eof => return Err(ReadError::truncated()),
                _ => {}
            }
        }
        self.xml.skip_rest()?;
        Ok(self.rows.finish(name, false))
    }

    /// Reads a row that occurs `count` times.
    fn read_row(&mut self, count: u32) -> Result<(), ReadError> {
        let mut filled = Vec::new();
        let mut column: u32 = 0;
        let mut buffer = Vec::new();
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) if matches!(tag.name().as_ref(), "table:table-cell" | "table:covered-table-cell") => {
                    let cell_count = repeat_count(&tag, "table:number-columns-repeated")?;
                    let declared = declared_value(&tag)?;
                    if let Some(content) = self.read_cell(declared)? {
                        // One cell more than a row can have is enough to exceed the limit.
                        let columns = (column..column.saturating_add(cell_count)).take(MAX_COLUMN as usize + 2);
                        filled.extend(columns.map(|column| (column, content.clone())));
                    }
                    column = column.saturating_add(cell_count);
                    if filled.len() > MAX_COLUMN as usize + 1 {
                        return Err(ReadError::too_many_columns());
                    }
                }
                Event::End(tag) if tag.name().as_ref() == "table:table-row" => break,
                Event::Eof => return Err(ReadError::truncated()),
                _ => {}
            }
        }
        if !filled.is_empty() {
            for row in self.row..self.row.saturating_add(count) {
                for (column, content) in &filled {
                    self.rows.push(Position { row, column: *column }, Some(content.clone()))?;
                }
            }
        }
        self.row = self.row.saturating_add(count);
        Ok(())
    }

    /// Reads to the end of a cell. Its text is the content unless its attributes declare a value.
    fn read_cell(&mut self, declared: DeclaredValue) -> Result<Option<Content>, ReadError> {
        let text = self.read_cell_text()?;
        let text = (!text.trim().is_empty()).then(|| Content::Text(Arc::from(text)));
        Ok(match declared {
            DeclaredValue::Value(content) => Some(content),
            DeclaredValue::None => text,
            DeclaredValue::FormulaWithoutValue => text.or(Some(Content::FormulaWithoutValue)),
        })
    }

    fn read_cell_text(&mut self) -> Result<String, ReadError> {
        let mut text = String::new();
        let mut buffer = Vec::new();
        let mut open_annotations = 0_usize;
        let mut paragraphs = 0_usize;
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) => match tag.name().as_ref() {
                    "office:annotation" => open_annotations += 1,
                    "text:p" if open_annotations == 0 => {
                        paragraphs += 1;
                        if paragraphs > 1 {
                            text.push('\n');
                        }
                    }
                    "text:s" if open_annotations == 0 => {
                        let spaces = repeat_count(&tag, "text:c")? as usize;
                        text.extend(std::iter::repeat_n(' ', spaces.min(MAX_SPACES)));
                    }
                    "text:tab" | "text:line-break" if open_annotations == 0 => text.push(' '),
                    _ => {}
                },
                Event::Text(part) if open_annotations == 0 && paragraphs > 0 => {
                    append_bounded(&mut text, &part.xml10_content())?;
                }
                Event::GeneralRef(reference) if open_annotations == 0 => text.extend(character(&reference)),
                Event::End(tag) => match tag.name().as_ref() {
                    "office:annotation" => open_annotations = open_annotations.saturating_sub(1),
                    "table:table-cell" | "table:covered-table-cell" => return Ok(text),
                    _ => {}
                },
                Event::Eof => return Err(ReadError::truncated()),
                _ => {}
            }
        }
    }
}

/// The value in the attributes of a cell.
enum DeclaredValue {
    Value(Content),
    None,
    FormulaWithoutValue,
}

fn declared_value(tag: &BytesStart<'_>) -> Result<DeclaredValue, ReadError> {
    if let Some(number) = attribute(tag, "office:value")? {
        let number = number.parse().map_err(|_| ReadError::unreadable(format!("\"{number}\" is not a number")))?;
        return Ok(DeclaredValue::Value(Content::Number(number)));
    }
    if let Some(value) = attribute(tag, "office:boolean-value")? {
        return Ok(DeclaredValue::Value(Content::Bool(value == "true")));
    }
    for name in ["office:date-value", "office:time-value"] {
        if let Some(value) = attribute(tag, name)? {
            return Ok(DeclaredValue::Value(Content::Text(Arc::from(value))));
        }
    }
    let has_value = attribute(tag, "office:value-type")?.is_some();
    let has_formula = attribute(tag, "table:formula")?.is_some();
    Ok(if has_formula && !has_value { DeclaredValue::FormulaWithoutValue } else { DeclaredValue::None })
}

fn repeat_count(tag: &BytesStart<'_>, name: &str) -> Result<u32, ReadError> {
    let Some(count) = attribute(tag, name)? else { return Ok(1) };
    count.parse().map_err(|_| ReadError::unreadable(format!("\"{count}\" is not a number of repetitions")))
}
