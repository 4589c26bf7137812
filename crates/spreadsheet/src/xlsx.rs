//! Excel sheets (`.xlsx`), read as a stream: the parts that lead to the first sheet, then its cells one by one.
//!
//! Own, because what is hostile must not panic and what is blank must cost nothing; a cell's text is shared with the
//! table of strings that it comes from. The two large parts are read by [`super::xml_scanner`].

use std::io::{BufReader, Read};
use std::sync::Arc;

use quick_xml::events::Event;

use super::archive::{Part, ZipParts};
use super::number_formats;
use super::xml::{Events, attribute, ends_early_error};
use super::xml_scanner::{Tag, Token, XmlScanner};
use super::{
    Content, MAX_NAMED_ITEMS, ReadError, RowBuilder, Sheet, append_bounded, damaged, escapes, push_bounded, without_nul,
};

/// Reads the first sheet.
///
/// # Errors
/// [`ReadError`] when a part is missing or damaged, or a limit is met.
pub(super) fn read(mut parts: ZipParts<'_>, rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let root = relations(&mut parts, "_rels/.rels", "")?;
    let book = root.iter().find(|r| r.kind == "officeDocument").map_or("xl/workbook.xml", |r| &r.target).to_owned();
    let (folder, file) = book.rsplit_once('/').unwrap_or(("", &book));
    let links = relations(&mut parts, &format!("{folder}/_rels/{file}.rels"), folder)?;
    let (sheets, since_1904) = workbook(&mut parts, &book)?;
    let is_sheet = |id: &str| links.iter().find(|link| link.id == id && link.kind == "worksheet");
    let first = sheets.into_iter().find_map(|(name, id)| Some((name, is_sheet(&id)?.target.clone())));
    let (name, path) = first.ok_or_else(|| ReadError::unreadable("it has no sheet with cells"))?;
    let of_kind = |kind: &str| links.iter().find(|link| link.kind == kind).map(|link| link.target.as_str());
    let strings = match of_kind("sharedStrings").filter(|path| parts.has(path)) {
        Some(path) => shared_strings(parts.shared_strings(path)?, rows.limits.texts())?,
        None => Vec::new(),
    };
    let dates = match of_kind("styles").filter(|path| parts.has(path)) {
        Some(path) => number_formats::date_styles(open(&mut parts, path)?)?,
        None => Vec::new(),
    };
    let cells = Cells {
        xml: XmlScanner::new(parts.part(&path)?),
        strings: &strings,
        dates: &dates,
        rows,
        row: 0,
        column: 0,
        value: String::new(),
    };
    let rows = cells.read()?;
    parts.check_rest()?;
    Ok(rows.finish(name, since_1904))
}

fn open<'p, 'a>(parts: &'p mut ZipParts<'a>, path: &str) -> Result<Events<BufReader<Part<'p, 'a>>>, ReadError> {
    Ok(Events::of(BufReader::with_capacity(64 * 1024, parts.part(path)?)))
}

/// A link from one part to another.
struct Relation {
    id: String,
    /// The last segment of its type's address.
    kind: String,
    /// The other part's path in the archive.
    target: String,
}

fn relations(parts: &mut ZipParts<'_>, path: &str, folder: &str) -> Result<Vec<Relation>, ReadError> {
    let path = path.trim_start_matches('/');
    if !parts.has(path) {
        return Ok(Vec::new());
    }
    let mut xml = open(parts, path)?;
    let mut relations = Vec::new();
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type")?.unwrap_or_default();
                let target = attribute(&tag, "Target")?.unwrap_or_default();
                let target = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None if folder.is_empty() => target,
                    None => format!("{folder}/{target}"),
                };
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let id = attribute(&tag, "Id")?.unwrap_or_default();
                push_bounded(&mut relations, MAX_NAMED_ITEMS, "relations", Relation { id, kind, target })?;
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// The sheets' names with the ids of their relations, in order, and whether dates count from 1904.
fn workbook(parts: &mut ZipParts<'_>, path: &str) -> Result<(Vec<(String, String)>, bool), ReadError> {
    let mut xml = open(parts, path)?;
    let mut sheets = Vec::new();
    let mut since_1904 = false;
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "workbookPr" => {
                    since_1904 = matches!(attribute(&tag, "date1904")?.as_deref(), Some("1" | "true" | "on"));
                }
                "sheet" => {
                    let id = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "id");
                    let id = id.map(|id| id.value.into_owned()).unwrap_or_default();
                    let mut name = attribute(&tag, "name")?.unwrap_or_default();
                    escapes::resolve(&mut name, 0);
                    push_bounded(&mut sheets, MAX_NAMED_ITEMS, "sheets", (name, id))?;
                }
                _ => {}
            },
            Event::Eof => return Ok((sheets, since_1904)),
            _ => {}
        }
    }
}

/// The strings that cells refer to by number.
fn shared_strings(part: impl Read, most: usize) -> Result<Vec<Arc<str>>, ReadError> {
    let mut xml = XmlScanner::new(part);
    let mut strings = Vec::new();
    let empty: Arc<str> = Arc::from("");
    let mut text = String::new();
    // Phonetic hints (rPh) hold text that is not shown.
    let (mut in_text, mut in_hint, mut begun) = (false, false, 0);
    loop {
        match xml.next()? {
            Token::Open(tag) => match (tag.name(), tag.is_empty) {
                (b"t", false) => (in_text, begun) = (!in_hint, text.len()),
                (b"rPh", false) => in_hint = true,
                (b"si", true) => push_bounded(&mut strings, most, "strings", Arc::clone(&empty))?,
                (b"sst", true) => break,
                _ => {}
            },
            Token::Text(part) if in_text => part.push_to(&mut text)?,
            Token::Close(b"t") if in_text => {
                escapes::resolve(&mut text, begun);
                in_text = false;
            }
            Token::Close(b"rPh") => in_hint = false,
            Token::Close(b"si") => {
                push_bounded(&mut strings, most, "strings", without_nul(&text))?;
                text.clear();
            }
            Token::Close(b"sst") => break,
            Token::End => return Err(ends_early_error()),
            _ => {}
        }
    }
    xml.pass_rest()?;
    Ok(strings)
}

struct Cells<'a, R> {
    xml: XmlScanner<R>,
    strings: &'a [Arc<str>],
    /// Whether a style shows dates, by its number.
    dates: &'a [bool],
    rows: RowBuilder<'a>,
    /// The next row and column for cells that do not say where they stand, counted from 0.
    row: u32,
    column: u32,
    /// What the cell being read holds, as it is written.
    value: String,
}

/// What a cell's element says before its value.
struct Head {
    place: Option<(u32, u32)>,
    kind: CellKind,
    style: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Number,
    Shared,
    Text,
    Bool,
    Error,
}

impl Head {
    fn of(tag: &Tag<'_>) -> Result<Self, ReadError> {
        let mut head = Head { place: None, kind: CellKind::Number, style: None };
        for (name, value) in tag.attributes() {
            match name {
                b"r" => head.place = Some(place(value)?),
                b"s" => head.style = number(value).and_then(|style| usize::try_from(style).ok()),
                b"t" => {
                    head.kind = match value {
                        b"s" => CellKind::Shared,
                        b"b" => CellKind::Bool,
                        b"e" => CellKind::Error,
                        b"str" | b"inlineStr" | b"d" => CellKind::Text,
                        _ => CellKind::Number,
                    }
                }
                _ => {}
            }
        }
        Ok(head)
    }
}

impl<'a, R: Read> Cells<'a, R> {
    fn read(mut self) -> Result<RowBuilder<'a>, ReadError> {
        loop {
            match self.xml.next()? {
                Token::Open(tag) => match (tag.name(), tag.is_empty) {
                    (b"c", is_empty) => {
                        let head = Head::of(&tag)?;
                        self.cell(&head, is_empty)?;
                    }
                    (b"row", is_empty) => {
                        let number = tag.attributes().find(|(name, _)| *name == b"r");
                        let number = number.map(|(_, number)| row_index(number)).transpose()?;
                        self.row = number.unwrap_or(self.row).saturating_add(is_empty.into());
                        self.column = 0;
                    }
                    (b"sheetData", true) => break,
                    _ => {}
                },
                Token::Close(b"row") => self.row = self.row.saturating_add(1),
                Token::Close(b"sheetData") => break,
                Token::End => return Err(ends_early_error()),
                _ => {}
            }
        }
        self.xml.pass_rest()?;
        Ok(self.rows)
    }

    /// Reads a cell to its end and keeps what it holds.
    fn cell(&mut self, head: &Head, is_empty: bool) -> Result<(), ReadError> {
        (self.row, self.column) = head.place.unwrap_or((self.row, self.column));
        let place = (self.row, self.column);
        self.column = self.column.saturating_add(1);
        if is_empty {
            return Ok(());
        }
        if self.is_uncalculated(head)? {
            return self.rows.push(place, Some(Content::FormulaWithoutValue));
        }
        if head.kind == CellKind::Shared && !self.value.trim_ascii().is_empty() {
            return self.shared(place);
        }
        let content = self.content(head)?;
        self.rows.push(place, content)
    }

    /// Reads a cell's value; gives whether it is a formula whose result was not stored.
    fn is_uncalculated(&mut self, head: &Head) -> Result<bool, ReadError> {
        self.value.clear();
        if let Some(value) = self.xml.plain_value() {
            append_bounded(&mut self.value, std::str::from_utf8(value).map_err(damaged)?)?;
            if head.kind == CellKind::Text {
                escapes::resolve(&mut self.value, 0);
            }
            return Ok(false);
        }
        let (mut in_value, mut in_hint, mut has_value, mut has_formula) = (false, false, false, false);
        let mut begun = 0;
        loop {
            match self.xml.next()? {
                Token::Open(tag) => match (tag.name(), tag.is_empty) {
                    (b"v" | b"t", false) => {
                        (in_value, begun) = (!in_hint, self.value.len());
                        has_value = true;
                    }
                    (b"f", _) => has_formula = true,
                    (b"rPh", false) => in_hint = true,
                    (b"c" | b"row", _) => return Err(damaged("a cell that is not closed")),
                    _ => {}
                },
                Token::Text(text) if in_value => text.push_to(&mut self.value)?,
                Token::Close(b"v" | b"t") if in_value => {
                    escapes::resolve(&mut self.value, begun);
                    in_value = false;
                }
                Token::Close(b"rPh") => in_hint = false,
                Token::Close(b"c") => break,
                Token::Close(b"row" | b"sheetData") => return Err(damaged("a cell that is not closed")),
                Token::End => return Err(ends_early_error()),
                _ => {}
            }
        }
        let stored = has_value && (head.kind == CellKind::Text || !self.value.trim().is_empty());
        Ok(has_formula && !stored)
    }

    /// Keeps a text of the table of strings.
    fn shared(&mut self, place: (u32, u32)) -> Result<(), ReadError> {
        let text = number(self.value.trim_ascii().as_bytes()).and_then(|at| self.strings.get(at as usize));
        self.rows.push_shared(place, text.ok_or_else(|| self.means_nothing())?)
    }

    fn content(&self, head: &Head) -> Result<Option<Content>, ReadError> {
        let trimmed = self.value.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        Ok(Some(match head.kind {
            CellKind::Text | CellKind::Shared => Content::Text(Arc::from(self.value.as_str())),
            CellKind::Error => Content::Error(trimmed.into()),
            CellKind::Bool => Content::Bool(matches!(trimmed, "1" | "true")),
            CellKind::Number => {
                let number: f64 = trimmed.parse().map_err(|_| self.means_nothing())?;
                let is_date = head.style.and_then(|style| self.dates.get(style)).copied().unwrap_or_default();
                if is_date { Content::DateTime(number) } else { Content::Number(number) }
            }
        }))
    }

    fn means_nothing(&self) -> ReadError {
        let value = self.value.trim();
        ReadError::unreadable(format!("row {} has the value \"{value}\", which means nothing", self.row + 1))
    }
}

/// "AB12" → (11, 27), both counted from 0.
fn place(reference: &[u8]) -> Result<(u32, u32), ReadError> {
    let letters = reference.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let (letters, row) = reference.split_at(letters);
    let column = letters
        .iter()
        .fold(0_u32, |column, letter| column.saturating_mul(26).saturating_add(u32::from(letter - b'A') + 1));
    let no_cell = || ReadError::unreadable(format!("\"{}\" is no cell", String::from_utf8_lossy(reference)));
    Ok((row_index(row)?, column.checked_sub(1).ok_or_else(no_cell)?))
}

fn row_index(text: &[u8]) -> Result<u32, ReadError> {
    let row = number(text).and_then(|row| row.checked_sub(1));
    row.ok_or_else(|| ReadError::unreadable(format!("\"{}\" is no row", String::from_utf8_lossy(text))))
}

fn number(digits: &[u8]) -> Option<u32> {
    let add = |number: u32, digit: &u8| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}
