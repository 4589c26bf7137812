//! Excel sheets (`.xlsx`), read as a stream: the parts that lead to the first sheet, then its cells one by one.
//!
//! Own, because what is hostile must not panic and what is blank must cost nothing; a cell's text is shared with the
//! table of strings that it comes from.

use std::io::{BufReader, Cursor};
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::number_formats;
use super::xml::{Events, attribute, character, ends_early};
use super::{Content, Limits, MOST_NAMED, Rows, STRINGS_A_ROW, Sheet, Unfit, append, bounded, broken};
use crate::timetable_import::problems::column_index;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Part<'a, 'b> = Events<BufReader<ZipFile<'a, Cursor<&'b [u8]>>>>;

/// Reads the first sheet of an archive that was inspected.
///
/// # Errors
/// [`Unfit`] when a part is missing or broken, or a limit is met.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Sheet, Unfit> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let root = relations(&mut archive, "_rels/.rels", "")?;
    let book = root.iter().find(|r| r.kind == "officeDocument").map_or("xl/workbook.xml", |r| &r.target).to_owned();
    let (folder, file) = book.rsplit_once('/').unwrap_or(("", &book));
    let links = relations(&mut archive, &format!("{folder}/_rels/{file}.rels"), folder)?;
    let (sheets, since_1904) = workbook(&mut archive, &book)?;
    let is_sheet = |id: &str| links.iter().find(|link| link.id == id && link.kind == "worksheet");
    let first = sheets.into_iter().find_map(|(name, id)| Some((name, is_sheet(&id)?.target.clone())));
    let (name, path) = first.ok_or_else(|| Unfit::unreadable("it has no sheet with cells"))?;
    let of_kind = |kind: &str| links.iter().find(|link| link.kind == kind).map(|link| link.target.as_str());
    let strings = match of_kind("sharedStrings").filter(|path| archive.index_for_name(path).is_some()) {
        Some(path) => shared_strings(&mut archive, path, limits.data_rows * STRINGS_A_ROW)?,
        None => Vec::new(),
    };
    let dates = match of_kind("styles").filter(|path| archive.index_for_name(path).is_some()) {
        Some(path) => number_formats::date_styles(open(&mut archive, path)?)?,
        None => Vec::new(),
    };
    let xml = open(&mut archive, &path)?;
    let rows = Cells { xml, strings: &strings, dates: &dates, rows: Rows::new(limits), row: 0, column: 0 }.read()?;
    Ok(rows.finish(name, since_1904))
}

fn open<'a, 'b>(archive: &'a mut Archive<'b>, path: &str) -> Result<Part<'a, 'b>, Unfit> {
    let part = archive.by_name(path).map_err(broken)?;
    Ok(Events::of(BufReader::with_capacity(64 * 1024, part)))
}

/// A link from one part to another.
struct Relation {
    id: String,
    /// The last segment of its type's address.
    kind: String,
    /// The other part's path in the archive.
    target: String,
}

fn relations(archive: &mut Archive<'_>, path: &str, folder: &str) -> Result<Vec<Relation>, Unfit> {
    let path = path.trim_start_matches('/');
    if archive.index_for_name(path).is_none() {
        return Ok(Vec::new());
    }
    let mut xml = open(archive, path)?;
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
                bounded(&mut relations, MOST_NAMED, "relations", Relation { id, kind, target })?;
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

/// The sheets' names with the ids of their relations, in order, and whether dates count from 1904.
fn workbook(archive: &mut Archive<'_>, path: &str) -> Result<(Vec<(String, String)>, bool), Unfit> {
    let mut xml = open(archive, path)?;
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
                    let name = attribute(&tag, "name")?.unwrap_or_default();
                    bounded(&mut sheets, MOST_NAMED, "sheets", (name, id))?;
                }
                _ => {}
            },
            Event::Eof => return Ok((sheets, since_1904)),
            _ => {}
        }
    }
}

/// The strings that cells refer to by number; their size was checked by [`super::archive`].
fn shared_strings(archive: &mut Archive<'_>, path: &str, most: usize) -> Result<Vec<Arc<str>>, Unfit> {
    let mut xml = open(archive, path)?;
    let mut strings = Vec::new();
    let empty: Arc<str> = Arc::from("");
    let mut keep = |string| bounded(&mut strings, most, "strings", string);
    let mut text = String::new();
    let mut buffer = Vec::new();
    // Phonetic hints (rPh) hold text that is not shown.
    let (mut in_text, mut in_hint) = (false, false);
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "t" => in_text = !in_hint,
                "rPh" => in_hint = true,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == "si" => keep(Arc::clone(&empty))?,
            Event::Text(part) if in_text => append(&mut text, &part.xml10_content())?,
            Event::CData(part) if in_text => append(&mut text, &part.xml10_content())?,
            Event::GeneralRef(entity) if in_text => text.extend(character(&entity)),
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_hint = false,
                "si" => {
                    keep(Arc::from(text.as_str()))?;
                    text.clear();
                }
                "sst" => break,
                _ => {}
            },
            Event::Eof => return Err(ends_early()),
            _ => {}
        }
    }
    Ok(strings)
}

struct Cells<'a, R> {
    xml: Events<R>,
    strings: &'a [Arc<str>],
    /// Whether a style shows dates, by its number.
    dates: &'a [bool],
    rows: Rows,
    /// The next row and column for cells that do not say where they stand, counted from 0.
    row: u32,
    column: u32,
}

/// What a cell's element says before its value.
struct Head {
    kind: Kind,
    is_date: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Shared,
    Text,
    Truth,
    Fault,
}

impl<R: std::io::BufRead> Cells<'_, R> {
    fn read(mut self) -> Result<Rows, Unfit> {
        let mut buffer = Vec::with_capacity(1024);
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "c" => {
                        let head = self.head(&tag)?;
                        let content = self.content(head)?;
                        self.rows.push((self.row, self.column), content)?;
                        self.column = self.column.saturating_add(1);
                    }
                    "row" => self.begin_row(&tag)?,
                    _ => {}
                },
                Event::Empty(tag) => match tag.local_name().as_ref() {
                    "c" => {
                        self.head(&tag)?;
                        self.column = self.column.saturating_add(1);
                    }
                    "row" => {
                        self.begin_row(&tag)?;
                        self.row = self.row.saturating_add(1);
                    }
                    "sheetData" => return Ok(self.rows),
                    _ => {}
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    "row" => self.row = self.row.saturating_add(1),
                    "sheetData" => return Ok(self.rows),
                    _ => {}
                },
                Event::Eof => return Err(ends_early()),
                _ => {}
            }
        }
    }

    fn begin_row(&mut self, tag: &BytesStart<'_>) -> Result<(), Unfit> {
        self.column = 0;
        if let Some(number) = tag.attributes().with_checks(false).flatten().find(|a| a.key.as_ref() == "r") {
            self.row = row_index(&number.value)?;
        }
        Ok(())
    }

    /// Reads a cell's attributes and moves to where it stands.
    fn head(&mut self, tag: &BytesStart<'_>) -> Result<Head, Unfit> {
        let mut head = Head { kind: Kind::Number, is_date: false };
        for attribute in tag.attributes().with_checks(false).flatten() {
            match attribute.key.as_ref() {
                "r" => (self.row, self.column) = place(&attribute.value)?,
                "s" => {
                    let style: Option<usize> = attribute.value.parse().ok();
                    head.is_date = style.and_then(|style| self.dates.get(style)).copied().unwrap_or_default();
                }
                "t" => {
                    head.kind = match &*attribute.value {
                        "s" => Kind::Shared,
                        "b" => Kind::Truth,
                        "e" => Kind::Fault,
                        "str" | "inlineStr" | "d" => Kind::Text,
                        _ => Kind::Number,
                    }
                }
                _ => {}
            }
        }
        Ok(head)
    }

    /// Reads to the end of a cell.
    fn content(&mut self, head: Head) -> Result<Option<Content>, Unfit> {
        let mut value = String::new();
        let (mut in_value, mut in_hint, mut has_value, mut has_formula) = (false, false, false, false);
        let mut buffer = Vec::with_capacity(64);
        loop {
            match self.xml.next(&mut buffer)? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "v" | "t" => {
                        in_value = !in_hint;
                        has_value = true;
                    }
                    "f" => has_formula = true,
                    "rPh" => in_hint = true,
                    _ => {}
                },
                Event::Empty(tag) if tag.local_name().as_ref() == "f" => has_formula = true,
                Event::Text(text) if in_value => append(&mut value, &text.xml10_content())?,
                Event::CData(text) if in_value => append(&mut value, &text.xml10_content())?,
                Event::GeneralRef(entity) if in_value => value.extend(character(&entity)),
                Event::End(tag) => match tag.local_name().as_ref() {
                    "v" | "t" => in_value = false,
                    "rPh" => in_hint = false,
                    "c" => break,
                    _ => {}
                },
                Event::Eof => return Err(ends_early()),
                _ => {}
            }
        }
        let stored = has_value && (head.kind == Kind::Text || !value.trim().is_empty());
        if has_formula && !stored {
            return Ok(Some(Content::Uncalculated));
        }
        self.value(&head, value)
    }

    fn value(&self, head: &Head, value: String) -> Result<Option<Content>, Unfit> {
        let trimmed = value.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let wrong =
            || Unfit::unreadable(format!("row {} has the value \"{trimmed}\", which means nothing", self.row + 1));
        Ok(Some(match head.kind {
            Kind::Text => Content::Text(Arc::from(value)),
            Kind::Fault => Content::Fault(trimmed.to_owned()),
            Kind::Truth => Content::Truth(matches!(trimmed, "1" | "true")),
            Kind::Shared => {
                let at: usize = trimmed.parse().map_err(|_| wrong())?;
                let text = self.strings.get(at).ok_or_else(wrong)?;
                if text.trim().is_empty() {
                    return Ok(None);
                }
                Content::Text(text.clone())
            }
            Kind::Number => {
                let number: f64 = trimmed.parse().map_err(|_| wrong())?;
                if head.is_date { Content::Serial(number) } else { Content::Number(number) }
            }
        }))
    }
}

/// "AB12" → (11, 27), both counted from 0.
fn place(reference: &str) -> Result<(u32, u32), Unfit> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase).count();
    let column = column_index(reference);
    match (column, reference.get(letters..)) {
        (Some(column), Some(row)) => Ok((row_index(row)?, column)),
        _ => Err(Unfit::unreadable(format!("\"{reference}\" is no cell"))),
    }
}

fn row_index(number: &str) -> Result<u32, Unfit> {
    let row: Option<u32> = number.parse().ok();
    row.and_then(|row| row.checked_sub(1)).ok_or_else(|| Unfit::unreadable(format!("\"{number}\" is no row")))
}
