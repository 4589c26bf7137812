//! Reader of OpenDocument sheets (`.ods`), as a stream: the first table, or those with selected names.
//!
//! A cell or row may claim to be repeated a million times. Repeated blanks are only counted; repeated values reach the
//! limits of [`RowBuilder`] one by one.

use quick_xml::events::{BytesStart, Event};

use super::archive::{Part, ZipParts};
use super::bounded::{append_bounded, push_bounded};
use super::limits::{MAX_COLUMN, MAX_NAMED_ITEMS};
use super::row_builder::RowBuilder;
use super::sheet::{NOT_A_NUMBER, Position, parse_number};
use super::xml::{Events, Utf8Reader, attribute, character};
use super::{Content, NamedSheets, ReadError, Sheet};

/// Spaces of one `text:s` element.
const MAX_SPACES: usize = 1000;

type Xml<'p, 'a> = Events<Utf8Reader<Part<'p, 'a>>>;

/// Reads the first table.
///
/// # Errors
/// [`ReadError`] if the XML is damaged or a limit is reached.
pub(super) fn read(mut parts: ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    if is_encrypted(&mut parts)? {
        return Err(ReadError::protected());
    }
    let mut found = read_tables(&mut parts, rows, SelectedTables::First)?;
    parts.check_unread()?;
    found.sheets.pop().ok_or_else(ReadError::no_sheet)
}

/// Reads the tables that have selected names, in the order of the file.
///
/// # Errors
/// As [`read`].
pub(super) fn read_named(
    mut parts: ZipParts<'_>,
    rows: RowBuilder<'_>,
    is_selected: &dyn Fn(&str) -> bool,
) -> Result<NamedSheets, ReadError> {
    if is_encrypted(&mut parts)? {
        return Err(ReadError::protected());
    }
    let found = read_tables(&mut parts, rows, SelectedTables::Named(is_selected))?;
    parts.check_unread()?;
    Ok(found)
}

/// Which tables are read.
#[derive(Clone, Copy)]
enum SelectedTables<'a> {
    First,
    Named(&'a dyn Fn(&str) -> bool),
}

/// Whether the manifest says that parts are encrypted (OpenDocument 1.2 part 3, 4.8).
fn is_encrypted(parts: &mut ZipParts<'_>) -> Result<bool, ReadError> {
    const MANIFEST: &str = "META-INF/manifest.xml";
    if !parts.contains(MANIFEST) {
        return Ok(false);
    }
    let mut xml = Events::new(parts.part(MANIFEST)?);
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "encryption-data" => return Ok(true),
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

fn read_tables(
    parts: &mut ZipParts<'_>,
    mut rows: RowBuilder<'_>,
    selected: SelectedTables<'_>,
) -> Result<NamedSheets, ReadError> {
    let part = parts.part("content.xml")?;
    let mut xml = Events::new(part).expanding_empty_elements();
    let mut since_1904 = false;
    let mut found = NamedSheets::default();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) if tag.name().as_ref() == "table:null-date" => {
                let day = attribute(&tag, "table:date-value")?;
                since_1904 = day.is_some_and(|day| day.starts_with("1904"));
            }
            Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                let name = attribute(&tag, "table:name")?.unwrap_or_default();
                let is_selected = match selected {
                    SelectedTables::First => true,
                    SelectedTables::Named(is_selected) => is_selected(&name),
                };
                if !is_selected {
                    xml.skip_element()?;
                    push_bounded(&mut found.others, MAX_NAMED_ITEMS, "sheets", name)?;
                    continue;
                }
                TableReader { xml: &mut xml, rows: &mut rows, row: 0 }.read()?;
                let sheet = rows.finish(name, since_1904);
                push_bounded(&mut found.sheets, MAX_NAMED_ITEMS, "sheets", sheet)?;
                if matches!(selected, SelectedTables::First) {
                    xml.skip_rest()?;
                    return Ok(found);
                }
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

struct TableReader<'x, 'p, 'a, 'r> {
    xml: &'x mut Xml<'p, 'a>,
    rows: &'x mut RowBuilder<'r>,
    /// The current row, counted from 0.
    row: u32,
}

impl TableReader<'_, '_, '_, '_> {
    /// Reads to the end of the table.
    fn read(mut self) -> Result<(), ReadError> {
        let mut buffer = Vec::new();
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) if tag.name().as_ref() == "table:table-row" => {
                    let count = repeat_count(&tag, "table:number-rows-repeated")?;
                    self.read_row(count)?;
                }
                // Drawings contain tables of their own, and forms their labels.
                Event::Start(tag) if matches!(tag.name().as_ref(), "table:shapes" | "office:forms") => {
                    self.xml.skip_element()?;
                }
                Event::End(tag) if tag.name().as_ref() == "table:table" => return Ok(()),
                Event::Eof => return Err(ReadError::truncated()),
                _ => {}
            }
        }
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
        let is_blank = text.trim().is_empty();
        Ok(match declared {
            DeclaredValue::Number(number) if is_blank || text.trim() == number.to_string() => {
                Some(Content::Number(number))
            }
            DeclaredValue::Number(number) => Some(Content::formatted(number, text.trim())),
            DeclaredValue::Other(content) => Some(content),
            DeclaredValue::FormulaWithoutValue if is_blank => Some(Content::FormulaWithoutValue),
            DeclaredValue::Text(value) if !value.trim().is_empty() => Some(Content::Text(value.into())),
            DeclaredValue::Text(_) | DeclaredValue::None if is_blank => None,
            DeclaredValue::FormulaWithoutValue | DeclaredValue::Text(_) | DeclaredValue::None => {
                Some(Content::Text(text.into()))
            }
        })
    }

    /// Reads to the end of a cell and returns the text of its own paragraphs: no shapes, frames, notes or ruby texts.
    fn read_cell_text(&mut self) -> Result<String, ReadError> {
        let mut text = String::new();
        let mut buffer = Vec::new();
        let mut paragraphs = 0_usize;
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) => match tag.name().as_ref() {
                    "text:p" | "text:h" => {
                        paragraphs += 1;
                        if paragraphs > 1 {
                            text.push('\n');
                        }
                    }
                    "text:s" => {
                        let spaces = repeat_count(&tag, "text:c")? as usize;
                        text.extend(std::iter::repeat_n(' ', spaces.min(MAX_SPACES)));
                    }
                    "text:tab" | "text:line-break" => text.push(' '),
                    name if !is_part_of_text(name) => self.xml.skip_element()?,
                    _ => {}
                },
                Event::Text(part) if paragraphs > 0 => append_bounded(&mut text, &part.xml10_content())?,
                Event::CData(part) if paragraphs > 0 => append_bounded(&mut text, &part.xml10_content())?,
                Event::GeneralRef(reference) if paragraphs > 0 => text.extend(character(&reference)),
                Event::End(tag) if matches!(tag.name().as_ref(), "table:table-cell" | "table:covered-table-cell") => {
                    return Ok(text);
                }
                Event::Eof => return Err(ReadError::truncated()),
                _ => {}
            }
        }
    }
}

/// Whether an element inside a cell belongs to its text. Notes and ruby texts are shown beside the text.
fn is_part_of_text(name: &str) -> bool {
    const OTHER: [&str; 5] = ["text:note", "text:ruby-text", "text:tracked-changes", "text:hidden-text", "text:script"];
    name.starts_with("text:") && !OTHER.contains(&name)
}

/// The value in the attributes of a cell.
enum DeclaredValue {
    Number(f64),
    Text(String),
    Other(Content),
    None,
    FormulaWithoutValue,
}

fn declared_value(tag: &BytesStart<'_>) -> Result<DeclaredValue, ReadError> {
    if let Some(number) = attribute(tag, "office:value")?.filter(|number| !number.is_empty()) {
        return Ok(match parse_number(&number) {
            Some(number) => DeclaredValue::Number(number),
            None => DeclaredValue::Other(Content::invalid(&number, NOT_A_NUMBER)),
        });
    }
    if let Some(value) = attribute(tag, "office:boolean-value")? {
        return Ok(DeclaredValue::Other(Content::bool(&value)));
    }
    if let Some(value) = attribute(tag, "office:date-value")? {
        return Ok(DeclaredValue::Other(Content::Text(value.into())));
    }
    if let Some(value) = attribute(tag, "office:time-value")? {
        return Ok(DeclaredValue::Other(match days_of_duration(&value) {
            Some(days) => Content::DateTime(days),
            None => Content::invalid(&value, "is not a time"),
        }));
    }
    if let Some(value) = attribute(tag, "office:string-value")? {
        return Ok(DeclaredValue::Text(value));
    }
    let has_value = attribute(tag, "office:value-type")?.is_some();
    let has_formula = attribute(tag, "table:formula")?.is_some();
    Ok(if has_formula && !has_value { DeclaredValue::FormulaWithoutValue } else { DeclaredValue::None })
}

/// Returns the days of a duration such as `PT09H30M00S` (ISO 8601), or None if it has years or months.
pub fn days_of_duration(text: &str) -> Option<f64> {
    let (date, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let mut days = 0.0;
    let mut is_empty = true;
    let units_of_date = &[('Y', 0.0), ('M', 0.0), ('D', 1.0)][..];
    for (part, units) in [(date, units_of_date), (time, &[('H', 24.0), ('M', 1440.0), ('S', 86_400.0)][..])] {
        let mut rest = part;
        for (unit, per_day) in units {
            if let Some((number, after)) = rest.split_once(*unit) {
                let number: f64 = number.replace(',', ".").parse().ok().filter(|number: &f64| *number >= 0.0)?;
                // Years and months have no fixed number of days.
                days += match (*per_day, number) {
                    (0.0, 0.0) => 0.0,
                    (0.0, _) => return None,
                    (per_day, number) => number / per_day,
                };
                (rest, is_empty) = (after, false);
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    (!is_empty && days.is_finite()).then_some(days)
}

fn repeat_count(tag: &BytesStart<'_>, name: &str) -> Result<u32, ReadError> {
    let Some(count) = attribute(tag, name)? else { return Ok(1) };
    count.parse().map_err(|_| ReadError::unreadable(format!("\"{count}\" is not a number of repetitions")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_days() {
        for (text, expected) in [
            ("PT09H30M00S", Some(9.5 / 24.0)),
            ("PT9H30M", Some(9.5 / 24.0)),
            ("PT24H00M00S", Some(1.0)),
            ("P1DT12H", Some(1.5)),
            ("P0Y0M0DT9H30M0.000S", Some(9.5 / 24.0)),
            ("P0Y0M46419DT12H", Some(46_419.5)),
            ("P1M", None),
            ("PTNaNH", None),
            ("PT09H29M59.999999896S", Some(34_199.999_999_896 / 86_400.0)),
            ("PT", None),
            ("P1Y", None),
            ("-PT1H", None),
            ("09:30", None),
        ] {
            let days = days_of_duration(text);
            let is_equal = match (days, expected) {
                (Some(days), Some(expected)) => (days - expected).abs() < 1e-12,
                (days, expected) => days == expected,
            };
            assert!(is_equal, "{text}: {days:?}");
        }
    }
}
