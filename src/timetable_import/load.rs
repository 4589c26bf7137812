//! A file being read: its blocks are kept, its cells are not. Of a large file they take as much memory as all that follows;
//! what is still asked of them afterwards, the refused rows and what stands in unknown columns, is read again.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value, json};
use spreadsheet::{CellFilter, Limits, ReadError, Sheet};

use crate::config::Config;

use super::blocks;
use super::blocks::{ParseOptions, Timetable};
use super::problems::{ImportProblem, column_name};
use crate::timetable_import::parse::cells::unused;

/// A file that could be read.
#[derive(Debug)]
pub struct LoadedTimetable {
    name: String,
    bytes: Vec<u8>,
    limits: Limits,
    /// Its blocks.
    pub timetable: Timetable,
}

/// Reads a file without looking at anything else.
///
/// # Errors
/// [`ReadError`] says why it cannot be read.
pub fn load(file: &Path, config: &Config) -> Result<LoadedTimetable, ReadError> {
    let limits = limits(config);
    let (name, bytes) = spreadsheet::load_file(file, &limits)?;
    let sheet = spreadsheet::read(&name, &bytes, &limits)?;
    let reading =
        ParseOptions { zone: config.zone(), sittings: config.sittings.clone(), most_rows: config.import.max_rows };
    let timetable = blocks::read(&sheet, &reading)?;
    Ok(LoadedTimetable { name, bytes, limits, timetable })
}

/// As [`load`], where a file of which nothing can be imported is its problems.
///
/// # Errors
/// The problems: it cannot be read, or lacks columns.
pub fn load_valid(file: &Path, config: &Config) -> Result<LoadedTimetable, Vec<ImportProblem>> {
    match load(file, config) {
        Ok(loaded) if loaded.timetable.lacks_columns() => Err(loaded.timetable.problems),
        Ok(loaded) => Ok(loaded),
        Err(unfit) => Err(vec![unfit.into()]),
    }
}

fn limits(config: &Config) -> Limits {
    let import = &config.import;
    Limits {
        file_bytes: import.max_file_bytes,
        xls_bytes: import.max_xls_bytes,
        unpacked_bytes: import.max_unpacked_bytes,
        shared_string_bytes: import.max_shared_strings_bytes,
        data_rows: import.max_rows,
    }
}

impl LoadedTimetable {
    /// The header and these rows of the sheet.
    pub(super) fn rows(&self, rows: &[u32]) -> Result<Sheet, ReadError> {
        let rows: BTreeSet<u32> = rows.iter().copied().chain([self.timetable.columns.header_row]).collect();
        spreadsheet::read_filtered(
            &self.name,
            &self.bytes,
            &self.limits,
            CellFilter { rows: Some(&rows), columns: None },
        )
    }

    /// What the rows of each block have in columns that mean nothing to us, by its first row: row number → header → value.
    pub(super) fn unused(&self) -> HashMap<u32, Value> {
        let columns = &self.timetable.columns;
        let unknown: BTreeSet<u32> = columns.unknown.iter().map(|(column, _)| *column).collect();
        let wanted = CellFilter { rows: None, columns: Some(&unknown) };
        if unknown.is_empty() {
            return HashMap::new();
        }
        // It was read once without a fault.
        let Ok(sheet) = spreadsheet::read_filtered(&self.name, &self.bytes, &self.limits, wanted) else {
            return HashMap::new();
        };
        let of_row = |number: u32| {
            let found = sheet.rows.binary_search_by_key(&number, |row| row.number).ok()?;
            let cells = unused(columns, sheet.rows.get(found)?, sheet.since_1904).map(|(column, text)| {
                let header = columns.unknown_header(column).filter(|header| !header.is_empty());
                (header.map_or_else(|| column_name(column), str::to_owned), Value::String(text))
            });
            let cells: Map<String, Value> = cells.collect();
            (!cells.is_empty()).then(|| (number.to_string(), Value::Object(cells)))
        };
        let of_block = |block: &blocks::Block| {
            let below = block.sessions.iter().map(|(row, _)| *row).filter(|below| *below != block.row);
            let rows: Map<String, Value> = below.chain([block.row]).filter_map(of_row).collect();
            (!rows.is_empty()).then(|| (block.row, json!(rows)))
        };
        self.timetable.blocks.iter().filter_map(of_block).collect()
    }
}

/// A file's name without its folder.
pub fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
