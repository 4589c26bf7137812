//! The cells of a workbook's first sheet, each remembering where it stood.
//!
//! Promises: the limits are checked before anything is parsed, rows without a value are not kept,
//! and a file that cannot be read is one [`Unfit`], never a panic. Does not know what a column means.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetType, Xls};

use super::archive::{self, Zipped};
use super::problems::{Code, Problem, cell_name};
use super::{opendocument, separated, xlsx};

/// What sizes are told in, in bytes.
pub(super) const MEGABYTE: u64 = 1 << 20;

/// The last column that a spreadsheet program has (XFD), counted from 0.
const LAST_COLUMN: u32 = 16_383;

/// Filled cells that a row may have on average when there are as many rows as are accepted.
const CELLS_A_ROW: usize = 40;

/// Most cells of a row for which room is made beforehand.
const ROOM: usize = 32;

/// The longest text that a spreadsheet program writes (32,767 characters of at most 4 bytes), in bytes.
const LONGEST_TEXT: usize = 131_068;

/// How much of a file is accepted (rules "Import"; all are settings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The file itself, in bytes.
    pub file_bytes: u64,
    /// An `.xls` file, in bytes: it is read whole.
    pub xls_bytes: u64,
    /// All parts of a zipped workbook, unpacked, in bytes.
    pub unpacked_bytes: u64,
    /// The shared strings of an `.xlsx`, unpacked, in bytes.
    pub shared_string_bytes: u64,
    /// Rows with values below the header and the hints.
    pub data_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 50 * MEGABYTE,
            xls_bytes: 20 * MEGABYTE,
            unpacked_bytes: 512 * MEGABYTE,
            shared_string_bytes: 64 * MEGABYTE,
            data_rows: 100_000,
        }
    }
}

/// Why a file is not read at all; the text continues "the workbook cannot be read: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Damaged, protected, or no workbook.
    #[error("the file cannot be read as a workbook: {0}")]
    Unreadable(String),
    /// Beyond one of the [`Limits`].
    #[error("the file is too large: {0}")]
    TooLarge(String),
}

impl Unfit {
    pub(super) fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable(why.into())
    }

    /// The same as a problem of the contract.
    pub fn problem(&self) -> Problem {
        let code = match self {
            Self::Unreadable(_) => Code::UnreadableFile,
            Self::TooLarge(_) => Code::TooLarge,
        };
        Problem::of_file(code, self.to_string())
    }
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text, not trimmed.
    Text(Arc<str>),
    /// A number without a date format.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// An Excel date and time: days since the workbook's epoch.
    Serial(f64),
    /// An error such as `#REF!`.
    Fault(String),
    /// A formula whose result was never stored.
    Uncalculated,
}

/// One cell with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Counted from 0, A is 0.
    pub column: u32,
    /// What it holds.
    pub content: Content,
}

/// One row with at least one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// As Excel shows it, counted from 1.
    pub number: u32,
    /// Its filled cells, from left to right.
    pub cells: Vec<Cell>,
}

impl Row {
    /// What stands in a column, if anything.
    pub fn content(&self, column: u32) -> Option<&Content> {
        let at = self.cells.binary_search_by_key(&column, |c| c.column).ok()?;
        self.cells.get(at).map(|cell| &cell.content)
    }
}

/// The first sheet of a workbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Whether serial dates count from 1904 instead of 1900.
    pub since_1904: bool,
    /// Its rows with values, from top to bottom.
    pub rows: Vec<Row>,
}

/// Reads the first sheet of a workbook: xlsx, xls, ods by content, csv by its name.
///
/// # Errors
/// [`Unfit`] says why not.
pub fn open(path: &Path, limits: &Limits) -> Result<Sheet, Unfit> {
    let unreadable = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Unfit::unreadable("there is no such file"),
        std::io::ErrorKind::IsADirectory => Unfit::unreadable("it is a folder"),
        std::io::ErrorKind::PermissionDenied => Unfit::unreadable("this user may not read it"),
        _ => Unfit::unreadable(e.to_string()),
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    check_size(size, limits.file_bytes)?;
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    read(&name.unwrap_or_default(), &bytes, limits)
}

/// Reads the first sheet of a workbook held in memory; `name` is the file's name.
///
/// # Errors
/// [`Unfit`] says why not.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Sheet, Unfit> {
    check_size(bytes.len() as u64, limits.file_bytes)?;
    if bytes.starts_with(b"PK") {
        return match archive::inspect(bytes, limits)? {
            Zipped::Xlsx => xlsx::read(bytes, limits),
            Zipped::Ods => opendocument::read(bytes, limits),
        };
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        check_size(bytes.len() as u64, limits.xls_bytes)?;
        // calamine's reader of this format may panic on what no program writes.
        let read = std::panic::catch_unwind(|| read_xls(bytes, limits));
        return read.unwrap_or_else(|_| Err(Unfit::unreadable("it is damaged")));
    }
    let lower = name.to_lowercase();
    if [".csv", ".tsv", ".txt"].iter().any(|end| lower.ends_with(end)) {
        return separated::read(name, bytes, limits);
    }
    Err(Unfit::unreadable("it is neither xlsx, xls, ods nor csv; save it as an Excel workbook (.xlsx)"))
}

fn check_size(size: u64, limit: u64) -> Result<(), Unfit> {
    if size == 0 {
        return Err(Unfit::unreadable("it is empty"));
    }
    if size > limit {
        return Err(Unfit::TooLarge(format!(
            "it has {} MB, {} MB are accepted",
            size.div_ceil(MEGABYTE),
            limit / MEGABYTE
        )));
    }
    Ok(())
}

fn read_xls(bytes: &[u8], limits: &Limits) -> Result<Sheet, Unfit> {
    let book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(broken)?;
    read_range(book, limits)
}

fn read_range<'a, B>(mut book: B, limits: &Limits) -> Result<Sheet, Unfit>
where
    B: Reader<Cursor<&'a [u8]>>,
    B::Error: std::fmt::Display,
{
    let name = first_sheet(&book)?;
    let range = book.worksheet_range(&name).map_err(broken)?;
    let (top, left) = range.start().unwrap_or_default();
    let mut rows = Rows::new(limits);
    let mut since_1904 = false;
    for (row, column, value) in range.used_cells() {
        if let Data::DateTime(moment) = value {
            since_1904 = epoch_is_1904(moment);
        }
        let place = (top + row as u32, left + column as u32);
        rows.push(place, content_of(reference(value)))?;
    }
    Ok(rows.finish(name, since_1904))
}

fn first_sheet<'a, B: Reader<Cursor<&'a [u8]>>>(book: &B) -> Result<String, Unfit> {
    book.sheets_metadata()
        .iter()
        .find(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .ok_or_else(|| Unfit::unreadable("it has no sheet with cells"))
}

/// calamine keeps the epoch to itself; day 0 tells it (1900 counts from 1899-12-31).
fn epoch_is_1904(moment: &ExcelDateTime) -> bool {
    let (year, ..) = moment.to_ymd_hms_milli();
    f64::from(year) - (1900.0 + moment.as_f64() / 365.25) > 2.0
}

fn content_of(value: DataRef<'_>) -> Option<Content> {
    let text = |text: &str| (!text.trim().is_empty()).then(|| Content::Text(Arc::from(text)));
    match value {
        DataRef::Empty => None,
        DataRef::Int(number) => Some(Content::Number(number as f64)),
        DataRef::Float(number) => Some(Content::Number(number)),
        DataRef::Bool(truth) => Some(Content::Truth(truth)),
        DataRef::DateTime(moment) => Some(Content::Serial(moment.as_f64())),
        DataRef::SharedString(shared) => text(shared),
        DataRef::String(own) | DataRef::DateTimeIso(own) | DataRef::DurationIso(own) => text(&own),
        DataRef::Error(error) => Some(Content::Fault(error.to_string())),
    }
}

fn reference(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => DataRef::SharedString(text),
        Data::Bool(truth) => DataRef::Bool(*truth),
        Data::DateTime(moment) => DataRef::DateTime(*moment),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

pub(super) fn broken(error: impl std::fmt::Display) -> Unfit {
    Unfit::unreadable(format!("it is damaged ({error})"))
}

/// Collects cells into rows, under the limits.
pub(super) struct Rows {
    rows: Vec<Row>,
    limits: Limits,
    /// Texts seen, so that equal ones are kept once.
    texts: HashSet<Arc<str>>,
    /// Cells kept.
    cells: usize,
    /// Characters of all cells, equal ones counted again: what reading them further on will cost.
    written: u64,
}

impl Rows {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { rows: Vec::new(), limits: *limits, texts: HashSet::new(), cells: 0, written: 0 }
    }

    /// Adds a cell at (row, column), both counted from 0, in reading order.
    pub(super) fn push(&mut self, place: (u32, u32), content: Option<Content>) -> Result<(), Unfit> {
        let content = match content {
            None => return Ok(()),
            Some(Content::Text(text)) => {
                if text.trim().is_empty() {
                    return Ok(());
                }
                Content::Text(self.keep(text, place)?)
            }
            Some(other) => other,
        };
        self.place(place, content)
    }

    /// Adds a text that a cell had already.
    pub(super) fn push_again(&mut self, place: (u32, u32), text: &Arc<str>) -> Result<(), Unfit> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.count(text)?;
        self.place(place, Content::Text(text.clone()))
    }

    fn place(&mut self, (row, column): (u32, u32), content: Content) -> Result<(), Unfit> {
        if column > LAST_COLUMN {
            return Err(Unfit::TooLarge("it has cells beyond column XFD".to_owned()));
        }
        self.cells += 1;
        if self.cells > self.limits.data_rows * CELLS_A_ROW {
            return Err(Unfit::TooLarge(format!("it has over {} filled cells", self.limits.data_rows * CELLS_A_ROW)));
        }
        let number = row.saturating_add(1);
        if self.rows.last().is_none_or(|last| last.number < number) {
            // Header, hints and a title are no data rows; the exact count is checked once they are known.
            if self.rows.len() >= self.limits.data_rows + 32 {
                return Err(Unfit::TooLarge(format!("it has over {} rows", self.limits.data_rows)));
            }
            let like_the_last = self.rows.last().map_or(0, |last| last.cells.len());
            self.rows.push(Row { number, cells: Vec::with_capacity(like_the_last.min(ROOM)) });
        }
        let out_of_order = || Unfit::unreadable(format!("the cells of row {number} are out of order"));
        let last = self.rows.last_mut().filter(|last| last.number == number).ok_or_else(out_of_order)?;
        if last.cells.last().is_some_and(|cell| cell.column >= column) {
            return Err(out_of_order());
        }
        last.cells.push(Cell { column, content });
        Ok(())
    }

    fn keep(&mut self, text: Arc<str>, (row, column): (u32, u32)) -> Result<Arc<str>, Unfit> {
        if text.len() > LONGEST_TEXT {
            let cell = cell_name(row.saturating_add(1), column);
            return Err(Unfit::TooLarge(format!("cell {cell} holds {} characters", text.chars().count())));
        }
        // PostgreSQL has no text with NUL in it, and no program writes one.
        let text = if text.contains('\0') { Arc::from(text.replace('\0', "")) } else { text };
        self.count(&text)?;
        if let Some(known) = self.texts.get(&text) {
            return Ok(known.clone());
        }
        self.texts.insert(text.clone());
        Ok(text)
    }

    fn count(&mut self, text: &str) -> Result<(), Unfit> {
        self.written += text.len() as u64;
        if self.written > self.limits.shared_string_bytes {
            let most = self.limits.shared_string_bytes / MEGABYTE;
            return Err(Unfit::TooLarge(format!("its cells hold over {most} MB of text")));
        }
        Ok(())
    }

    pub(super) fn finish(self, name: String, since_1904: bool) -> Sheet {
        Sheet { name, since_1904, rows: self.rows }
    }
}
