//! The folders and files of the private cluster.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::owner::Owner;
use crate::error::{Error, Result};

/// The longest folder of a socket, in bytes. PostgreSQL appends `/.s.PGSQL.5432`, and the whole path must fit into
/// `sockaddr_un`.
const MAX_SOCKET_FOLDER_BYTES: usize = 80;

/// Creates the data folder and checks that this process can write to it and the owner can enter it.
pub(super) fn prepare_data_dir(data_dir: &Path, owner: &Owner) -> Result<()> {
    fs::create_dir_all(data_dir).map_err(|error| Error::io("creating the data folder", data_dir, &error))?;
    let probe = data_dir.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| Error::io("writing to the data folder", data_dir, &error))?;
    if owner.is_other_user() {
        let data_dir = data_dir.canonicalize().unwrap_or_else(|_| data_dir.into());
        if let Some(folder) = data_dir.ancestors().find(|folder| !can_others_enter(folder)) {
            return Err(Error::Failed(format!(
                "as root the database runs as another user, who cannot enter {}: choose another --data-dir",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn can_others_enter(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
}

/// Creates and returns the folder of the socket: `run` in the data folder, or a folder under `/tmp` if that path is too
/// long.
pub(super) fn socket_folder(data_dir: &Path, owner: &Owner) -> Result<PathBuf> {
    let data_dir = data_dir.canonicalize().map_err(|error| Error::io("reading", data_dir, &error))?;
    let local = data_dir.join("run");
    let folder = if local.as_os_str().len() <= MAX_SOCKET_FOLDER_BYTES {
        local
    } else {
        let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
        let name = hex::encode(&digest[..8]);
        Path::new("/tmp").join(format!("lectern-{}-{name}", Uid::effective()))
    };
    owner.create_private_folder(&folder)?;
    Ok(folder)
}

pub(super) fn open_lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("cluster.lock");
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::io("opening", &path, &error))
}

pub(super) fn log_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}
