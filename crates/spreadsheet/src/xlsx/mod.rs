//! Reader of Excel sheets (`.xlsx`), as a stream: the parts that lead to the first sheet, then its cells one by one.
//!
//! A reader of our own, because hostile input must not panic and blank cells must cost nothing. A cell shares its text
//! with the table of strings. The two large parts are read by [`XmlScanner`].

mod workbook_part;

use std::io::Read;
use std::sync::Arc;

use super::archive::ZipParts;
use super::bounded::{append_bounded, push_bounded, without_nul};
use super::cell_name::{parse_digits, parse_position, parse_row};
use super::escapes::resolve_escapes;
use super::number_formats::{self, NumberFormat};
use super::row_builder::RowBuilder;
use super::sheet::{NO_SHARED_TEXT, NOT_A_NUMBER, Position, parse_number};
use super::xml_scanner::{Tag, Token, XmlScanner};
use super::{Content, NamedSheets, ReadError, Sheet};
use workbook_part::{WorkbookPart, first_target, open_part, read_workbook};

/// Reads the first sheet.
///
/// # Errors
/// [`ReadError`] if a part is missing or damaged, or a limit is reached.
pub(super) fn read(mut parts: ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let workbook = read_workbook(&mut parts)?;
    let entry = workbook.worksheets().next().ok_or_else(ReadError::no_sheet)?;
    let values = SharedValues::read(&mut parts, &workbook, rows.limits.max_texts())?;
    let mut rows = values.read_cells(&mut parts, entry.1, rows)?;
    parts.check_unread()?;
    Ok(rows.finish(entry.0.to_owned(), workbook.since_1904))
}

/// Reads the sheets that have selected names, in the order of the file.
///
/// # Errors
/// As [`read`].
pub(super) fn read_named(
    mut parts: ZipParts<'_>,
    mut rows: RowBuilder<'_>,
    is_selected: &dyn Fn(&str) -> bool,
) -> Result<NamedSheets, ReadError> {
    let workbook = read_workbook(&mut parts)?;
    let mut found = NamedSheets::default();
    let values = SharedValues::read(&mut parts, &workbook, rows.limits.max_texts())?;
    for (name, path) in workbook.worksheets() {
        if is_selected(name) {
            rows = values.read_cells(&mut parts, path, rows)?;
            found.sheets.push(rows.finish(name.to_owned(), workbook.since_1904));
        } else {
            found.others.push(name.to_owned());
        }
    }
    parts.check_unread()?;
    Ok(found)
}

/// What the cells of all sheets refer to.
struct SharedValues {
    strings: Vec<Arc<str>>,
    /// What each cell style shows, by its number.
    styles: Vec<NumberFormat>,
}

impl SharedValues {
    fn read(parts: &mut ZipParts<'_>, workbook: &WorkbookPart, max_texts: usize) -> Result<Self, ReadError> {
        let strings = match first_target(&workbook.relations, "sharedStrings").filter(|path| parts.contains(path)) {
            Some(path) => read_shared_strings(parts.shared_strings(path)?, max_texts)?,
            None => Vec::new(),
        };
        let styles = match first_target(&workbook.relations, "styles").filter(|path| parts.contains(path)) {
            Some(path) => number_formats::cell_styles(open_part(parts, path)?)?,
            None => Vec::new(),
        };
        Ok(Self { strings, styles })
    }

    fn read_cells<'r>(
        &self,
        parts: &mut ZipParts<'_>,
        path: &str,
        rows: RowBuilder<'r>,
    ) -> Result<RowBuilder<'r>, ReadError> {
        let cells = CellReader {
            xml: XmlScanner::new(parts.part(path)?),
            strings: &self.strings,
            styles: &self.styles,
            rows,
            next: Position { row: 0, column: 0 },
            value: String::new(),
        };
        cells.read()
    }
}

/// Reads the strings that cells refer to by index, at most `max`.
fn read_shared_strings(part: impl Read, max: usize) -> Result<Vec<Arc<str>>, ReadError> {
    let mut xml = XmlScanner::new(part);
    let mut strings = Vec::new();
    let empty: Arc<str> = Arc::from("");
    let mut text = String::new();
    // Phonetic hints (rPh) contain text that is not shown.
    let (mut in_text, mut in_hint, mut run_start) = (false, false, 0);
    loop {
        match xml.next()? {
            Token::Open(tag) => match (tag.name(), tag.is_empty) {
                (b"t", false) => (in_text, run_start) = (!in_hint, text.len()),
                (b"rPh", false) => in_hint = true,
                (b"si", true) => push_bounded(&mut strings, max, "strings", Arc::clone(&empty))?,
                (b"sst", true) => break,
                _ => {}
            },
            Token::Text(part) if in_text => part.append_to(&mut text)?,
            Token::Close(b"t") if in_text => {
                resolve_escapes(&mut text, run_start);
                in_text = false;
            }
            Token::Close(b"rPh") => in_hint = false,
            Token::Close(b"si") => {
                push_bounded(&mut strings, max, "strings", without_nul(&text))?;
                text.clear();
            }
            Token::Close(b"sst") => break,
            Token::End => return Err(ReadError::truncated()),
            _ => {}
        }
    }
    xml.skip_rest()?;
    Ok(strings)
}

struct CellReader<'a, 'r, R> {
    xml: XmlScanner<R>,
    strings: &'a [Arc<str>],
    /// What each cell style shows, by its number.
    styles: &'a [NumberFormat],
    rows: RowBuilder<'r>,
    /// Position of the next cell that does not declare one.
    next: Position,
    /// Value of the current cell in its source form.
    value: String,
}

/// The attributes of a cell.
struct CellAttributes {
    position: Option<Position>,
    value_type: ValueType,
    style: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueType {
    Number,
    SharedString,
    Text,
    /// A date in ISO 8601, or as a number.
    Date,
    Bool,
    Error,
}

impl CellAttributes {
    fn parse(tag: &Tag<'_>) -> Result<Self, ReadError> {
        let mut attributes = CellAttributes { position: None, value_type: ValueType::Number, style: None };
        for (name, value) in tag.attributes() {
            match name {
                b"r" => attributes.position = Some(parse_position(value)?),
                b"s" => attributes.style = parse_digits(value).and_then(|style| usize::try_from(style).ok()),
                b"t" => {
                    attributes.value_type = match value {
                        b"s" => ValueType::SharedString,
                        b"b" => ValueType::Bool,
                        b"e" => ValueType::Error,
                        b"str" | b"inlineStr" => ValueType::Text,
                        b"d" => ValueType::Date,
                        _ => ValueType::Number,
                    }
                }
                _ => {}
            }
        }
        Ok(attributes)
    }
}

impl<'r, R: Read> CellReader<'_, 'r, R> {
    fn read(mut self) -> Result<RowBuilder<'r>, ReadError> {
        loop {
            match self.xml.next()? {
                Token::Open(tag) => match (tag.name(), tag.is_empty) {
                    (b"c", is_empty) => {
                        let attributes = CellAttributes::parse(&tag)?;
                        self.read_cell(&attributes, is_empty)?;
                    }
                    (b"row", is_empty) => {
                        let number = tag.attributes().find(|(name, _)| *name == b"r");
                        let row = number.map(|(_, number)| parse_row(number)).transpose()?;
                        let row = row.unwrap_or(self.next.row).saturating_add(is_empty.into());
                        self.next = Position { row, column: 0 };
                    }
                    (b"sheetData", true) => break,
                    _ => {}
                },
                Token::Close(b"row") => self.next.row = self.next.row.saturating_add(1),
                Token::Close(b"sheetData") => break,
                Token::End => return Err(ReadError::truncated()),
                _ => {}
            }
        }
        self.xml.skip_rest()?;
        Ok(self.rows)
    }

    /// Reads to the end of a cell and adds its content to the rows.
    fn read_cell(&mut self, attributes: &CellAttributes, is_empty: bool) -> Result<(), ReadError> {
        let position = attributes.position.unwrap_or(self.next);
        self.next = Position { column: position.column.saturating_add(1), ..position };
        if is_empty {
            return Ok(());
        }
        if !self.read_value(attributes.value_type)? {
            return self.rows.push(position, Some(Content::FormulaWithoutValue));
        }
        if attributes.value_type == ValueType::SharedString && !self.value.trim_ascii().is_empty() {
            return self.push_shared(position);
        }
        let content = self.content(attributes);
        self.rows.push(position, content)
    }

    /// Reads the value of a cell. Returns false if the cell has a formula and the file no result.
    fn read_value(&mut self, value_type: ValueType) -> Result<bool, ReadError> {
        self.value.clear();
        if let Some(value) = self.xml.plain_value() {
            append_bounded(&mut self.value, &String::from_utf8_lossy(value))?;
            if value_type == ValueType::Text {
                resolve_escapes(&mut self.value, 0);
            }
            return Ok(true);
        }
        let not_closed = || ReadError::damaged("a cell that is not closed");
        let (mut in_value, mut in_hint, mut has_value, mut has_formula) = (false, false, false, false);
        let mut run_start = 0;
        loop {
            match self.xml.next()? {
                Token::Open(tag) => match (tag.name(), tag.is_empty) {
                    (b"v" | b"t", false) => {
                        (in_value, run_start) = (!in_hint, self.value.len());
                        has_value = true;
                    }
                    (b"f", _) => has_formula = true,
                    (b"rPh", false) => in_hint = true,
                    (b"c" | b"row", _) => return Err(not_closed()),
                    _ => {}
                },
                Token::Text(text) if in_value => text.append_to(&mut self.value)?,
                Token::Close(b"v" | b"t") if in_value => {
                    resolve_escapes(&mut self.value, run_start);
                    in_value = false;
                }
                Token::Close(b"rPh") => in_hint = false,
                Token::Close(b"c") => break,
                Token::Close(b"row" | b"sheetData") => return Err(not_closed()),
                Token::End => return Err(ReadError::truncated()),
                _ => {}
            }
        }
        let has_result = has_value && (value_type == ValueType::Text || !self.value.trim().is_empty());
        Ok(has_result || !has_formula)
    }

    /// Adds the shared string whose index is the value.
    fn push_shared(&mut self, position: Position) -> Result<(), ReadError> {
        let index = parse_digits(self.value.trim_ascii().as_bytes());
        match index.and_then(|index| self.strings.get(index as usize)) {
            Some(text) => self.rows.push_shared(position, text),
            None => self.rows.push(position, Some(Content::invalid(self.value.trim(), NO_SHARED_TEXT))),
        }
    }

    fn content(&self, attributes: &CellAttributes) -> Option<Content> {
        let trimmed = self.value.trim();
        if trimmed.is_empty() {
            return None;
        }
        Some(match attributes.value_type {
            ValueType::Text | ValueType::SharedString => Content::Text(Arc::from(self.value.as_str())),
            ValueType::Error => Content::Error(trimmed.into()),
            ValueType::Bool => Content::bool(trimmed),
            ValueType::Date => match parse_number(trimmed) {
                Some(days) => Content::DateTime(days),
                None => Content::Text(trimmed.into()),
            },
            ValueType::Number => match parse_number(trimmed) {
                Some(number) => {
                    let format = attributes.style.and_then(|style| self.styles.get(style));
                    format.map_or(Content::Number(number), |format| format.content(number))
                }
                None => Content::invalid(trimmed, NOT_A_NUMBER),
            },
        })
    }
}
