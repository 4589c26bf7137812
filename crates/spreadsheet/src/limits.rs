//! Bounds on what a file may take: those that a caller sets, and those that follow from the formats.

use super::ReadError;

pub(crate) const MEGABYTE: u64 = 1 << 20;

/// The last column of a spreadsheet program (XFD), counted from 0.
pub(crate) const MAX_COLUMN: u32 = 16_383;

/// The longest text that a spreadsheet program writes into a cell, in bytes: 32,767 characters of at most 4 bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 131_068;

/// The longest text between two elements, in bytes. The longest cell fits, even if every character is a reference.
pub(crate) const MAX_TEXT_RUN_BYTES: usize = 2 << 20;

/// Relations, sheets and cell styles of a workbook, each. Excel itself stops at 65,490 styles.
pub(crate) const MAX_NAMED_ITEMS: usize = 65_536;

/// Filled cells per row, on average.
const CELLS_PER_ROW: usize = 40;

/// Distinct texts per row, on average.
const TEXTS_PER_ROW: usize = 10;

/// The smallest number of rows from which cells and texts are derived. With fewer rows accepted, the row limit is
/// reached first, so that the error names the rows.
const MIN_ROWS: usize = 100_000;

/// How much of a file is accepted. Memory is proportional to these values, not to what a file claims to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file, in bytes.
    pub file_bytes: u64,
    /// Size of an `.xls` file, in bytes. It is smaller, because such a file is copied once in memory.
    pub xls_bytes: u64,
    /// Size of all parts of a zipped workbook after unpacking, in bytes.
    pub unpacked_bytes: u64,
    /// Size of the shared strings of a workbook after unpacking, and of the text of all cells together, in bytes.
    pub shared_string_bytes: u64,
    /// Number of rows with values, without header and hints.
    pub data_rows: usize,
}

impl Limits {
    /// Number of filled cells.
    pub(crate) fn max_cells(&self) -> usize {
        self.data_rows.max(MIN_ROWS).saturating_mul(CELLS_PER_ROW)
    }

    /// Number of distinct texts.
    pub(crate) fn max_texts(&self) -> usize {
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

pub(crate) fn check_file_size(size: u64, limit: u64) -> Result<(), ReadError> {
    if size == 0 {
        return Err(ReadError::unreadable("it is empty"));
    }
    if size > limit {
        let (size, limit) = (format_bytes(size), format_bytes(limit));
        return Err(ReadError::TooLarge(format!("it has {size}, {limit} are accepted")));
    }
    Ok(())
}

/// Formats a number of bytes in its largest unit, rounded up.
pub(crate) fn format_bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..MEGABYTE => format!("{} kB", bytes.div_ceil(1024)),
        _ => format!("{} MB", bytes.div_ceil(MEGABYTE)),
    }
}
