//! The data folder: its owner, modes and links, and the space on its disk.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, Uid, User, access};

use super::{CheckResult, bytes, listed};
use crate::error::{Error, Result};
use crate::files::{data_folder_mode, is_shared_folder, user_name};

const PERMISSIONS: u32 = 0o7777;
/// Permissions of users other than the owner.
const OTHERS: u32 = 0o077;
/// The user who runs the private database for root.
const SERVER_USER: &str = "postgres";

/// What Lectern creates in the data folder. Other files in it are the user's own.
const OWN_ENTRIES: &[&str] = &[
    "postgres",
    "postgres.log",
    "postgres.log.1",
    "run",
    "socket-folder",
    "cluster.lock",
    "demo.lock",
    "pg_hba.conf",
    "pg_ident.conf",
    "uploads",
    "reports",
    "search",
];

/// Below this, PostgreSQL and Lectern may fail at any time.
const MIN_FREE_BYTES: u64 = 1 << 30;
/// Below this percentage space is scarce, unless there is [`PLENTY_BYTES`].
const MIN_FREE_PERCENT: f64 = 5.0;
const PLENTY_BYTES: u64 = 10 << 30;

/// Checks owner, mode and links of the data folder and of what is in it.
pub(super) fn check(path: &Path) -> CheckResult {
    let shown = path.display();
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return absent(path),
        Err(error) => return unreadable(path, &error),
    };
    let own = Uid::effective().as_raw();
    if about.is_symlink() && about.uid() != 0 && about.uid() != own {
        return CheckResult::bad(
            format!("{shown} is a symbolic link of {}", user_name(about.uid())),
            "name another folder with LECTERN_DATA_DIR or --data-dir",
        );
    }
    let (real, about) = match path.canonicalize().and_then(|real| Ok((real.clone(), fs::metadata(&real)?))) {
        Ok(found) => found,
        Err(error) => return unreadable(path, &error),
    };
    if let Some(deviation) = folder_deviation(&real, &about, own) {
        return deviation;
    }
    match content_deviations(&real, own) {
        Err(error) => CheckResult::of_error(&error, "check the permissions of the folder"),
        Ok(deviations) if !deviations.is_empty() => content_result(&real, &deviations),
        Ok(_) => {
            let link = if real == path { String::new() } else { format!(" (a link to {})", real.display()) };
            let mode = about.mode() & PERMISSIONS;
            CheckResult::good(format!("{shown}{link} of {}, mode {mode:04o}", user_name(about.uid())))
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CheckResult {
    CheckResult::of_error(&Error::io("opening the data folder", path, error), "check the path")
}

fn absent(path: &Path) -> CheckResult {
    let parent = existing_ancestor(path);
    match access(&parent, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => CheckResult::good(format!("{} does not exist yet: a command creates it when needed", path.display())),
        Err(_) => CheckResult::bad(
            format!("{} does not exist, and {} cannot create it", path.display(), own_name()),
            format!("create it for {} with mode 0700, or name another folder with LECTERN_DATA_DIR", own_name()),
        ),
    }
}

fn own_name() -> String {
    user_name(Uid::effective().as_raw())
}

fn folder_deviation(real: &Path, about: &Metadata, own: u32) -> Option<CheckResult> {
    let shown = real.display();
    if !about.is_dir() {
        return Some(CheckResult::bad(format!("{shown} is not a folder"), "move it away, or set LECTERN_DATA_DIR"));
    }
    if is_shared_folder(real) {
        return Some(CheckResult::bad(
            format!("{shown} is used by the whole machine"),
            format!("set LECTERN_DATA_DIR to a folder of its own, such as {}", real.join("lectern").display()),
        ));
    }
    if about.uid() != own {
        return Some(CheckResult::bad(
            format!("{shown} belongs to {}, but Lectern runs as {}", user_name(about.uid()), user_name(own)),
            format!("run Lectern as {}, or set LECTERN_DATA_DIR to a folder of {}", user_name(about.uid()), own_name()),
        ));
    }
    let (mode, expected) = (about.mode() & PERMISSIONS, data_folder_mode());
    // The first command that uses a folder closes it.
    let is_used = OWN_ENTRIES.iter().any(|name| real.join(name).symlink_metadata().is_ok());
    (is_used && mode & !expected != 0).then(|| {
        CheckResult::bad(
            format!("{shown} has mode {mode:04o}: other users can see what is in it"),
            format!("chmod {expected:04o} '{shown}'"),
        )
    })
}

/// Something in the data folder that must not be as it is.
struct Deviation {
    path: PathBuf,
    kind: DeviationKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DeviationKind {
    Link,
    Owner(u32),
    Mode(u32),
}

fn content_deviations(real: &Path, own: u32) -> Result<Vec<Deviation>> {
    let server = match Uid::effective().is_root() {
        true => User::from_name(SERVER_USER).ok().flatten().map(|user| user.uid.as_raw()),
        false => None,
    };
    let mut found = Vec::new();
    for path in OWN_ENTRIES.iter().map(|name| real.join(name)) {
        let about = match fs::symlink_metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::io("reading", &path, &error)),
        };
        let mode = about.mode() & PERMISSIONS;
        let kind = match () {
            () if about.is_symlink() => DeviationKind::Link,
            () if about.uid() != own && Some(about.uid()) != server => DeviationKind::Owner(about.uid()),
            () if mode & OTHERS != 0 => DeviationKind::Mode(mode),
            () => continue,
        };
        found.push(Deviation { path, kind });
    }
    Ok(found)
}

fn content_result(real: &Path, deviations: &[Deviation]) -> CheckResult {
    let name = |deviation: &Deviation| deviation.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let described = deviations.iter().map(|deviation| match deviation.kind {
        DeviationKind::Link => format!("{} is a symbolic link", name(deviation)),
        DeviationKind::Owner(uid) => format!("{} belongs to {}", name(deviation), user_name(uid)),
        DeviationKind::Mode(mode) => format!("other users can open {} (mode {mode:04o})", name(deviation)),
    });
    let detail = format!("in {}: {}", real.display(), listed(&described.collect::<Vec<_>>()));
    let paths = |is_kind: fn(DeviationKind) -> bool| {
        let paths = deviations.iter().filter(|deviation| is_kind(deviation.kind));
        paths.map(|deviation| format!("'{}'", deviation.path.display())).collect::<Vec<_>>().join(" ")
    };
    let mut fixes = Vec::new();
    for (paths, action) in [
        (paths(|kind| matches!(kind, DeviationKind::Mode(_))), "chmod go-rwx"),
        (paths(|kind| matches!(kind, DeviationKind::Owner(_))), "give to the user of Lectern (chown), or move away:"),
        (paths(|kind| kind == DeviationKind::Link), "replace by a real file or folder:"),
    ] {
        if !paths.is_empty() {
            fixes.push(format!("{action} {paths}"));
        }
    }
    CheckResult::bad(detail, fixes.join("; "))
}

/// Checks the free space of the disk that contains the data folder, or will contain it.
pub(super) fn check_disk(path: &Path) -> CheckResult {
    let folder = existing_ancestor(path);
    let stats = match statvfs(&folder) {
        Ok(stats) => stats,
        Err(error) => {
            let detail = format!("the space on the disk of {} cannot be read: {error}", folder.display());
            return CheckResult::bad(detail, "check that the disk is mounted");
        }
    };
    // The types differ between systems.
    #[allow(clippy::useless_conversion)]
    let (free, total, unit) =
        (u64::from(stats.blocks_available()), u64::from(stats.blocks()), u64::from(stats.fragment_size()));
    #[allow(clippy::useless_conversion)]
    let (free_files, files) = (u64::from(stats.files_available()), u64::from(stats.files()));
    let space = Space {
        free: free.saturating_mul(unit),
        total: total.saturating_mul(unit),
        // Some file systems have no such limit.
        has_files: files == 0 || free_files > 1000,
    };
    space.result(&folder)
}

/// The space on a disk, in bytes.
struct Space {
    free: u64,
    total: u64,
    has_files: bool,
}

impl Space {
    fn result(&self, folder: &Path) -> CheckResult {
        let percent = if self.total == 0 { 0.0 } else { self.free as f64 * 100.0 / self.total as f64 };
        let detail =
            format!("{} of {} free ({percent:.0} %) at {}", bytes(self.free), bytes(self.total), folder.display());
        let is_scarce = self.free < MIN_FREE_BYTES || percent < MIN_FREE_PERCENT && self.free < PLENTY_BYTES;
        match (is_scarce, self.has_files) {
            (false, true) => CheckResult::good(detail),
            (true, _) => CheckResult::bad(detail, "free some space, or move the data folder to a larger disk"),
            (false, false) => CheckResult::bad(
                format!("{detail}, but the file system can hold no more files"),
                "delete files that are not needed, or move the data folder to another file system",
            ),
        }
    }
}

fn existing_ancestor(path: &Path) -> PathBuf {
    path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scarce_space_is_a_deviation() {
        const GB: u64 = 1 << 30;
        for (free, total, has_files, expected) in [
            (50 * GB, 100 * GB, true, true),
            (40 * GB, 4000 * GB, true, true),
            (8 * GB, 20 * GB, true, true),
            (4 * GB, 100 * GB, true, false),
            (GB / 2, GB, true, false),
            (50 * GB, 100 * GB, false, false),
            (0, 0, true, false),
        ] {
            let result = Space { free, total, has_files }.result(Path::new("/data"));
            assert_eq!((result.ok, result.fix.is_none()), (expected, expected), "{free} of {total}: {}", result.detail);
        }
    }
}
