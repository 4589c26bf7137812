//! The folders and files of the private cluster.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::owner::Owner;
use crate::error::{Error, Result};
use crate::files::{self, OpenMode};

/// The longest folder of a socket, in bytes. PostgreSQL appends `/.s.PGSQL.5432`, and the whole path must fit into
/// `sockaddr_un`.
const MAX_SOCKET_FOLDER_BYTES: usize = 80;

/// The file with the path of the socket's folder, if that is not in the data folder.
const SOCKET_FOLDER_FILE: &str = "socket-folder";

/// The longest stored path that is read, in bytes.
const MAX_STORED_BYTES: u64 = 4096;

/// Creates the data folder and checks that the owner of the cluster can enter it. Returns its real path.
pub(super) fn prepare_data_dir(data_dir: &Path, owner: &Owner) -> Result<PathBuf> {
    files::data_folder(data_dir)?;
    let data_dir = data_dir.canonicalize().map_err(|error| Error::io("opening the data folder", data_dir, &error))?;
    if owner.is_other_user()
        && let Some(folder) = data_dir.ancestors().find(|folder| !can_others_enter(folder))
    {
        return Err(Error::Failed(format!(
            "as root the database runs as another user, who cannot enter {}: choose another --data-dir",
            folder.display()
        )));
    }
    Ok(data_dir)
}

fn can_others_enter(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
}

/// Returns the folder of the socket that the owner of the lock uses or creates: `run` in the data folder or, if that
/// path is too long, a folder with an unpredictable name, which a file of the data folder names.
///
/// # Errors
/// When the folder cannot be created or is not private.
pub(super) fn create_socket_folder(data_dir: &Path, owner: &Owner) -> Result<PathBuf> {
    let local = data_dir.join("run");
    if is_short(&local) {
        files::owned_folder(&local, owner.of_files())?;
        return Ok(local);
    }
    if let Some(known) = socket_folder(data_dir, owner)? {
        return Ok(known);
    }
    // The folder of the last server, which other processes still use, and then new names.
    let known = stored_socket_folder(data_dir)?;
    let new =
        socket_parents().into_iter().map(|parent| parent.join(format!("lectern-{}", files::unpredictable_name())));
    let mut reason = "no folder for sockets exists".to_owned();
    for folder in known.into_iter().chain(new).filter(|folder| is_short(folder)) {
        match files::create_new_folder(&folder, owner.of_files()) {
            Ok(()) => {
                let text = folder.to_string_lossy();
                files::write_file(&data_dir.join(SOCKET_FOLDER_FILE), text.as_bytes(), None)?;
                return Ok(folder);
            }
            Err(error) => reason = Error::io("creating the folder", &folder, &error).to_string(),
        }
    }
    Err(Error::Failed(format!("{reason}; or choose a --data-dir with a shorter path than {}", data_dir.display())))
}

/// Returns the existing folder of the socket, or none if no server has run since the last start of the machine.
pub(super) fn socket_folder(data_dir: &Path, owner: &Owner) -> Result<Option<PathBuf>> {
    let local = data_dir.join("run");
    let folder = if is_short(&local) { Some(local) } else { stored_socket_folder(data_dir)? };
    Ok(folder.filter(|folder| files::is_private_folder(folder, owner.of_files())))
}

fn stored_socket_folder(data_dir: &Path) -> Result<Option<PathBuf>> {
    let path = data_dir.join(SOCKET_FOLDER_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let mut text = String::new();
    let read = files::open_file(&path, OpenMode::Read)?.take(MAX_STORED_BYTES).read_to_string(&mut text);
    read.map_err(|error| Error::io("reading", &path, &error))?;
    Ok(Some(PathBuf::from(text)).filter(|folder| folder.is_absolute() && is_short(folder)))
}

fn is_short(folder: &Path) -> bool {
    folder.as_os_str().len() <= MAX_SOCKET_FOLDER_BYTES
}

/// Returns the folders that may contain the folder of a socket, best first.
fn socket_parents() -> Vec<PathBuf> {
    let own = match Uid::effective().is_root() {
        true => Some(PathBuf::from("/run")),
        false => std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute()),
    };
    own.into_iter().chain([PathBuf::from("/tmp")]).collect()
}

/// The file that the process which runs the server has locked. It contains the id of that process.
#[derive(Debug)]
pub(super) struct ClusterLock(File);

impl ClusterLock {
    pub(super) fn open(data_dir: &Path) -> Result<ClusterLock> {
        files::open_file(&data_dir.join("cluster.lock"), OpenMode::ReadWrite).map(ClusterLock)
    }

    /// Locks the file if no other process has; reports whether it did.
    pub(super) fn try_lock(&mut self) -> bool {
        if self.0.try_lock().is_err() {
            return false;
        }
        let text = std::process::id().to_string();
        // Without room on the disk only the message of a waiting process lacks the id.
        let _ = self.0.set_len(0).and_then(|()| self.0.rewind()).and_then(|()| self.0.write_all(text.as_bytes()));
        true
    }

    /// Returns the id of the process that has locked the file, as far as it is known.
    pub(super) fn holder(&mut self) -> String {
        let mut text = String::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_string(&mut text));
        match (read, text.trim().parse::<u32>()) {
            (Ok(_), Ok(pid)) => format!("process {pid}"),
            _ => "another process".to_owned(),
        }
    }
}

pub(super) fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}

/// The state of the folder of the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ClusterFolder {
    /// There is none, or an empty folder.
    Absent,
    /// A cluster of this major version of PostgreSQL.
    Version(String),
}

/// Inspects the folder of a cluster. Only an absent or empty folder may be created.
///
/// # Errors
/// [`Error::Failed`] for every other folder that is not a complete cluster. Nothing is changed.
pub(super) fn inspect_cluster(cluster: &Path) -> Result<ClusterFolder> {
    let damaged = |reason: String| {
        Error::Failed(format!(
            "the private database in {} cannot be opened: {reason}. Nothing was changed. Repair the folder or restore it \
             from a backup; to start with an empty database instead, move it away: mv '{}' '{}.old'",
            cluster.display(),
            cluster.display(),
            cluster.display()
        ))
    };
    match fs::read_dir(cluster) {
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(cluster).is_err() => {
            return Ok(ClusterFolder::Absent);
        }
        Err(error) => return Err(damaged(error.to_string())),
        Ok(mut entries) => match entries.next() {
            None if fs::symlink_metadata(cluster).is_ok_and(|about| about.is_dir()) => {
                return Ok(ClusterFolder::Absent);
            }
            None => return Err(damaged("it is a link to an empty folder".into())),
            Some(Err(error)) => return Err(damaged(error.to_string())),
            Some(Ok(_)) => {}
        },
    }
    let version_file = cluster.join("PG_VERSION");
    // Reading a pipe would wait for ever.
    if fs::metadata(&version_file).is_ok_and(|about| !about.is_file()) {
        return Err(damaged("PG_VERSION is not a file".into()));
    }
    let version = match fs::read(&version_file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged("it is not empty, but its file PG_VERSION is missing".into()));
        }
        Err(error) => return Err(damaged(format!("PG_VERSION cannot be read: {error}"))),
    };
    if version.is_empty() || version.len() > 4 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(damaged("its file PG_VERSION contains no version of PostgreSQL".into()));
    }
    // `initdb` writes this file after PG_VERSION. Without it there is no data.
    if let Err(error) = fs::metadata(cluster.join("global/pg_control")) {
        let reason = match error.kind() {
            ErrorKind::NotFound => "it is incomplete: its file global/pg_control is missing".to_owned(),
            _ => format!("global/pg_control cannot be read: {error}"),
        };
        return Err(damaged(reason));
    }
    Ok(ClusterFolder::Version(version))
}
