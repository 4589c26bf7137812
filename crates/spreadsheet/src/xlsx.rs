//! Reader of Excel sheets (`.xlsx`), as a stream: the parts that lead to the first sheet, then its cells one by one.
//!
//! A reader of our own, because hostile input must not panic and blank cells must cost nothing. A cell shares its text
//! with the table of strings. The two large parts are read by [`XmlScanner`].

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use quick_xml::events::Event;

use super::archive::{Part, ZipParts};
use super::bounded::{append_bounded, push_bounded, without_nul};
use super::cell_name::{parse_digits, parse_position, parse_row};
use super::escapes::resolve_escapes;
use super::limits::MAX_NAMED_ITEMS;
use super::number_formats::{self, NumberFormat};
use super::row_builder::RowBuilder;
use super::sheet::{NO_SHARED_TEXT, NOT_A_NUMBER, Position, parse_number};
use super::xml::{Events, Utf8Reader, attribute};
use super::xml_scanner::{Tag, Token, XmlScanner};
use super::{Content, NamedSheets, ReadError, Sheet};

/// Path of the workbook part that nearly all programs write.
const USUAL_WORKBOOK: &str = "xl/workbook.xml";

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

/// Reads the sheets that are wanted by their names, in the order of the file.
///
/// # Errors
/// As [`read`].
pub(super) fn read_named(
    mut parts: ZipParts<'_>,
    mut rows: RowBuilder<'_>,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<NamedSheets, ReadError> {
    let workbook = read_workbook(&mut parts)?;
    let mut found = NamedSheets::default();
    let values = SharedValues::read(&mut parts, &workbook, rows.limits.max_texts())?;
    for (name, path) in workbook.worksheets() {
        if is_wanted(name) {
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

fn open_part<'p, 'a>(parts: &'p mut ZipParts<'a>, path: &str) -> Result<Events<Utf8Reader<Part<'p, 'a>>>, ReadError> {
    Ok(Events::new(parts.part(path)?))
}

/// A link from one part to another.
struct Relation {
    id: String,
    /// The last segment of the relation's type URI, such as `worksheet`.
    kind: String,
    /// Path of the other part in the archive.
    target: String,
}

fn first_target<'r>(relations: &'r [Relation], kind: &str) -> Option<&'r str> {
    relations.iter().find(|relation| relation.kind == kind).map(|relation| relation.target.as_str())
}

/// Reads the relations of a part; `folder` is the folder of that part.
fn read_relations(parts: &mut ZipParts<'_>, path: &str, folder: &str) -> Result<Vec<Relation>, ReadError> {
    let path = path.trim_start_matches('/');
    if !parts.contains(path) {
        return Ok(Vec::new());
    }
    let mut xml = open_part(parts, path)?;
    let mut relations = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type")?.unwrap_or_default();
                let target = attribute(&tag, "Target")?.unwrap_or_default();
                let target = resolve_target(folder, &target);
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let id = attribute(&tag, "Id")?.unwrap_or_default();
                push_bounded(&mut relations, MAX_NAMED_ITEMS, "relations", Relation { id, kind, target })?;
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// Resolves the target of a relation against the folder of its part (RFC 3986, 5.2), without query and fragment.
fn resolve_target(folder: &str, target: &str) -> String {
    let path = target.trim().split(['?', '#']).next().unwrap_or_default();
    let target = percent_decode_str(path).decode_utf8_lossy().replace('\\', "/");
    let absolute = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let mut segments: Vec<&str> = Vec::new();
    for segment in absolute.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            name => segments.push(name),
        }
    }
    segments.join("/")
}

#[derive(Default)]
struct WorkbookPart {
    sheets: Vec<SheetEntry>,
    since_1904: bool,
    relations: Vec<Relation>,
}

struct SheetEntry {
    name: String,
    relation_id: String,
}

impl WorkbookPart {
    /// Returns the name and path of each worksheet. A chart sheet has no cells.
    fn worksheets(&self) -> impl Iterator<Item = (&str, &str)> {
        let relations: HashMap<&str, &Relation> = self
            .relations
            .iter()
            .rev()
            .filter(|relation| relation.kind == "worksheet")
            .map(|relation| (relation.id.as_str(), relation))
            .collect();
        self.sheets.iter().filter_map(move |sheet| {
            Some((sheet.name.as_str(), relations.get(sheet.relation_id.as_str())?.target.as_str()))
        })
    }
}

/// Finds and reads the workbook part with its relations.
fn read_workbook(parts: &mut ZipParts<'_>) -> Result<WorkbookPart, ReadError> {
    let root = read_relations(parts, "_rels/.rels", "")?;
    let named = first_target(&root, "officeDocument").unwrap_or(USUAL_WORKBOOK);
    let is_usual = !parts.contains(named) && parts.contains(USUAL_WORKBOOK);
    let path = if is_usual { USUAL_WORKBOOK } else { named }.to_owned();
    if path.to_lowercase().ends_with(".bin") {
        return Err(ReadError::binary_workbook());
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let relations = read_relations(parts, &format!("{folder}/_rels/{file}.rels"), folder)?;
    Ok(WorkbookPart { relations, ..read_workbook_part(parts, &path)? })
}

/// Reads the workbook part. Newer programs repeat names of elements in other namespaces and at other places, so only the
/// places of the standard count, in the namespace of the root.
fn read_workbook_part(parts: &mut ZipParts<'_>, path: &str) -> Result<WorkbookPart, ReadError> {
    let mut xml = open_part(parts, path)?.expanding_empty_elements();
    let mut workbook = WorkbookPart::default();
    let mut prefix = String::new();
    let mut buffer = Vec::new();
    loop {
        let event = xml.next(&mut buffer)?;
        match event {
            Event::Start(tag) => match (xml.depth(), tag.name().as_ref().strip_prefix(&prefix)) {
                (1, Some(root)) => match root.strip_suffix("workbook") {
                    Some(root_prefix) => root_prefix.clone_into(&mut prefix),
                    None => return Err(ReadError::no_workbook()),
                },
                (2, Some("workbookPr")) => {
                    let date_1904 = attribute(&tag, "date1904")?.map(|value| value.trim().to_lowercase());
                    workbook.since_1904 = matches!(date_1904.as_deref(), Some("1" | "true" | "on"));
                }
                (3, Some("sheet")) => {
                    let id = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "id");
                    let relation_id = id.map(|id| id.value.into_owned()).unwrap_or_default();
                    let mut name = attribute(&tag, "name")?.unwrap_or_default();
                    resolve_escapes(&mut name, 0);
                    let sheet = SheetEntry { name, relation_id };
                    push_bounded(&mut workbook.sheets, MAX_NAMED_ITEMS, "sheets", sheet)?;
                }
                _ => {}
            },
            Event::Eof => return Ok(workbook),
            _ => {}
        }
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
