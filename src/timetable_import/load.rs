//! Reads a timetable file and retains its blocks, but not its cells.
//!
//! The cells of a large file take as much memory as all later steps. The file is read a second time for the rejected
//! rows and for the values of unknown columns.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value, json};
use spreadsheet::{CellFilter, Limits, ReadError, Sheet};

use crate::config::Config;

use super::blocks;
use super::blocks::{ParseOptions, Timetable};
use super::corrections::SheetCorrections;
use crate::timetable_import::parse::cells::unused;
use crate::workbook::file::limits;
use crate::workbook::problems::{ImportProblem, column_name};

/// A readable file with its blocks.
#[derive(Debug)]
pub struct LoadedTimetable {
    name: String,
    bytes: Vec<u8>,
    limits: Limits,
    corrections: SheetCorrections,
    pub timetable: Timetable,
}

/// Reads a file. Uses neither the database nor Administrate.
///
/// # Errors
/// [`ReadError`] names the reason why the file cannot be read.
pub fn load(file: &Path, config: &Config) -> Result<LoadedTimetable, ReadError> {
    load_corrected(file, config, SheetCorrections::default())
}

/// Reads a file as [`load`] does, with other values in corrected cells.
///
/// # Errors
/// Those of [`load`].
pub fn load_corrected(
    file: &Path,
    config: &Config,
    corrections: SheetCorrections,
) -> Result<LoadedTimetable, ReadError> {
    let limits = limits(config);
    let (name, bytes) = spreadsheet::load_file(file, &limits)?;
    let mut sheet = spreadsheet::read(&name, &bytes, &limits)?;
    corrections.apply(&mut sheet, CellFilter::default());
    let options =
        ParseOptions { zone: config.zone(), sittings: config.sittings.clone(), max_rows: config.import.max_rows };
    let timetable = blocks::read(&sheet, &options)?;
    Ok(LoadedTimetable { name, bytes, limits, corrections, timetable })
}

/// Reads a file as [`load_corrected`] does, and checks that it has the required columns.
///
/// # Errors
/// The problems of a file that cannot be read or lacks columns.
pub fn load_valid(
    file: &Path,
    config: &Config,
    corrections: SheetCorrections,
) -> Result<LoadedTimetable, Vec<ImportProblem>> {
    match load_corrected(file, config, corrections) {
        Ok(loaded) if loaded.timetable.lacks_columns() => Err(loaded.timetable.problems),
        Ok(loaded) => Ok(loaded),
        Err(error) => Err(vec![error.into()]),
    }
}

impl LoadedTimetable {
    /// Reads a part of the sheet again.
    fn read(&self, filter: CellFilter<'_>) -> Result<Sheet, ReadError> {
        let mut sheet = spreadsheet::read_filtered(&self.name, &self.bytes, &self.limits, filter)?;
        self.corrections.apply(&mut sheet, filter);
        Ok(sheet)
    }

    /// Reads the header row and the given rows of the sheet again.
    pub(super) fn rows(&self, rows: &[u32]) -> Result<Sheet, ReadError> {
        let rows: BTreeSet<u32> = rows.iter().copied().chain([self.timetable.columns.header_row]).collect();
        self.read(CellFilter { rows: Some(&rows), columns: None })
    }

    /// Reads the values in unknown columns again: event row of the block → row number → header → value.
    /// Blocks without such values are left out.
    pub(super) fn unused(&self) -> HashMap<u32, Value> {
        let columns = &self.timetable.columns;
        let unknown: BTreeSet<u32> = columns.unknown.iter().map(|(column, _)| *column).collect();
        let filter = CellFilter { rows: None, columns: Some(&unknown) };
        if unknown.is_empty() {
            return HashMap::new();
        }
        // The same bytes were read before without an error.
        let Ok(sheet) = self.read(filter) else { return HashMap::new() };
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
