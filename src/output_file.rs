//! Files that a command writes at its end, at a path that the user chose.
//!
//! The command checks the path before its work. The file is written beside its place under another name and renamed when
//! it is complete, so that no user ever opens a part of it. An existing file is replaced only on request.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result, io_sentence};

/// What happens to a file that exists already at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// The file is left as it is, and the command is refused.
    #[default]
    Refuse,
    /// The file is replaced: the user passed `--force`, or the program chose the name.
    Replace,
}

impl Existing {
    /// Returns the choice of an option `--force`.
    pub fn of_force(force: bool) -> Self {
        if force { Existing::Replace } else { Existing::Refuse }
    }
}

/// Checks that a file can be written. Leaves no trace.
///
/// # Errors
/// [`Error::Usage`] for an existing file that must not be replaced, [`Error::Failed`] with the reason why the file
/// cannot be written.
pub fn check(path: &Path, existing: Existing) -> Result<()> {
    refuse_existing(path, existing)?;
    // Opening a pipe or a device could block.
    if is_stream(path) {
        return Ok(());
    }
    let failed = |error| write_error(path, &error);
    let draft = Draft::create(path).map_err(failed)?;
    draft.remove().map_err(failed)
}

/// Checks that there is no file at the path, or that it may be replaced.
///
/// # Errors
/// [`Error::Usage`] for an existing file that must not be replaced, and for `-`, which is not a file.
pub fn refuse_existing(path: &Path, existing: Existing) -> Result<()> {
    if path.as_os_str() == "-" {
        return Err(Error::Usage(
            "\"-\" is not a file: name a file, or /dev/stdout to write to the standard output".into(),
        ));
    }
    // A link without a target is also something that exists.
    let is_file = std::fs::symlink_metadata(path).is_ok() && !path.is_dir();
    if is_file && existing == Existing::Refuse && !is_stream(path) {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes a file completely or not at all.
///
/// # Errors
/// As [`check`]. A file that another program created since then is not replaced either.
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    refuse_existing(path, existing)?;
    let failed = |error| write_error(path, &error);
    if is_stream(path) {
        // Not truncated: the standard output may be a file that already has content.
        let mut stream = OpenOptions::new().append(true).open(path).map_err(failed)?;
        return stream.write_all(bytes).map_err(failed);
    }
    let mut draft = Draft::create(path).map_err(failed)?;
    draft.fill(bytes).map_err(failed)?;
    draft.place(existing).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => failed(error),
    })
}

fn exists(path: &Path) -> Error {
    Error::Usage(format!("{} exists already: choose another name, or replace it with --force", path.display()))
}

fn write_error(path: &Path, error: &std::io::Error) -> Error {
    let folder = folder_of(path);
    if error.kind() == ErrorKind::NotFound && !folder.exists() {
        return Error::Failed(format!(
            "writing {}: the folder {} does not exist: create it or choose another path",
            path.display(),
            folder.display()
        ));
    }
    Error::Failed(format!("writing {}: {}", path.display(), io_sentence(error)))
}

/// Reports whether the path is a pipe, a socket or a device, or a name for the standard output.
fn is_stream(path: &Path) -> bool {
    let is_descriptor = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|start| path.starts_with(start));
    std::fs::metadata(path).is_ok_and(|found| !found.is_dir() && (is_descriptor || !found.is_file()))
}

/// Returns the folder of a file. A bare name is in the working directory.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside its later place. Removed when it is dropped before it is placed.
struct Draft {
    file: File,
    draft: PathBuf,
    /// The later place: the target of a link, otherwise the given path.
    place: PathBuf,
}

impl Draft {
    fn create(path: &Path) -> std::io::Result<Draft> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        if path.is_dir() || path.file_name().is_none() {
            return Err(ErrorKind::IsADirectory.into());
        }
        // Reports a name that is too long or has a forbidden character.
        if let Err(error) = std::fs::symlink_metadata(path)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        // Replacing the target leaves the link in place.
        let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let draft = folder_of(&place).join(format!(".lectern-{}-{number}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
        let draft = Draft { file, draft, place };
        // A replaced file keeps its permissions.
        if let Ok(old) = std::fs::metadata(&draft.place) {
            draft.file.set_permissions(old.permissions())?;
        }
        Ok(draft)
    }

    fn fill(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()
    }

    /// Gives the complete file its name.
    fn place(self, existing: Existing) -> std::io::Result<()> {
        if existing == Existing::Refuse {
            // Unlike a rename, a hard link never replaces a file.
            match std::fs::hard_link(&self.draft, &self.place) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                // Some file systems have no hard links.
                Err(_) if self.place.exists() => return Err(ErrorKind::AlreadyExists.into()),
                Err(_) => {}
                Ok(()) => return self.remove(),
            }
        }
        std::fs::rename(&self.draft, &self.place)
    }

    fn remove(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename or a removal there is nothing left.
        let _ = std::fs::remove_file(&self.draft);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    fn sentence(result: Result<()>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    #[test]
    fn existing_file_is_replaced_only_by_choice() -> TestResult {
        let folder = tempfile::tempdir()?;
        let (new, old) = (folder.path().join("new.xlsx"), folder.path().join("old.xlsx"));
        std::fs::write(&old, "as it was")?;
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640))?;
        check(&new, Existing::Refuse)?;
        check(&old, Existing::Replace)?;
        for refused in [check(&old, Existing::Refuse), write(&old, b"other", Existing::Refuse)] {
            assert!(sentence(refused).contains("--force"));
        }
        assert_eq!(std::fs::read_to_string(&old)?, "as it was");
        write(&new, b"a report", Existing::Refuse)?;
        write(&old, b"another", Existing::Replace)?;
        assert_eq!(
            (std::fs::read_to_string(&new)?, std::fs::read_to_string(&old)?),
            ("a report".into(), "another".into())
        );
        assert_eq!(std::fs::metadata(&old)?.permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["new.xlsx", "old.xlsx"], "no draft is left");
        Ok(())
    }

    #[test]
    fn link_is_an_existing_file_and_stays_a_link() -> TestResult {
        let folder = tempfile::tempdir()?;
        let (target, link, dangling) =
            (folder.path().join("target"), folder.path().join("link"), folder.path().join("dangling"));
        std::fs::write(&target, "as it was")?;
        symlink(&target, &link)?;
        symlink(folder.path().join("nowhere"), &dangling)?;
        for path in [&link, &dangling] {
            assert!(sentence(check(path, Existing::Refuse)).contains("--force"), "{}", path.display());
        }
        write(&link, b"new", Existing::Replace)?;
        assert_eq!(std::fs::read_to_string(&target)?, "new");
        assert!(std::fs::symlink_metadata(&link)?.is_symlink());
        Ok(())
    }

    #[test]
    fn wrong_path_is_refused_with_advice() -> TestResult {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("file");
        std::fs::write(&file, "")?;
        for (wrong, expected) in [
            (folder.path().to_owned(), "this is a folder"),
            (file.join("report.xlsx"), "a part of this path is a file"),
            (folder.path().join("missing/report.xlsx"), "missing does not exist: create it"),
            (folder.path().join("x".repeat(300)), "the name is too long"),
            ("/proc/nope/report.xlsx".into(), "does not exist"),
            ("-".into(), "/dev/stdout"),
        ] {
            for existing in [Existing::Refuse, Existing::Replace] {
                let sentence = sentence(check(&wrong, existing));
                assert!(sentence.contains(expected), "{}: {sentence}", wrong.display());
            }
        }
        assert_eq!(names(folder.path()), ["file"]);
        Ok(())
    }

    #[test]
    fn device_is_written_directly() -> TestResult {
        check("/dev/null".as_ref(), Existing::Refuse)?;
        write("/dev/null".as_ref(), b"a report", Existing::Refuse)?;
        assert!(sentence(write("/dev/full".as_ref(), b"a report", Existing::Refuse)).contains("the disk is full"));
        Ok(())
    }
}
