//! The cells of a workbook's first sheet, each remembering where it stood.
//!
//! Promises: the limits are checked before anything is parsed, rows without a value are not kept,
//! and a file that cannot be read is one [`ReadError`], never a panic. Does not know what a column means.

mod archive;
mod cell_name;
mod cfb;
mod csv;
mod escapes;
mod number_formats;
mod ods;
mod row_builder;
mod write;
mod xls;
mod xlsx;
mod xml;
mod xml_scanner;

pub use cell_name::{cell_name, column_index, column_name};
pub use write::{CellValue, DATE_FORMAT, FORMULA_STARTS, RowValues, TIME_FORMAT, escape_formula, write_row};

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use archive::{ContainerFormat, ZipParts};
use row_builder::RowBuilder;

/// What sizes are told in, in bytes.
const MEGABYTE: u64 = 1 << 20;

/// The last column that a spreadsheet program has (XFD), counted from 0.
const MAX_COLUMN: u32 = 16_383;

/// Filled cells that a row may have on average when there are as many rows as are accepted.
const CELLS_PER_ROW: usize = 40;

/// The longest text that a spreadsheet program writes (32,767 characters of at most 4 bytes), in bytes.
const MAX_TEXT_BYTES: usize = 131_068;

/// The longest text without an element in it that is read at all, in bytes: what the longest cell takes when every
/// character is written as a reference, and some more.
const MAX_TEXT_RUN_BYTES: usize = 2 << 20;

/// Relations, sheets and cell styles of a workbook, each; Excel itself ends at 65,490 styles.
const MAX_NAMED_ITEMS: usize = 65_536;

/// Strings that are shared by cells, for each row that is accepted.
const TEXTS_PER_ROW: usize = 10;

/// Rows for which there is room at the least: where fewer are accepted, that there are too many rows is what is told.
const MIN_ROWS: usize = 100_000;

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

impl Limits {
    /// Filled cells that are kept; beyond that memory would have no bound.
    fn cells(&self) -> usize {
        self.data_rows.max(MIN_ROWS).saturating_mul(CELLS_PER_ROW)
    }

    /// Different texts that are kept.
    fn texts(&self) -> usize {
        self.data_rows.max(MIN_ROWS).saturating_mul(TEXTS_PER_ROW)
    }
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

/// Why a file is not read at all; the text continues "the file cannot be read: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Damaged, protected, or no workbook.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// Beyond one of the [`Limits`].
    #[error("the file is too large: {0}")]
    TooLarge(String),
}

impl ReadError {
    fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable(why.into())
    }

    /// More rows than a caller accepts.
    pub fn too_many_rows(most: usize) -> Self {
        Self::TooLarge(format!("it has over {most} rows; split it into several workbooks"))
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
    Bool(bool),
    /// An Excel date and time: days since the workbook's epoch.
    DateTime(f64),
    /// An error such as `#REF!`.
    Error(Arc<str>),
    /// A formula whose result was never stored.
    FormulaWithoutValue,
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

/// Which cells of a sheet are kept; nothing said: all.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellFilter<'a> {
    /// Rows, as Excel shows them.
    pub rows: Option<&'a BTreeSet<u32>>,
    /// Columns, counted from 0.
    pub columns: Option<&'a BTreeSet<u32>>,
}

/// Reads the first sheet of a workbook: xlsx, xls, ods by content, csv by its name.
///
/// # Errors
/// [`ReadError`] says why not.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Sheet, ReadError> {
    let (name, bytes) = load_file(path, limits)?;
    read(&name, &bytes, limits)
}

/// A file's name and what it holds.
///
/// # Errors
/// [`ReadError`] where it cannot be read or is too large.
pub fn load_file(path: &Path, limits: &Limits) -> Result<(String, Vec<u8>), ReadError> {
    let unreadable = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => ReadError::unreadable("there is no such file"),
        std::io::ErrorKind::IsADirectory => ReadError::unreadable("it is a folder"),
        std::io::ErrorKind::PermissionDenied => ReadError::unreadable("this user may not read it"),
        _ => ReadError::unreadable(e.to_string()),
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    check_size(size, limits.file_bytes)?;
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((name.unwrap_or_default(), bytes))
}

/// Reads the first sheet of a workbook held in memory; `name` is the file's name.
///
/// # Errors
/// [`ReadError`] says why not.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Sheet, ReadError> {
    read_filtered(name, bytes, limits, CellFilter::default())
}

/// The same, of which only some cells are kept.
///
/// # Errors
/// As [`read`].
pub fn read_filtered(name: &str, bytes: &[u8], limits: &Limits, wanted: CellFilter<'_>) -> Result<Sheet, ReadError> {
    check_size(bytes.len() as u64, limits.file_bytes)?;
    if bytes.starts_with(b"PK") {
        let parts = ZipParts::of(bytes, limits)?;
        return match parts.kind {
            ContainerFormat::Xlsx => xlsx::read(parts, RowBuilder::new(limits, wanted)),
            ContainerFormat::Ods => ods::read(parts, RowBuilder::new(limits, wanted)),
        };
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        check_size(bytes.len() as u64, limits.xls_bytes)?;
        return xls::read(bytes, RowBuilder::new(limits, wanted));
    }
    let lower = name.to_lowercase();
    if [".csv", ".tsv", ".txt"].iter().any(|end| lower.ends_with(end)) {
        return csv::read(name, bytes, RowBuilder::new(limits, wanted));
    }
    Err(ReadError::unreadable("it is neither xlsx, xls, ods nor csv; save it as an Excel workbook (.xlsx)"))
}

fn check_size(size: u64, limit: u64) -> Result<(), ReadError> {
    if size == 0 {
        return Err(ReadError::unreadable("it is empty"));
    }
    if size > limit {
        return Err(ReadError::TooLarge(format!(
            "it has {}, {} are accepted",
            format_bytes(size),
            format_bytes(limit)
        )));
    }
    Ok(())
}

/// A number of bytes as people tell it; a limit is told as it was set.
fn format_bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..MEGABYTE => format!("{} kB", bytes.div_ceil(1024)),
        _ => format!("{} MB", bytes.div_ceil(MEGABYTE)),
    }
}

/// Adds to a list that must not grow without bound.
fn push_bounded<T>(list: &mut Vec<T>, most: usize, what: &str, item: T) -> Result<(), ReadError> {
    if list.len() >= most {
        return Err(ReadError::TooLarge(format!("it has over {most} {what}")));
    }
    list.push(item);
    Ok(())
}

/// Adds to a text that must not grow without bound.
fn append_bounded(text: &mut String, part: &str) -> Result<(), ReadError> {
    text.push_str(part);
    if text.len() > MAX_TEXT_RUN_BYTES {
        return Err(ReadError::TooLarge(format!("a cell holds over {} MB of text", MAX_TEXT_RUN_BYTES >> 20)));
    }
    Ok(())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// PostgreSQL has no text with NUL in it, and no program writes one.
fn without_nul(text: &str) -> Arc<str> {
    if text.contains('\0') { Arc::from(text.replace('\0', "")) } else { Arc::from(text) }
}

fn damaged(error: impl std::fmt::Display) -> ReadError {
    ReadError::unreadable(format!("it is damaged ({error})"))
}
