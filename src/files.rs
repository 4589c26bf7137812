//! Folders and files that only this user can read: the data folder and everything in it.
//!
//! Modes are set explicitly, so the umask has no influence. A folder or file of another user is refused, and so is a
//! symbolic link, because another user may have put it there. Files are written beside the old one and then renamed.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{Error as IoError, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, User};

use crate::error::{Error, Result};

const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// The mode of a folder that other users may pass but not list.
const PASSABLE_FOLDER: u32 = 0o711;
/// Bits of a mode that a user may choose: not the type of the file.
const MODE_BITS: u32 = 0o7777;
const STICKY: u32 = 0o1000;
/// How the name of a file ends that is being written.
const DRAFT_END: &str = ".new";
/// The age from which such a file has no writer any more.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// Folders that belong to the whole machine. Their mode must never change.
const SHARED_FOLDERS: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/dev/shm",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// A user and group that may own a folder instead of the user of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderOwner {
    pub uid: Uid,
    pub gid: Gid,
}

/// Creates the data folder, or checks and tightens an existing one.
///
/// Only this user can list it. As root, other users can pass it, because the database server runs as one of them.
///
/// # Errors
/// [`Error::Failed`] when the folder belongs to another user or to the whole machine, or cannot be created.
pub fn data_folder(path: &Path) -> Result<()> {
    let mode = data_folder_mode();
    let created = create_with_parents(path, mode)?;
    let real = path.canonicalize().map_err(|error| Error::io("opening the data folder", path, &error))?;
    check_link(path)?;
    if is_shared_folder(&real) {
        return Err(refused(&real, "is used by the whole machine", &advice_own_folder(&real)));
    }
    let advice = format!(
        "run Lectern as that user, or choose another folder with --data-dir, such as {}",
        real.join("lectern").display()
    );
    // Before the folder is opened, which may be forbidden, and again for what was opened.
    let about = fs::symlink_metadata(&real).map_err(|error| Error::io("opening the data folder", &real, &error))?;
    check_owner(&about, &real, &[], &advice)?;
    let folder = open_folder(&real)?;
    let about = stat(&folder, &real)?;
    check_owner(&about, &real, &[], &advice)?;
    if !created && about.mode() & STICKY != 0 {
        return Err(refused(&real, "is shared with other users", &advice_own_folder(&real)));
    }
    set_mode(&folder, &about, mode, &real)
}

/// Returns the mode of the data folder of this user.
pub fn data_folder_mode() -> u32 {
    if Uid::effective().is_root() { PASSABLE_FOLDER } else { PRIVATE_FOLDER }
}

/// Reports whether a real path is a folder that belongs to the whole machine.
pub fn is_shared_folder(real: &Path) -> bool {
    SHARED_FOLDERS.iter().any(|shared| Path::new(shared) == real)
}

/// Creates a folder that only this user can enter, or checks and tightens an existing one. Its parent must exist.
///
/// # Errors
/// [`Error::Failed`] when the path is a link, no folder, or belongs to another user.
pub fn private_folder(path: &Path) -> Result<()> {
    owned_folder(path, None)
}

/// Like [`private_folder`], for a folder that another user owns, such as the one who runs the database server.
///
/// # Errors
/// Like [`private_folder`].
pub fn owned_folder(path: &Path, owner: Option<FolderOwner>) -> Result<()> {
    match create_one(path, PRIVATE_FOLDER) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::io("creating the folder", path, &error));
        }
        _ => {}
    }
    let folder = open_folder(path)?;
    let about = stat(&folder, path)?;
    let allowed: Vec<Uid> = owner.iter().map(|owner| owner.uid).collect();
    check_owner(&about, path, &allowed, "move it away, or choose another --data-dir")?;
    // The mode first: afterwards another user owns the folder.
    set_mode(&folder, &about, PRIVATE_FOLDER, path)?;
    give_to(&folder, &about, owner).map_err(|error| Error::io("changing the owner of", path, &error))
}

/// Creates a private folder at a path where nothing may exist yet, not even an empty folder.
///
/// # Errors
/// The error of the file system; `AlreadyExists` when the path is taken.
pub fn create_new_folder(path: &Path, owner: Option<FolderOwner>) -> std::io::Result<()> {
    create_one(path, PRIVATE_FOLDER)?;
    let folder = open_no_follow(path)?;
    give_to(&folder, &folder.metadata()?, owner)
}

/// Reports whether a path is a folder, no link, of one of the allowed users and closed for all others.
pub fn is_private_folder(path: &Path, owner: Option<FolderOwner>) -> bool {
    let is_allowed = |uid: u32| uid == Uid::effective().as_raw() || owner.is_some_and(|o| o.uid.as_raw() == uid);
    fs::symlink_metadata(path)
        .is_ok_and(|about| about.is_dir() && is_allowed(about.uid()) && about.mode() & MODE_BITS == PRIVATE_FOLDER)
}

/// How [`open_file`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Reads an existing file.
    Read,
    /// Creates the file if necessary. Its content stays.
    ReadWrite,
    /// Creates the file if necessary and appends.
    Append,
    /// Creates the file if necessary and removes its content.
    Truncate,
}

/// Opens a file that only this user can read. The mode of an existing file is corrected.
///
/// # Errors
/// [`Error::Failed`] when the path is a link or no file, or belongs to another user.
pub fn open_file(path: &Path, mode: OpenMode) -> Result<File> {
    let mut options = OpenOptions::new();
    match mode {
        OpenMode::Read => options.read(true),
        OpenMode::ReadWrite | OpenMode::Truncate => options.read(true).write(true).create(true).truncate(false),
        OpenMode::Append => options.append(true).create(true),
    };
    // Without blocking, a pipe that was put here cannot stop the program.
    options.mode(PRIVATE_FILE).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    let file = options.open(path).map_err(|error| link_error("opening", path, &error))?;
    let about = stat(&file, path)?;
    if !about.is_file() {
        return Err(refused(path, "is not a regular file", "move it away"));
    }
    check_owner(&about, path, &[], "move it away, or choose another folder")?;
    if mode != OpenMode::Read {
        set_mode(&file, &about, PRIVATE_FILE, path)?;
    }
    if mode == OpenMode::Truncate {
        file.set_len(0).map_err(|error| Error::io("writing", path, &error))?;
    }
    Ok(file)
}

/// Writes a file that only its owner can read: beside the old one, then renamed. Of several that write at the same time, the
/// file is that of one of them, complete.
///
/// # Errors
/// [`Error::Failed`] with the reason. The old file then stays as it was.
pub fn write_file(path: &Path, bytes: &[u8], owner: Option<FolderOwner>) -> Result<()> {
    remove_abandoned_drafts(path);
    // A name of its own: another writer would remove or rename the draft of this one.
    let draft = path.with_file_name(format!("{}{}{DRAFT_END}", draft_start(path), unpredictable_name()));
    let written = write_draft(&draft, bytes, owner).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(|error| Error::io("writing", path, &error))
}

fn draft_start(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what killed processes have left beside a file.
fn remove_abandoned_drafts(path: &Path) {
    let start = draft_start(path);
    let Some(Ok(entries)) = path.parent().map(fs::read_dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_draft = name.to_str().is_some_and(|name| name.starts_with(&start) && name.ends_with(DRAFT_END));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_draft && age().is_some_and(|age| age > ABANDONED_AFTER) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write_draft(draft: &Path, bytes: &[u8], owner: Option<FolderOwner>) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(draft)?;
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
    file.write_all(bytes)?;
    give_to(&file, &file.metadata()?, owner)?;
    file.sync_all()
}

/// Waits until the names in a folder are on disk.
///
/// # Errors
/// The error of the file system.
pub fn sync_folder(path: &Path) -> std::io::Result<()> {
    open_no_follow(path)?.sync_all()
}

/// Returns a text that other processes cannot predict, for a name.
pub fn unpredictable_name() -> String {
    use administrate::Randomness;
    format!("{:016x}", administrate::OsRandomness.next_u64())
}

/// Creates a folder and its missing parents; reports whether it was created.
fn create_with_parents(path: &Path, mode: u32) -> Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    let missing: Vec<PathBuf> = path.ancestors().take_while(|folder| !folder.exists()).map(Path::to_path_buf).collect();
    // Another user runs the database of root and must pass the parents.
    let parent_mode = if Uid::effective().is_root() { 0o755 } else { PRIVATE_FOLDER };
    for folder in missing.iter().rev() {
        let mode = if folder == path { mode } else { parent_mode };
        match create_one(folder, mode) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io("creating the folder", folder, &error));
            }
            _ => {}
        }
    }
    Ok(true)
}

/// Creates a folder with exactly this mode.
fn create_one(path: &Path, mode: u32) -> std::io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    open_no_follow(path)?.set_permissions(Permissions::from_mode(mode))
}

fn open_no_follow(path: &Path) -> std::io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

fn open_folder(path: &Path) -> Result<File> {
    open_no_follow(path).map_err(|error| link_error("opening the folder", path, &error))
}

fn stat(file: &File, path: &Path) -> Result<Metadata> {
    file.metadata().map_err(|error| Error::io("reading", path, &error))
}

/// Checks that a path is no link, or a link of this user or root.
fn check_link(path: &Path) -> Result<()> {
    let about = fs::symlink_metadata(path).map_err(|error| Error::io("opening", path, &error))?;
    if about.is_symlink() && about.uid() != 0 && about.uid() != Uid::effective().as_raw() {
        let reason = format!("is a symbolic link of {}", user_name(about.uid()));
        return Err(refused(path, &reason, "choose another --data-dir"));
    }
    Ok(())
}

fn check_owner(about: &Metadata, path: &Path, others: &[Uid], advice: &str) -> Result<()> {
    let is_allowed = |uid: u32| uid == Uid::effective().as_raw() || others.iter().any(|other| other.as_raw() == uid);
    if is_allowed(about.uid()) {
        return Ok(());
    }
    let reason = format!("belongs to {}, not to {}", user_name(about.uid()), user_name(Uid::effective().as_raw()));
    Err(refused(path, &reason, advice))
}

fn set_mode(file: &File, about: &Metadata, mode: u32, path: &Path) -> Result<()> {
    if about.mode() & MODE_BITS == mode || about.uid() != Uid::effective().as_raw() && !Uid::effective().is_root() {
        return Ok(());
    }
    let set = file.set_permissions(Permissions::from_mode(mode));
    set.map_err(|error| Error::io("changing the permissions of", path, &error))
}

fn give_to(file: &File, about: &Metadata, owner: Option<FolderOwner>) -> std::io::Result<()> {
    match owner {
        Some(owner) if about.uid() != owner.uid.as_raw() => {
            fchown(file, Some(owner.uid.as_raw()), Some(owner.gid.as_raw()))
        }
        _ => Ok(()),
    }
}

fn link_error(action: &str, path: &Path, error: &IoError) -> Error {
    let is_link = fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    match is_link {
        true => refused(path, "is a symbolic link", "replace it by a real file or folder"),
        false => Error::io(action, path, error),
    }
}

fn advice_own_folder(path: &Path) -> String {
    format!("choose a folder of its own with --data-dir, such as {}", path.join("lectern").display())
}

fn refused(path: &Path, reason: &str, advice: &str) -> Error {
    let message = format!("{} {reason}: {advice}", path.display());
    Error::File { message, reason: reason.to_owned(), is_disk_full: false }
}

/// Returns the name of a user, or the number if the user has none.
pub fn user_name(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => format!("user {}", user.name),
        _ => format!("user {uid}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn file_of_several_writers_is_always_complete() -> std::result::Result<(), Box<dyn std::error::Error>> {
        const WRITERS: u8 = 8;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("rows");
        let is_complete = |bytes: &[u8]| bytes.len() == 50_000 && bytes.iter().all(|byte| *byte == bytes[0]);
        std::thread::scope(|scope| {
            let write = |writer: u8| {
                (0..40).try_for_each(|_| {
                    write_file(&path, &[writer; 50_000], None)?;
                    let bytes = fs::read(&path).map_err(|error| Error::io("reading", &path, &error))?;
                    if is_complete(&bytes) { Ok(()) } else { Err(Error::Failed("a part of a file".into())) }
                })
            };
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            for writer in writers {
                writer.join().map_err(|_| "a panic")??;
            }
            Ok::<(), Box<dyn std::error::Error>>(())
        })?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "no draft is left");
        Ok(())
    }

    #[test]
    fn drafts_of_killed_processes_are_removed() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("rows");
        let (old, recent) = (folder.path().join(".rows.0.new"), folder.path().join(".rows.1.new"));
        for (draft, age) in [(&old, 2 * ABANDONED_AFTER), (&recent, Duration::ZERO)] {
            File::create(draft)?.set_modified(SystemTime::now() - age)?;
        }
        write_file(&path, b"complete", None)?;
        assert_eq!((path.exists(), old.exists(), recent.exists()), (true, false, true));
        Ok(())
    }
}
