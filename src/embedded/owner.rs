//! The user who owns the files of the cluster.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use crate::error::{Error, Result};

/// The owner of the cluster. PostgreSQL refuses to run as root, so root runs it as another user.
pub(super) struct Owner {
    /// None: the user of this process.
    other_user: Option<User>,
}

impl Owner {
    /// Chooses the owner. As root: the user `postgres`, else `nobody`.
    pub(super) fn for_this_process() -> Result<Owner> {
        if !Uid::effective().is_root() {
            return Ok(Owner { other_user: None });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Owner { other_user: Some(user) });
            }
        }
        Err(Error::Failed(
            "PostgreSQL refuses to run as root and neither the user postgres nor nobody exists: \
             run Lectern as an ordinary user, or name a database with --database-url"
                .into(),
        ))
    }

    /// Reports whether the server runs as another user than this process.
    pub(super) fn is_other_user(&self) -> bool {
        self.other_user.is_some()
    }

    /// Returns a command that runs a program as the owner.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = &self.other_user {
            command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        }
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Creates a folder that only the owner can enter.
    pub(super) fn create_private_folder(&self, path: &Path) -> Result<()> {
        let created = fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .and_then(|()| match &self.other_user {
                Some(user) => chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
                None => Ok(()),
            });
        created.map_err(|error| Error::io("creating the folder", path, &error))
    }
}
