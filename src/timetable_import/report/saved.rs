//! The workbooks of rejected rows as files: one in the data folder for each import, and one where the user wants it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::files;
use crate::output_file::{self, Existing};
use crate::timetable_import::load::LoadedTimetable;
use crate::timetable_import::plan::ImportPlan;
use crate::timetable_import::sheet::lists::Choices;

use super::rejected;
use crate::workbook::problem_list::MAX_LISTED;

/// Returns the path in the data folder of the report of a run.
pub fn saved_path(config: &Config, run: i64) -> PathBuf {
    config.data_dir.join("reports").join(format!("import-{run}.xlsx"))
}

/// Returns the same path after creating its folder, which only its owner may read.
pub fn saved_report(config: &Config, run: i64) -> Result<PathBuf> {
    files::data_folder(&config.data_dir)?;
    files::private_folder(&config.data_dir.join("reports"))?;
    Ok(saved_path(config, run))
}

/// Returns the saved report of a run. Follows no link, so that the file is always the one that Lectern wrote.
pub fn read_saved(config: &Config, run: i64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_without_links(&saved_path(config, run))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open_without_links(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::ErrorKind::InvalidInput.into()),
    }
}

/// Writes the workbook of the rejected rows to each path. Returns the last path, or `None` if there is no path, no row was
/// rejected and the document has all problems.
///
/// # Errors
/// A file cannot be written.
pub(in crate::timetable_import) fn write_report(
    loaded: &LoadedTimetable,
    plan: &ImportPlan,
    choices: &Choices,
    paths: [Option<(&Path, Existing)>; 2],
) -> Result<Option<String>> {
    let rows = rejected::rejected_rows(&loaded.timetable, plan);
    let mut paths = paths.into_iter().flatten().peekable();
    let has_content = !rows.is_empty() || plan.problems.len() > MAX_LISTED;
    if !has_content || paths.peek().is_none() {
        return Ok(None);
    }
    let failed = |error: String| Error::Failed(format!("the report cannot be written: {error}"));
    let sheet = loaded.rows(&rows).map_err(|error| failed(error.to_string()))?;
    let bytes = rejected::workbook(&sheet, &loaded.timetable, (plan, &rows), choices)
        .map_err(|error| failed(error.to_string()))?;
    let mut written = None;
    for (path, existing) in paths {
        let is_new = !path.exists();
        output_file::write(path, &bytes, existing)?;
        if is_new && path.is_file() {
            // A timetable names people: what others may read is up to the user.
            let failed = |error| Error::io("writing", path, &error);
            std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
        }
        written = Some(path.display().to_string());
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "a report").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(open_without_links(&file).is_ok());
        assert!(open_without_links(&link).is_err() && open_without_links(folder.path()).is_err());
    }
}
