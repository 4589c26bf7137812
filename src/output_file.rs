//! Files that a command writes at its end. The command checks before its work that they can be written.

use std::fs::OpenOptions;
use std::path::Path;

use crate::error::{Error, Result};

/// Checks that a file can be written. Creates its folder if necessary; leaves an existing file unchanged and creates
/// none.
///
/// # Errors
/// [`Error::Failed`] with the reason why the file cannot be written.
pub fn check(path: &Path) -> Result<()> {
    let failed = |error| Error::io("writing", path, &error);
    create_folder(path)?;
    let found = std::fs::metadata(path);
    // Opening a pipe or a device could block, and it must not be removed afterwards.
    if found.as_ref().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(());
    }
    OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    if found.is_err() { std::fs::remove_file(path).map_err(failed) } else { Ok(()) }
}

/// Writes a file. Creates its folder if necessary and replaces an existing file.
///
/// # Errors
/// [`Error::Failed`] with the reason why the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    create_folder(path)?;
    std::fs::write(path, bytes).map_err(|error| Error::io("writing", path, &error))
}

fn create_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| Error::io("creating the folder", folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_of_output_file_leaves_no_trace() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (new, old) = (folder.path().join("new/report.xlsx"), folder.path().join("old.xlsx"));
        std::fs::write(&old, "as it was")?;
        check(&new)?;
        check(&old)?;
        assert!(!new.exists());
        assert_eq!(std::fs::read_to_string(&old)?, "as it was");
        write(&new, b"a report")?;
        assert_eq!(std::fs::read_to_string(&new)?, "a report");
        for wrong in [folder.path().to_owned(), old.join("report.xlsx"), "/proc/nope/report.xlsx".into()] {
            let sentence = check(&wrong).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(sentence.contains("choose another"), "{}: {sentence}", wrong.display());
        }
        Ok(())
    }
}
