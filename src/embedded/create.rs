//! Creates a cluster: beside its final path, and renamed when it is complete.
//!
//! A start that was interrupted leaves a folder `postgres.new-…` with a marker. It never contains data of the provider, so
//! the next start deletes it. Nothing else is ever deleted.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::owner::Owner;
use super::store::ADMIN;
use crate::error::{Error, Result};
use crate::files::{self, OpenMode};

const UNFINISHED: &str = "postgres.new-";
const MARKER: &str = "unfinished";
const MARKER_TEXT: &[u8] = b"Lectern was interrupted while it created a database here. It deletes this folder.\n";

/// Whether the files of `initdb` are written to disk at once. It would take many seconds for each file alone.
const IS_SYNCED_AT_ONCE: bool = cfg!(target_os = "linux");

/// Waits until everything that `initdb` wrote is on disk.
#[cfg(target_os = "linux")]
fn sync(folder: &Path) -> std::io::Result<()> {
    Ok(nix::unistd::syncfs(fs::File::open(folder)?)?)
}

/// `initdb` has done so itself.
#[cfg(not(target_os = "linux"))]
fn sync(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Creates the cluster. The caller has locked the data folder.
///
/// # Errors
/// [`Error::Failed`] with the reason of `initdb`.
pub(super) fn create_cluster(bin: &Path, data_dir: &Path, owner: &Owner, durable: bool) -> Result<()> {
    let folder = data_dir.join(format!("{UNFINISHED}{}", files::unpredictable_name()));
    let failed = |error| Error::io("creating the folder", &folder, &error);
    files::create_new_folder(&folder, owner.of_files()).map_err(failed)?;
    let created = fill(bin, &folder, data_dir, owner, durable);
    // This process has just created the folder.
    let _ = fs::remove_dir_all(&folder);
    created
}

fn fill(bin: &Path, folder: &Path, data_dir: &Path, owner: &Owner, durable: bool) -> Result<()> {
    let marker = folder.join(MARKER);
    let marked = files::open_file(&marker, OpenMode::Truncate)?.write_all(MARKER_TEXT);
    marked.map_err(|error| Error::io("writing", &marker, &error))?;
    let (new, cluster) = (folder.join("cluster"), data_dir.join("postgres"));
    files::create_new_folder(&new, owner.of_files()).map_err(|error| Error::io("creating the folder", &new, &error))?;
    run_initdb(bin, &new, &cluster, owner, durable)?;
    if durable {
        sync(&new).map_err(|error| Error::io("writing", &new, &error))?;
    }
    // The rename fails if the path has meanwhile been filled.
    fs::rename(&new, &cluster)
        .and_then(|()| files::sync_folder(data_dir))
        .map_err(|error| Error::io("creating the private database in", &cluster, &error))
}

fn run_initdb(bin: &Path, new: &Path, cluster: &Path, owner: &Owner, durable: bool) -> Result<()> {
    let mut command = owner.command(&bin.join("initdb"));
    command.arg("-D").arg(new).args(["-U", ADMIN, "-A", "peer", "-E", "UTF8"]);
    command.args(["--no-locale", "--data-checksums", "--no-instructions"]);
    if !durable || IS_SYNCED_AT_ONCE {
        command.arg("--no-sync");
    }
    let output = command.stdout(Stdio::null()).output();
    let output = output.map_err(|error| Error::io("running", &bin.join("initdb"), &error))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = super::log::reason_in(&String::from_utf8_lossy(&output.stderr))
        .unwrap_or_else(|| format!("initdb ended with {}", output.status));
    Err(Error::Failed(format!("the private database cannot be created in {}: {reason}", cluster.display())))
}

/// Deletes what interrupted starts left. What cannot be deleted stays; it has no effect. The caller has locked the data
/// folder.
pub(super) fn remove_unfinished(data_dir: &Path, owner: &Owner) {
    for folder in unfinished_folders(data_dir) {
        let has_marker = fs::symlink_metadata(folder.join(MARKER)).is_ok_and(|about| about.is_file());
        let removed = match has_marker && files::is_private_folder(&folder, owner.of_files()) {
            true => remove_marked(&folder),
            // Interrupted before the marker was written: the folder is empty.
            false => fs::remove_dir(&folder),
        };
        if let Err(error) = removed {
            tracing::debug!(%error, folder = %folder.display(), "an unfinished database was not removed");
        }
    }
}

/// Deletes the marker last: an orphaned `initdb` may still write, and the next start must recognise the rest.
fn remove_marked(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_name() == MARKER {
            true => {}
            false if entry.file_type()?.is_dir() => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_file(folder.join(MARKER))?;
    fs::remove_dir(folder)
}

fn unfinished_folders(data_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data_dir).into_iter().flatten().flatten();
    let is_unfinished = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(UNFINISHED);
    entries.filter(|entry| is_unfinished(&entry.file_name())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_of_an_unfinished_folder_is_deleted_last() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("postgres.new-1");
        fs::create_dir_all(folder.join("data/base")).expect("folders");
        fs::write(folder.join(MARKER), MARKER_TEXT).expect("a file");
        fs::write(folder.join("data/PG_VERSION"), "15").expect("a file");
        remove_marked(&folder).expect("removed");
        assert!(!folder.exists());
        fs::create_dir_all(folder.join("data")).expect("folders");
        assert!(remove_marked(&folder).is_err(), "without a marker");
        assert!(folder.exists());
    }
}
