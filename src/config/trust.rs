//! Whether a settings file may be believed: its settings name programs that Lectern runs and where secrets are sent.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Group, Uid, User};

use crate::error::{Error, Result};
use crate::files::user_name;

const GROUP_WRITABLE: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Reads the settings file of the working directory, if it exists.
///
/// # Errors
/// [`Error::Usage`] when another user could have written it.
pub(super) fn read_found(path: &Path) -> Result<Option<String>> {
    // Without blocking, a pipe that was put here cannot stop the program.
    let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(path, &error)),
    };
    check(path, &file)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| read_error(path, &error))?;
    Ok(Some(text))
}

/// Reads a settings file that the user named. The user decides whose file to use, but not one that everybody can write.
///
/// # Errors
/// [`Error::Usage`] when it cannot be read or every user can write it.
pub(super) fn read_named(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|error| read_error(path, &error))?;
    let about = file.metadata().map_err(|error| read_error(path, &error))?;
    if about.is_file() && about.mode() & WRITABLE_BY_ALL != 0 {
        return Err(refused(path, "every user can write it", &chmod(path)));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| read_error(path, &error))?;
    Ok(text)
}

fn read_error(path: &Path, error: &std::io::Error) -> Error {
    Error::Usage(Error::io("reading the settings file", path, error).to_string())
}

fn check(path: &Path, file: &File) -> Result<()> {
    let about = file.metadata().map_err(|error| read_error(path, &error))?;
    if !about.is_file() {
        return Err(refused(path, "it is not a regular file", "remove it, or name the settings file with --config"));
    }
    check_writers(path, path, &about, "it")?;
    // Who can write the folder can replace the file. A link has two folders.
    let real = path.canonicalize().map_err(|error| read_error(path, &error))?;
    for folder in [parent_of(path), parent_of(&real)] {
        let about = fs::metadata(&folder).map_err(|error| read_error(&folder, &error))?;
        let subject = format!("its folder {}", folder.canonicalize().unwrap_or_else(|_| folder.clone()).display());
        check_writers(path, &folder, &about, &subject)?;
    }
    Ok(())
}

fn parent_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).into()
}

/// Checks that only root and this user can write `checked`: the settings file at `path` or its folder.
fn check_writers(path: &Path, checked: &Path, about: &Metadata, subject: &str) -> Result<()> {
    const OTHERWISE: &str = "name it with --config if you trust it, or start Lectern in another folder";
    let caller = Uid::effective();
    let chmod = || format!("{}, {OTHERWISE}", chmod(checked));
    let (reason, advice) = if about.uid() != 0 && about.uid() != caller.as_raw() {
        (format!("{subject} belongs to {}", user_name(about.uid())), OTHERWISE.to_owned())
    } else if about.mode() & WRITABLE_BY_ALL != 0 {
        (format!("every user can write {subject}"), chmod())
    } else if about.mode() & GROUP_WRITABLE != 0 && !is_own_group(Gid::from_raw(about.gid()), caller) {
        (format!("other users of its group can write {subject}"), chmod())
    } else {
        return Ok(());
    };
    Err(refused(path, &reason, &advice))
}

/// Reports whether a group is the private one of an ordinary user, in which no other user is.
fn is_own_group(group: Gid, caller: Uid) -> bool {
    let (Ok(Some(user)), Ok(Some(group))) = (User::from_uid(caller), Group::from_gid(group)) else { return false };
    !caller.is_root()
        && user.gid == group.gid
        && user.name == group.name
        && group.mem.iter().all(|name| *name == user.name)
}

fn chmod(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.into());
    format!("run chmod go-w '{}'", path.display())
}

fn refused(path: &Path, reason: &str, advice: &str) -> Error {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    Error::Usage(format!("the settings file {} is not read, because {reason}: {advice}", path.display()))
}
