//! Excel sheets (`.xlsx`), read as a stream: the parts that lead to the first sheet, then its cells one by one.
//!
//! Own, because what is hostile must not panic and what is blank must cost nothing; a cell's text is shared with the
//! table of strings that it comes from. The two large parts are read by [`super::markup`].

use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::markup::{Markup, Piece, Tag};
use super::number_formats;
use super::problems::column_index;
use super::workbook::{Content, Limits, Rows, Sheet, Unfit, broken};
use super::xml::{attribute, ends_early};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Part<'a, 'b> = Reader<BufReader<ZipFile<'a, Cursor<&'b [u8]>>>>;

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
        Some(path) => shared_strings(&mut archive, path)?,
        None => Vec::new(),
    };
    let dates = match of_kind("styles").filter(|path| archive.index_for_name(path).is_some()) {
        Some(path) => number_formats::date_styles(open(&mut archive, path)?)?,
        None => Vec::new(),
    };
    let cells = Cells {
        xml: Markup::new(archive.by_name(&path).map_err(broken)?),
        seen: vec![false; strings.len()],
        strings: &strings,
        dates: &dates,
        rows: Rows::new(limits),
        row: 0,
        column: 0,
        value: String::new(),
    };
    Ok(cells.read()?.finish(name, since_1904))
}

fn open<'a, 'b>(archive: &'a mut Archive<'b>, path: &str) -> Result<Part<'a, 'b>, Unfit> {
    let part = archive.by_name(path).map_err(broken)?;
    Ok(Reader::from_reader(BufReader::with_capacity(64 * 1024, part)))
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
        match xml.read_event_into(&mut buffer).map_err(broken)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type")?.unwrap_or_default();
                let target = attribute(&tag, "Target")?.unwrap_or_default();
                let target = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None if folder.is_empty() => target,
                    None => format!("{folder}/{target}"),
                };
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                relations.push(Relation { id: attribute(&tag, "Id")?.unwrap_or_default(), kind, target });
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
        buffer.clear();
    }
}

/// The sheets' names with the ids of their relations, in order, and whether dates count from 1904.
fn workbook(archive: &mut Archive<'_>, path: &str) -> Result<(Vec<(String, String)>, bool), Unfit> {
    let mut xml = open(archive, path)?;
    let mut sheets = Vec::new();
    let mut since_1904 = false;
    let mut buffer = Vec::new();
    loop {
        match xml.read_event_into(&mut buffer).map_err(broken)? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "workbookPr" => {
                    since_1904 = matches!(attribute(&tag, "date1904")?.as_deref(), Some("1" | "true" | "on"));
                }
                "sheet" => {
                    let id = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "id");
                    let id = id.map(|id| id.value.into_owned()).unwrap_or_default();
                    sheets.push((attribute(&tag, "name")?.unwrap_or_default(), id));
                }
                _ => {}
            },
            Event::Eof => return Ok((sheets, since_1904)),
            _ => {}
        }
        buffer.clear();
    }
}

/// The strings that cells refer to by number; their size was checked by [`super::archive`].
fn shared_strings(archive: &mut Archive<'_>, path: &str) -> Result<Vec<Arc<str>>, Unfit> {
    let mut xml = Markup::new(archive.by_name(path).map_err(broken)?);
    let mut strings = Vec::new();
    let mut text = String::new();
    // Phonetic hints (rPh) hold text that is not shown.
    let (mut in_text, mut in_hint) = (false, false);
    loop {
        match xml.next()? {
            Piece::Open(tag) => match (tag.name(), tag.is_empty) {
                (b"t", false) => in_text = !in_hint,
                (b"rPh", false) => in_hint = true,
                (b"si", true) => strings.push(Arc::from("")),
                (b"sst", true) => return Ok(strings),
                _ => {}
            },
            Piece::Text(part) if in_text => part.push_to(&mut text)?,
            Piece::Close(b"t") => in_text = false,
            Piece::Close(b"rPh") => in_hint = false,
            Piece::Close(b"si") => {
                // PostgreSQL has no text with NUL in it, and no program writes one.
                text.retain(|character| character != '\0');
                strings.push(Arc::from(text.as_str()));
                text.clear();
            }
            Piece::Close(b"sst") => return Ok(strings),
            Piece::End => return Err(ends_early()),
            _ => {}
        }
    }
}

struct Cells<'a, R> {
    xml: Markup<R>,
    strings: &'a [Arc<str>],
    /// Which of the strings a cell had already.
    seen: Vec<bool>,
    /// Whether a style shows dates, by its number.
    dates: &'a [bool],
    rows: Rows,
    /// The next row and column for cells that do not say where they stand, counted from 0.
    row: u32,
    column: u32,
    /// What the cell being read holds, as it is written.
    value: String,
}

/// What a cell's element says before its value.
struct Head {
    place: Option<(u32, u32)>,
    kind: Kind,
    style: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Shared,
    Text,
    Truth,
    Fault,
}

impl Head {
    fn of(tag: &Tag<'_>) -> Result<Self, Unfit> {
        let mut head = Head { place: None, kind: Kind::Number, style: None };
        for (name, value) in tag.attributes() {
            match name {
                b"r" => head.place = Some(place(value)?),
                b"s" => head.style = number(value).and_then(|style| usize::try_from(style).ok()),
                b"t" => {
                    head.kind = match value {
                        b"s" => Kind::Shared,
                        b"b" => Kind::Truth,
                        b"e" => Kind::Fault,
                        b"str" | b"inlineStr" | b"d" => Kind::Text,
                        _ => Kind::Number,
                    }
                }
                _ => {}
            }
        }
        Ok(head)
    }
}

impl<R: Read> Cells<'_, R> {
    fn read(mut self) -> Result<Rows, Unfit> {
        loop {
            match self.xml.next()? {
                Piece::Open(tag) => match (tag.name(), tag.is_empty) {
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
                    (b"sheetData", true) => return Ok(self.rows),
                    _ => {}
                },
                Piece::Close(b"row") => self.row = self.row.saturating_add(1),
                Piece::Close(b"sheetData") => return Ok(self.rows),
                Piece::End => return Err(ends_early()),
                _ => {}
            }
        }
    }

    /// Reads a cell to its end and keeps what it holds.
    fn cell(&mut self, head: &Head, is_empty: bool) -> Result<(), Unfit> {
        (self.row, self.column) = head.place.unwrap_or((self.row, self.column));
        let place = (self.row, self.column);
        self.column = self.column.saturating_add(1);
        if is_empty {
            return Ok(());
        }
        if self.is_uncalculated(head)? {
            return self.rows.push(place, Some(Content::Uncalculated));
        }
        if head.kind == Kind::Shared && !self.value.trim_ascii().is_empty() {
            return self.shared(place);
        }
        let content = self.content(head)?;
        self.rows.push(place, content)
    }

    /// Reads a cell's value; gives whether it is a formula whose result was not stored.
    fn is_uncalculated(&mut self, head: &Head) -> Result<bool, Unfit> {
        self.value.clear();
        let (mut in_value, mut in_hint, mut has_value, mut has_formula) = (false, false, false, false);
        loop {
            match self.xml.next()? {
                Piece::Open(tag) => match (tag.name(), tag.is_empty) {
                    (b"v" | b"t", false) => {
                        in_value = !in_hint;
                        has_value = true;
                    }
                    (b"f", _) => has_formula = true,
                    (b"rPh", false) => in_hint = true,
                    (b"c" | b"row", _) => return Err(broken("a cell that is not closed")),
                    _ => {}
                },
                Piece::Text(text) if in_value => text.push_to(&mut self.value)?,
                Piece::Close(b"v" | b"t") => in_value = false,
                Piece::Close(b"rPh") => in_hint = false,
                Piece::Close(b"c") => break,
                Piece::Close(b"row" | b"sheetData") => return Err(broken("a cell that is not closed")),
                Piece::End => return Err(ends_early()),
                _ => {}
            }
        }
        let stored = has_value && (head.kind == Kind::Text || !self.value.trim().is_empty());
        Ok(has_formula && !stored)
    }

    /// Keeps a text of the table of strings.
    fn shared(&mut self, place: (u32, u32)) -> Result<(), Unfit> {
        let at: usize = self.value.trim().parse().map_err(|_| self.means_nothing())?;
        let (Some(text), Some(seen)) = (self.strings.get(at), self.seen.get_mut(at)) else {
            return Err(self.means_nothing());
        };
        if std::mem::replace(seen, true) {
            return self.rows.push_again(place, text);
        }
        self.rows.push(place, Some(Content::Text(text.clone())))
    }

    fn content(&self, head: &Head) -> Result<Option<Content>, Unfit> {
        let trimmed = self.value.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        Ok(Some(match head.kind {
            Kind::Text | Kind::Shared => Content::Text(Arc::from(self.value.as_str())),
            Kind::Fault => Content::Fault(trimmed.to_owned()),
            Kind::Truth => Content::Truth(matches!(trimmed, "1" | "true")),
            Kind::Number => {
                let number: f64 = trimmed.parse().map_err(|_| self.means_nothing())?;
                let is_date = head.style.and_then(|style| self.dates.get(style)).copied().unwrap_or_default();
                if is_date { Content::Serial(number) } else { Content::Number(number) }
            }
        }))
    }

    fn means_nothing(&self) -> Unfit {
        let value = self.value.trim();
        Unfit::unreadable(format!("row {} has the value \"{value}\", which means nothing", self.row + 1))
    }
}

/// "AB12" → (11, 27), both counted from 0.
fn place(reference: &[u8]) -> Result<(u32, u32), Unfit> {
    let letters = reference.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let name = std::str::from_utf8(reference).unwrap_or_default();
    match (column_index(name), reference.get(letters..)) {
        (Some(column), Some(row)) => Ok((row_index(row)?, column)),
        _ => Err(Unfit::unreadable(format!("\"{name}\" is no cell"))),
    }
}

fn row_index(text: &[u8]) -> Result<u32, Unfit> {
    let row = number(text).and_then(|row| row.checked_sub(1));
    row.ok_or_else(|| Unfit::unreadable(format!("\"{}\" is no row", String::from_utf8_lossy(text))))
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
