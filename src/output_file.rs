//! Files that a command is asked to write at its end: whether they can be is found out before it begins.

use std::fs::OpenOptions;
use std::path::Path;

use crate::error::{Error, Result};

/// Makes a file's folder where it is missing and tries to open the file; one that is there stays as it is, and none is
/// left behind.
///
/// # Errors
/// [`Error::Failed`] says why the file cannot be written there.
pub fn check(path: &Path) -> Result<()> {
    let failed = |error| Error::io("writing", path, &error);
    create_folder(path)?;
    let found = std::fs::metadata(path);
    // A pipe or a device would wait for its reader, or could not be taken away again.
    if found.as_ref().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(());
    }
    OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    if found.is_err() { std::fs::remove_file(path).map_err(failed) } else { Ok(()) }
}

/// Writes a file, over one that is there, and its folder where that is missing.
///
/// # Errors
/// [`Error::Failed`] says why it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    create_folder(path)?;
    std::fs::write(path, bytes).map_err(|error| Error::io("writing", path, &error))
}

fn create_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| Error::io("making the folder", folder, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_and_left_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
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
