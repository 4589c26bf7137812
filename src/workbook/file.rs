//! The files of an import: the workbook and the one with its rejected rows.

use std::path::Path;

use spreadsheet::Limits;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::output_file::{self, Existing};

/// Returns the limits of a workbook.
pub fn limits(config: &Config) -> Limits {
    let import = &config.import;
    Limits {
        file_bytes: import.max_file_bytes,
        xls_bytes: import.max_xls_bytes,
        unpacked_bytes: import.max_unpacked_bytes,
        shared_string_bytes: import.max_shared_strings_bytes,
        data_rows: import.max_rows,
    }
}

/// Returns a file's name without its folder.
pub fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Checks the path of the workbook of rejected rows, before any work.
///
/// # Errors
/// [`Error::Usage`] when it is the file to import or exists already, [`Error::Failed`] when it cannot be written.
pub fn check_report(report: &Path, imported: &Path, existing: Existing) -> Result<()> {
    if is_same_file(report, imported) {
        return Err(Error::Usage("--report is the file to import: name another file".into()));
    }
    output_file::check(report, existing)
}

/// Reports whether two paths lead to the same file.
pub fn is_same_file(one: &Path, two: &Path) -> bool {
    matches!((one.canonicalize(), two.canonicalize()), (Ok(one), Ok(two)) if one == two)
}

/// Returns the error for a workbook that cannot be built.
pub fn unwritable(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the workbook cannot be written: {error}"))
}
