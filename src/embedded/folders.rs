//! The folders and files that the cluster needs.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::owner::Owner;
use crate::error::{Error, Result};

/// A socket's path must fit into `sockaddr_un`; PostgreSQL appends `/.s.PGSQL.5432`.
const LONGEST_SOCKET_FOLDER: usize = 80;

pub(super) fn prepare_data_dir(data_dir: &Path, owner: &Owner) -> Result<()> {
    fs::create_dir_all(data_dir).map_err(|error| Error::io("preparing the data folder", data_dir, &error))?;
    let probe = data_dir.join(".writable");
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| Error::io("the data folder cannot be written:", data_dir, &error))?;
    if owner.is_another() {
        let closed = data_dir.canonicalize().unwrap_or_else(|_| data_dir.into());
        if let Some(folder) = closed.ancestors().find(|folder| !others_may_pass(folder)) {
            return Err(Error::Failed(format!(
                "as root the database runs as another user, who may not pass {}: choose another --data-dir",
                folder.display()
            )));
        }
    }
    Ok(())
}

fn others_may_pass(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0)
}

/// `run` in the data folder, or, where a socket's path would be too long, a folder of its own under `/tmp`.
pub(super) fn socket_folder(data_dir: &Path, owner: &Owner) -> Result<PathBuf> {
    let data_dir = data_dir.canonicalize().map_err(|error| Error::io("reading", data_dir, &error))?;
    let near = data_dir.join("run");
    let folder = if near.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
        near
    } else {
        let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Path::new("/tmp").join(format!("lectern-{}-{name}", Uid::effective()))
    };
    owner.private_folder(&folder)?;
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
