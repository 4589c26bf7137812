//! Whose the cluster's files are.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use crate::error::{Error, Result};

/// Who owns the cluster's files. PostgreSQL refuses to run as root, so root lends it to a lesser user.
pub(super) struct Owner {
    lent_to: Option<User>,
}

impl Owner {
    pub(super) fn for_this_process() -> Result<Owner> {
        if !Uid::effective().is_root() {
            return Ok(Owner { lent_to: None });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Owner { lent_to: Some(user) });
            }
        }
        Err(Error::Failed(
            "PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: \
             run Lectern as an ordinary user, or name a database with --database-url"
                .into(),
        ))
    }

    /// Whether the server runs as somebody else than this process.
    pub(super) fn is_another(&self) -> bool {
        self.lent_to.is_some()
    }

    /// The program, run as the owner.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = &self.lent_to {
            command.gid(user.gid.as_raw()).uid(user.uid.as_raw());
        }
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Makes a folder that only the cluster's user may enter.
    pub(super) fn private_folder(&self, path: &Path) -> Result<()> {
        let made = fs::create_dir_all(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .and_then(|()| match &self.lent_to {
                Some(user) => chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
                None => Ok(()),
            });
        made.map_err(|error| Error::io("preparing the folder", path, &error))
    }
}
