//! OpenDocument sheets (`.ods`), read as a stream.
//!
//! Own, because a cell or row that says it is repeated a million times must cost nothing: blanks are counted over, and
//! what has a value meets the limits of [`RowBuilder`] at once. Only the first table is looked at.

use std::io::BufReader;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};

use super::archive::{Part, ZipParts};
use super::xml::{Events, attribute, character};
use super::{Content, MAX_COLUMN, ReadError, RowBuilder, Sheet, append_bounded};

/// Most blanks that one `text:s` element may stand for.
const MAX_SPACES: usize = 1000;

type Xml<'p, 'a> = Events<BufReader<Part<'p, 'a>>>;

/// Reads the first table.
///
/// # Errors
/// [`ReadError`] when the XML is broken or a limit is met.
pub(super) fn read(mut parts: ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let sheet = first_table(&mut parts, rows)?;
    parts.check_rest()?;
    Ok(sheet)
}

fn first_table(parts: &mut ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let part = parts.part("content.xml")?;
    let mut xml = Events::of(BufReader::new(part)).with_empty_elements_as_pairs();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                let name = attribute(&tag, "table:name")?.unwrap_or_default();
                return Table { xml, rows, row: 0 }.read(name);
            }
            Event::Eof => return Err(ReadError::unreadable("it has no sheet with cells")),
            _ => {}
        }
    }
}

struct Table<'p, 'a, 'r> {
    xml: Xml<'p, 'a>,
    rows: RowBuilder<'r>,
    /// The row being read, counted from 0.
    row: u32,
}

impl Table<'_, '_, '_> {
    fn read(mut self, name: String) -> Result<Sheet, ReadError> {
        let mut buffer = Vec::new();
        loop {
            let event = self.xml.next(&mut buffer)?;
            match event {
                Event::Start(tag) if tag.name().as_ref() == "table:table-row" => {
                    let repeated = repetition(&tag, "table:number-rows-repeated")?;
                    self.read_row(repeated)?;
                }
                Event::End(tag) if tag.name().as_ref() == "table:table" => break,
                Event::Eof => return Err(ReadError::unreadable("it ends in the middle of a sheet")),
                _ => {}
            }
        }
        self.xml.pass_rest()?;
        Ok(self.rows.finish(name, false))
    }

    fn read_row(&mut self, repeated: u32) -> Result<(), ReadError> {
        let mut filled = Vec::new();
        let mut column: u32 = 0;
        let mut buffer = Vec::new();
        loop {
            let event = self.xml.next(&mut buffer)?;
            match event {
                Event::Start(tag) if matches!(tag.name().as_ref(), "table:table-cell" | "table:covered-table-cell") => {
                    let times = repetition(&tag, "table:number-columns-repeated")?;
                    let stated = stated(&tag)?;
                    let content = self.read_cell(stated)?;
                    if let Some(content) = content {
                        // A row has at most 16,384 columns; one more makes the limit speak.
                        let shown = (column..column.saturating_add(times)).take(16_385);
                        filled.extend(shown.map(|column| (column, content.clone())));
                    }
                    column = column.saturating_add(times);
                    if filled.len() > MAX_COLUMN as usize + 1 {
                        return Err(ReadError::TooLarge("it has cells beyond column XFD".to_owned()));
                    }
                }
                Event::End(tag) if tag.name().as_ref() == "table:table-row" => break,
                Event::Eof => return Err(ReadError::unreadable("it ends in the middle of a row")),
                _ => {}
            }
        }
        if !filled.is_empty() {
            for row in self.row..self.row.saturating_add(repeated) {
                for (column, content) in &filled {
                    self.rows.push((row, *column), Some(content.clone()))?;
                }
            }
        }
        self.row = self.row.saturating_add(repeated);
        Ok(())
    }

    /// Reads to the end of a cell; its text counts where no value is stated.
    fn read_cell(&mut self, stated: Stated) -> Result<Option<Content>, ReadError> {
        let text = self.text_of_cell()?;
        let text = (!text.trim().is_empty()).then(|| Content::Text(Arc::from(text)));
        Ok(match stated {
            Stated::Value(content) => Some(content),
            Stated::Text => text,
            Stated::Formula => text.or(Some(Content::FormulaWithoutValue)),
        })
    }

    fn text_of_cell(&mut self) -> Result<String, ReadError> {
        let mut text = String::new();
        let mut buffer = Vec::new();
        let mut notes = 0_usize;
        let mut paragraphs = 0_usize;
        loop {
            let event = self.xml.next(&mut buffer)?;
            match event {
                Event::Start(tag) => match tag.name().as_ref() {
                    "office:annotation" => notes += 1,
                    "text:p" if notes == 0 => {
                        paragraphs += 1;
                        if paragraphs > 1 {
                            text.push('\n');
                        }
                    }
                    "text:s" if notes == 0 => {
                        let blanks = repetition(&tag, "text:c")? as usize;
                        text.extend(std::iter::repeat_n(' ', blanks.min(MAX_SPACES)));
                    }
                    "text:tab" | "text:line-break" if notes == 0 => text.push(' '),
                    _ => {}
                },
                Event::Text(part) if notes == 0 && paragraphs > 0 => append_bounded(&mut text, &part.xml10_content())?,
                Event::GeneralRef(entity) if notes == 0 => text.extend(character(&entity)),
                Event::End(tag) => match tag.name().as_ref() {
                    "office:annotation" => notes = notes.saturating_sub(1),
                    "table:table-cell" | "table:covered-table-cell" => return Ok(text),
                    _ => {}
                },
                Event::Eof => return Err(ReadError::unreadable("it ends in the middle of a cell")),
                _ => {}
            }
        }
    }
}

/// What a cell's element says about its value.
enum Stated {
    Value(Content),
    /// Nothing; there may be text.
    Text,
    /// It has a formula and no result beside its text.
    Formula,
}

fn stated(tag: &BytesStart<'_>) -> Result<Stated, ReadError> {
    let text = |name| attribute(tag, name);
    if let Some(number) = text("office:value")? {
        let number = number.parse().map_err(|_| ReadError::unreadable(format!("\"{number}\" is no number")))?;
        return Ok(Stated::Value(Content::Number(number)));
    }
    if let Some(truth) = text("office:boolean-value")? {
        return Ok(Stated::Value(Content::Bool(truth == "true")));
    }
    for name in ["office:date-value", "office:time-value"] {
        if let Some(moment) = text(name)? {
            return Ok(Stated::Value(Content::Text(Arc::from(moment))));
        }
    }
    let has_result = text("office:value-type")?.is_some();
    Ok(if text("table:formula")?.is_some() && !has_result { Stated::Formula } else { Stated::Text })
}

fn repetition(tag: &BytesStart<'_>, name: &str) -> Result<u32, ReadError> {
    let Some(times) = attribute(tag, name)? else { return Ok(1) };
    times.parse().map_err(|_| ReadError::unreadable(format!("\"{times}\" is no number of repetitions")))
}
