//! Reads sheets of xlsx, xls, ods and csv files, and writes rows that no program takes for formulas.
//!
//! Files come from outside and may be hostile. Memory is bounded by [`Limits`] whatever a file contains, rows without
//! a value cost nothing, and a file that cannot be read is one [`ReadError`], never a panic.
//! The crate does not know what a column means.

#![warn(missing_docs)]

mod archive;
mod bounded;
mod cell_name;
mod cfb;
mod csv;
mod digit_pattern;
mod error;
mod escapes;
mod limits;
mod number_formats;
mod ods;
mod row_builder;
mod sheet;
mod write;
mod xls;
mod xlsx;
mod xml;
mod xml_scanner;

use std::path::Path;

use archive::{ContainerFormat, ZipParts};
use row_builder::RowBuilder;

pub use cell_name::{cell_name, column_index, column_name};
pub use error::ReadError;
pub use limits::Limits;
pub use ods::days_of_duration;
pub use sheet::{Cell, CellFilter, Content, FormattedNumber, InvalidValue, Row, Sheet};
pub use write::{
    CellValue, DATE_FORMAT, FORMULA_STARTS, RowValues, TIME_FORMAT, escape_formula, write_cell, write_row,
};

/// Reads the first sheet of a file.
///
/// # Errors
/// As [`load_file`] and [`read`].
pub fn read_file(path: &Path, limits: &Limits) -> Result<Sheet, ReadError> {
    let (name, bytes) = load_file(path, limits)?;
    read(&name, &bytes, limits)
}

/// Loads a file into memory without parsing it. Returns its name, without the folder, and its bytes.
///
/// # Errors
/// [`ReadError::Unreadable`] if the file is missing, empty or cannot be opened, [`ReadError::TooLarge`] if it is larger
/// than [`Limits::file_bytes`].
pub fn load_file(path: &Path, limits: &Limits) -> Result<(String, Vec<u8>), ReadError> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ReadError::unreadable("there is no such file"),
        std::io::ErrorKind::IsADirectory => ReadError::unreadable("it is a folder"),
        std::io::ErrorKind::PermissionDenied => ReadError::unreadable("permission denied; change its permissions"),
        _ => ReadError::unreadable(error.to_string()),
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    limits::check_file_size(size, limits.file_bytes)?;
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok((name.unwrap_or_default(), bytes))
}

/// Reads the first sheet of a file in memory.
///
/// The content decides between xlsx, xls and ods. Other files are csv if `name` ends in `.csv`, `.tsv` or `.txt`.
///
/// # Errors
/// [`ReadError::Unreadable`] if the file is damaged, protected or of another format, [`ReadError::TooLarge`] if it
/// exceeds one of the limits.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Sheet, ReadError> {
    read_filtered(name, bytes, limits, CellFilter::default())
}

/// The sheets of a workbook that were selected by their names, and the names of the others, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct NamedSheets {
    /// The sheets that were read.
    pub sheets: Vec<Sheet>,
    /// The names of the other sheets.
    pub others: Vec<String>,
}

/// Reads the sheets of a workbook (xlsx or ods) in memory whose names are selected. The limits apply to all of them together.
///
/// # Errors
/// As [`read`]; [`ReadError::Unreadable`] for a file of a format with one sheet, and for xls.
pub fn read_sheets(
    bytes: &[u8],
    limits: &Limits,
    is_selected: &dyn Fn(&str) -> bool,
) -> Result<NamedSheets, ReadError> {
    limits::check_file_size(bytes.len() as u64, limits.file_bytes)?;
    if !is_zip(bytes) {
        return Err(ReadError::unreadable(
            "it is neither xlsx nor ods, or a password protects it; save it as an Excel workbook (.xlsx)",
        ));
    }
    let rows = RowBuilder::new(limits, CellFilter::default());
    let parts = ZipParts::open(bytes, limits)?;
    match parts.format {
        ContainerFormat::Xlsx => xlsx::read_named(parts, rows, is_selected),
        ContainerFormat::Ods => ods::read_named(parts, rows, is_selected),
    }
}

fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Reads the first sheet of a file in memory and returns only the cells that the filter selects.
///
/// # Errors
/// As [`read`]. Limits on rows and cells apply to the selected cells.
pub fn read_filtered(name: &str, bytes: &[u8], limits: &Limits, filter: CellFilter<'_>) -> Result<Sheet, ReadError> {
    limits::check_file_size(bytes.len() as u64, limits.file_bytes)?;
    let rows = RowBuilder::new(limits, filter);
    if is_zip(bytes) {
        let parts = ZipParts::open(bytes, limits)?;
        return match parts.format {
            ContainerFormat::Xlsx => xlsx::read(parts, rows),
            ContainerFormat::Ods => ods::read(parts, rows),
        };
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        limits::check_file_size(bytes.len() as u64, limits.xls_bytes)?;
        return xls::read(bytes, rows);
    }
    let lower = name.to_lowercase();
    if [".csv", ".tsv", ".txt"].iter().any(|extension| lower.ends_with(extension)) {
        return csv::read(name, bytes, rows);
    }
    Err(ReadError::unreadable("it is neither xlsx, xls, ods nor csv; save it as an Excel workbook (.xlsx)"))
}
